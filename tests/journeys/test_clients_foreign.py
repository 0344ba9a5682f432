"""Clients that others wrote, each in a process and with packages of its own: Node's `openai`, LangChain, LiteLLM.

`make clients` brings their packages; where they are not, the tests are skipped. The programs are in `tests/clients`;
each makes all its calls once and prints what came of them.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.bundle import secret
from tests.fakes.gateway import GatewayProcess
from tests.fakes.openai_server import CALL, OBJECT, SAYS, VECTOR
from tests.fakes.upstream import Upstream
from tests.journeys import clients

pytestmark = pytest.mark.journey
ROOT = Path(__file__).parents[2]
NODE = ROOT / ".gnomon" / "clients-node" / "node_modules"
PYTHON = ROOT / ".gnomon" / "clients"
PROGRAMS = {
    "openai_calls.cjs": ("node", NODE / "openai", {"NODE_PATH": str(NODE)}),
    "langchain_calls.py": (sys.executable, PYTHON / "langchain_openai", {"PYTHONPATH": str(PYTHON)}),
    "litellm_calls.py": (sys.executable, PYTHON / "litellm", {"PYTHONPATH": str(PYTHON)}),
}
KEYS = {
    "all": secret(clients.ALL),
    "others": secret(clients.OTHERS),
    "limited": secret(clients.LIMITED),
    "restores": secret(clients.RESTORES),
    "wrong": "sk-wrong",
    "mobile": clients.MOBILE,
}
CITY = json.loads(CALL["arguments"])["city"]
USED = 33

ANSWERS = {
    "openai_calls.cjs": {
        "chat": SAYS,
        "choices": [SAYS] * 3,
        "stream": SAYS,
        "stream_helper": [SAYS, USED],
        "stream_aborted": "chat.completion.chunk",
        "tools": ["tool_calls", CALL["name"], CITY],
        "stream_tools": CITY,
        "json_object": OBJECT["answer"],
        "completions": SAYS,
        "embeddings": [2, VECTOR[:3]],
        "models": True,
        "masked": False,
        "restored": True,
        "wrong_key": ("AuthenticationError", 401, "invalid_api_key"),
        "not_permitted": ("PermissionDeniedError", 403, "permission_denied"),
        "unknown_model": ("NotFoundError", 404, "model_not_found"),
        "bad_request": ("BadRequestError", 400, "missing_messages"),
        "blocked": ("BadRequestError", 400, "content_blocked"),
        "upstream_failed": ("InternalServerError", 502, "upstream_error"),
        "upstream_limited": ("RateLimitError", 429, "x"),
        "upstream_away": ("InternalServerError", 503, "upstream_unreachable"),
        "own_timeout": ("APIConnectionTimeoutError", None, None),
        "limited": ("RateLimitError", 429, "rate_limit_exceeded"),
        "limited_then_waits": True,
    },
    "langchain_calls.py": {
        "chat": SAYS,
        "usage": USED,
        "choices": [SAYS] * 2,
        "log_probabilities": len(SAYS),
        "batch": [SAYS] * 3,
        "stream": [SAYS, [USED]],
        "async": [SAYS, SAYS],
        "tools": [CALL["name"], {"city": CITY}, SAYS],
        "stream_tools": [CALL["name"], {"city": CITY}],
        "structured": OBJECT["answer"],
        "completions": SAYS,
        "embeddings": [2, VECTOR[:3]],
        "masked": False,
        "restored": True,
        "wrong_key": ("OpenAIAuthenticationError", 401, "invalid_api_key"),
        "not_permitted": ("OpenAIPermissionDeniedError", 403, "permission_denied"),
        "unknown_model": ("OpenAIModelNotFoundError", 404, "model_not_found"),
        "blocked": ("OpenAIInvalidRequestError", 400, "content_blocked"),
        "upstream_failed": ("OpenAIAPIError", 502, "upstream_error"),
        "upstream_limited": ("OpenAIRateLimitError", 429, "x"),
        "upstream_away": ("OpenAIAPIError", 503, "upstream_unreachable"),
        "own_timeout": ("OpenAITimeoutError", None, None),
    },
    "litellm_calls.py": {
        "chat": SAYS,
        "choices": [SAYS] * 2,
        "stream": [SAYS, [USED], SAYS],
        "async": [SAYS, SAYS],
        "tools": ["tool_calls", CALL["name"], CITY],
        "json_object": OBJECT["answer"],
        "completions": SAYS,
        "embeddings": [2, VECTOR[:3]],
        "masked": False,
        "restored": True,
        "wrong_key": ("AuthenticationError", 401),
        "not_permitted": ("APIError", 403),
        "unknown_model": ("NotFoundError", 404),
        "blocked": ("BadRequestError", 400),
        "upstream_failed": ("BadGatewayError", 502),
        "upstream_limited": ("RateLimitError", 429),
        "upstream_away": ("ServiceUnavailableError", 503),
        "own_timeout": ("Timeout", 408),  # LiteLLM's own number for it: nothing came from the gateway
    },
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, Upstream]]:
    with clients.served(tmp_path_factory.mktemp("foreign")) as found:
        yield found


@pytest.fixture(scope="module")
def results(house: tuple[GatewayProcess, Upstream]) -> Callable[[str], dict[str, Any]]:
    """What came of the calls of a program, which runs once."""
    made: dict[str, dict[str, Any]] = {}

    def of(program: str) -> dict[str, Any]:
        if program not in made:
            made[program] = _run(program, house[0])
        return made[program]

    return of


def _run(program: str, gateway: GatewayProcess) -> dict[str, Any]:
    interpreter, package, environment = PROGRAMS[program]
    if not package.exists() or shutil.which(interpreter) is None:
        pytest.skip(f"{package.name} is not here: make clients")
    ended = subprocess.run(
        [interpreter, str(ROOT / "tests" / "clients" / program), gateway.url, json.dumps(KEYS)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    rows = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    return {row["call"]: row["result"] for row in rows}


@pytest.mark.parametrize(("program", "call"), [(program, call) for program, calls in ANSWERS.items() for call in calls])
def test_the_client_finds_what_it_expects_of_openai(
    results: Callable[[str], dict[str, Any]], program: str, call: str
) -> None:
    told = results(program)[call]
    expected: Any = ANSWERS[program][call]
    assert (tuple(told.values()) if isinstance(expected, tuple) else told) == expected


@pytest.mark.parametrize("program", ANSWERS)
def test_no_call_is_left_unlooked_at_and_nothing_is_left_behind(
    results: Callable[[str], dict[str, Any]], house: tuple[GatewayProcess, Upstream], program: str
) -> None:
    gateway, upstream = house
    assert set(results(program)) == set(ANSWERS[program])
    with gateway.unharmed():
        pass
    assert not gateway.whereabouts([clients.MOBILE], upstream_saw=str(upstream.requests))
