"""One gateway for foreign clients: routes that answer, block, hang and are away, and a key for each kind of caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gnomon.contract.bundle import Breaker, Key, MaskPolicy, MaskRule, Route, Target
from gnomon.contract.bundle import Upstream as UpstreamAt
from tests.fakes.bundle import MASK, make_home, make_key
from tests.fakes.gateway import GatewayProcess
from tests.fakes.openai_server import respond
from tests.fakes.upstream import Script, Upstream

CHAT, BLOCKING, SLOW, AWAY, PRIVATE = "gnomon-chat", "gnomon-blocking", "gnomon-slow", "gnomon-away", "gnomon-private"
ALL, OTHERS, LIMITED, EXPIRED, RESTORES = "aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd", "eeeeeeee"
MOBILE = "13812345678"
_BLOCK = MaskPolicy(id="block", version="1", rules=(MaskRule(entity="*", operator="block"),))
_PSEUDONYM = MaskPolicy(id="pseudonym", version="1", rules=(MaskRule(entity="*", operator="pseudonym"),))


def _keys() -> tuple[Key, ...]:
    return (
        make_key(ALL),
        make_key(OTHERS, models=("another-model",)),
        make_key(LIMITED, requests_per_minute=60),
        make_key(EXPIRED, expires_at=1_700_000_000.0),
        make_key(RESTORES, scopes=("chat", "restore")),
    )


def _routes() -> tuple[Route, ...]:
    main = (Target(id="main", upstream="up", model="m", weight=1.0),)
    away = (Target(id="away", upstream="away", model="m", weight=1.0),)
    return (
        Route(model=CHAT, targets=main, mask_policy=MASK.id),
        Route(model=BLOCKING, targets=main, mask_policy=_BLOCK.id),
        Route(model=PRIVATE, targets=main, mask_policy=_PSEUDONYM.id),
        Route(model=SLOW, targets=main, mask_policy=MASK.id, timeout_s=0.3),
        Route(model=AWAY, targets=away, mask_policy=MASK.id),
    )


@contextmanager
def served(path: Path) -> Iterator[tuple[GatewayProcess, Upstream]]:
    """The gateway and the model server behind it."""
    with Upstream(Script(respond=respond)) as upstream:
        home = make_home(
            path,
            upstream_url=upstream.url,
            keys=_keys(),
            routes=_routes(),
            upstreams=(UpstreamAt(id="away", url="http://127.0.0.1:9/v1"),),
        )
        policies, never = (MASK, _BLOCK, _PSEUDONYM), Breaker(unreachable=0, failure_ratio=0.0)
        home.publish(msgspec.structs.replace(home.policy, mask_policies=policies, breaker=never))
        with GatewayProcess(home) as gateway:
            yield gateway, upstream
