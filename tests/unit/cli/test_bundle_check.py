"""What a bundle makes a gateway do is told in Chinese and in English, each thing once."""

import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from gnomon.cli import route_rules
from gnomon.cli.bundle import bundle
from gnomon.contract.bundle import (
    Arm,
    Ban,
    Breaker,
    Cache,
    Canary,
    Cascade,
    Experiment,
    Quota,
    Route,
    Shadow,
    Target,
    Throttle,
    Upstream,
)
from gnomon.contract.signing import BadBundle
from tests.fakes.bundle import make_home

TARGET = Target(id="main", upstream="up", model="m", weight=1.0, price_in=1.5)
RULED = Route(
    model="gnomon-chat",
    targets=(TARGET, Target(id="other", upstream="up", model="m", weight=0.0)),
    mask_policy="default",
    keep_content=False,
    total_s=90,
    first_byte_s=2,
    fallback=("other",),
    retries=2,
    hedge_after_ms=800,
    breaker=Breaker(slow_ms=900),
    experiment=Experiment(id="e1", arms=(Arm(target="other", share=0.25),)),
    shadow=Shadow(target="other", share=0.1),
    cascade=Cascade(small="other", min_mean_logprob=-0.5, min_margin=0.2),
    cache=Cache(ttl_s=60),
    unscanned=("image",),
)
NEVER = Breaker(unreachable=0, failure_ratio=0.0)


@pytest.mark.parametrize(
    "line",
    [
        *route_rules.lines(RULED),
        *route_rules.lines(
            msgspec.structs.replace(RULED, sticky=False, cascade=Cascade(small="other", escalate_on=()))
        ),
        route_rules.breaker(NEVER),
        route_rules.target(TARGET),
        route_rules.upstream(Upstream(id="up", url="https://models.internal/v1", secret_env="KEY")),
    ],
)
def test_every_line_of_an_explanation_is_in_both_languages(line: str) -> None:
    assert re.search("[一-鿿]{2}", line)
    assert re.search("[a-z]{4}", line)


def test_what_a_roster_forbids_is_told_once_and_in_both_languages(tmp_path: Path) -> None:
    canary = Canary(id="c1", target="other", share=0.1, watch_until=1.0)
    home = make_home(
        tmp_path,
        upstream_url="http://127.0.0.1:9/v1",
        routes=(msgspec.structs.replace(RULED, canary=canary),),
        quotas=(Quota(kind="team", value="business", requests_per_minute=60),),
        bans=(Ban(id="ban1", kind="key", value="bbbbbbbb", until=2e9, reason="r"),),
    )
    slowed = Throttle(key="aaaaaaaa", requests_per_minute=5, until=2e9)
    home.publish(roster=msgspec.structs.replace(home.roster, throttles=(slowed,)))
    folder = home.path / "bundle"
    CliRunner().invoke(bundle, ["pack", str(folder), str(tmp_path / "both.json")])
    told = CliRunner().invoke(bundle, ["check", "--key", str(folder / "key.pub"), str(tmp_path / "both.json")]).output
    for chinese, english in (
        ("限流", "throttle aaaaaaaa"),
        ("封禁", "ban key bbbbbbbb"),
        ("配额", "quota team"),
        ("密钥", "caller-aaaaaaaa"),
        ("灰度", "canary other"),
    ):
        lines = [line for line in told.splitlines() if english in line]
        assert len(lines) == 1, told
        assert chinese in lines[0]


def test_a_signed_bundle_that_a_gateway_would_refuse_is_refused_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1", routes=(RULED,))
    folder = home.path / "bundle"

    def check() -> Result:
        return CliRunner().invoke(bundle, ["check", str(folder)])  # its key lies beside

    monkeypatch.setenv("GNOMON_HOME", str(tmp_path / "nobody"))
    assert check().exit_code == 0
    for wrong, why in (
        ({"mask_policy": "nobody's"}, "unknown masking policy"),
        ({"fallback": ("nowhere",)}, "unknown target"),
        ({"timeout_s": -1.0}, "timeout_s"),
    ):
        home.publish(policy=msgspec.structs.replace(home.policy, routes=(msgspec.structs.replace(RULED, **wrong),)))
        found = check()
        assert isinstance(found.exception, BadBundle)
        assert why in str(found.exception)
    home.publish(roster=msgspec.structs.replace(home.roster, timezone="Nowhere/Land"))
    args = ["check", "--key", str(folder / "key.pub"), str(folder / "roster.json")]
    assert "no time zone" in str(CliRunner().invoke(bundle, args).exception)


def test_a_policy_is_told_with_its_masking_and_what_holds_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNOMON_HOME", str(tmp_path / "nobody"))
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1", regulated=True)
    told = CliRunner().invoke(bundle, ["check", str(home.path / "bundle")]).output
    for line in (
        "无法记录即拒绝 / refuses what it cannot record",
        "bodies of at most 1,048,576 bytes",
        "bans an address for 900 s after 10 wrong keys within 60 s",
        "脱敏策略 / masking policy default 1  structured",
        "    *  redact",
    ):
        assert line in told
