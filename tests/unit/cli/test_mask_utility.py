"""`gnomon mask utility` asks both sides of a suite, says what masking costs, and ends with a code for scripts."""

import functools
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from gnomon.cli import mask_utility
from gnomon.cli.mask import mask
from gnomon.engine.runs import run_items

LABELS = ("好", "差")


def suite(folder: Path, n: int = 200) -> Path:
    rows = [
        {"id": f"u{number:03}", "text": f"第{number}条，回电1381234{number:04}", "label": LABELS[number % 2]}
        for number in range(n)
    ]
    path = folder / "suite.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def harmed(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many masked items the model server gets wrong besides every tenth; what it is asked is counted."""
    told = {"below": 0, "asked": 0}

    def answer(request: httpx.Request) -> httpx.Response:
        prompt = json.loads(request.content)["messages"][0]["content"]
        told["asked"] += 1
        number = int(prompt.split("第")[1].split("条")[0])
        is_right = number % 10 > 0 and not ("1381234" not in prompt and number < told["below"])
        said = LABELS[number % 2 if is_right else 1 - number % 2]
        message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        return httpx.Response(200, json={"choices": [message]})

    fake = functools.partial(run_items, transport=httpx.MockTransport(answer))
    monkeypatch.setattr(mask_utility, "run_items", fake)
    return told


def run(*arguments: Any) -> Result:
    where = ("--url", "http://127.0.0.1:1/v1", "--model", "m")
    return CliRunner().invoke(mask, ["utility", *map(str, arguments), *where])


def test_what_is_kept_is_told_in_a_table_and_two_languages(harmed: dict[str, int], tmp_path: Path) -> None:
    done = run(suite(tmp_path), "--answers", tmp_path / "answers.jsonl")
    assert done.exit_code == 0, done.output
    assert "脱敏后得分保持达标：准确率原文 90.0%，脱敏后 90.0%" in done.output
    assert "which keeps 100.0%" in done.output
    assert harmed["asked"] == 400
    lines = (tmp_path / "answers.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["side"] for line in (lines[0], lines[-1])] == ["raw", "masked"]
    assert "1381234" not in done.output + "".join(lines)
    assert "surrogates, which look real and are nobody's: 200" in done.output


@pytest.mark.parametrize(("n", "below", "code", "state"), [(200, 60, 1, "not_met"), (60, 0, 3, "insufficient")])
def test_harm_and_too_little_to_tell_have_codes_of_their_own(
    harmed: dict[str, int], tmp_path: Path, n: int, below: int, code: int, state: str
) -> None:
    harmed["below"] = below
    done = run(suite(tmp_path, n), "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["state"], told["masked"]) == (code, state, {"CN_MOBILE": n})


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", "Line 1 is not JSON"), ('{"id": "a", "text": "b"}', 'Line 1 has no "label"'), ("", "has no rows")],
)
def test_a_suite_that_is_none_is_refused_before_anything_is_asked(
    harmed: dict[str, int], tmp_path: Path, line: str, said: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line)
    done = run(path)
    assert (done.exit_code, said in done.output, harmed["asked"]) == (2, True, 0)
