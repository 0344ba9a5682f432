"""A rulebook that is not whole is refused, and the error names the file and the entry."""

from collections.abc import Callable
from typing import Any

import pytest

from gnomon.control.rulebook.rules import RulebookError, parse
from gnomon.control.rulebook.rules.parse import FILES, read_yaml

from .documents import documents

Break = Callable[[dict[str, Any]], object]
OPS = "operations/clauses.yaml"
CTL = "operations/controls.yaml"

BROKEN: dict[str, tuple[Break, str, str]] = {
    "unknown clause": (lambda d: d[CTL]["controls"][0].update(clauses=["OPS-9.9"]), CTL, "OPS-9.9"),
    "duplicate clause": (lambda d: d[OPS]["clauses"][1].update(id="OPS-0.1"), "clauses.yaml", "stands 2 times"),
    "missing English": (lambda d: d[OPS]["clauses"][4]["title"].pop("en"), OPS, "OPS-2.1"),
    "empty Chinese": (lambda d: d[OPS]["clauses"][4]["text"].update({"zh-CN": " "}), OPS, "OPS-2.1"),
    "unknown field": (lambda d: d[CTL]["controls"][0].update(colour="green"), CTL, "CTL-register-complete"),
    "unknown kind": (lambda d: d[CTL]["controls"][0].update(kind="hope"), CTL, "CTL-register-complete"),
    "unknown evidence": (lambda d: d[CTL]["controls"][0].update(evidence="rumour"), CTL, "evidence kind: rumour"),
    "unknown owner": (lambda d: d[CTL]["controls"][0].update(owner="nobody"), CTL, "owner: nobody"),
    "unknown indicator": (lambda d: d[CTL]["controls"][1].update(threshold="luck"), CTL, "indicator: luck"),
    "figure of others": (lambda d: d[CTL]["controls"][1].update(threshold="success_ratio"), CTL, "other clauses"),
    "no freshness": (lambda d: d[CTL]["controls"][0].update(freshness="0d"), CTL, "freshness"),
    "text for number": (
        lambda d: d["thresholds.yaml"]["thresholds"][0].update(limit="500"),
        "thresholds.yaml",
        "latency_p95_ms",
    ),
    "claimed as read": (
        lambda d: next(t for t in d["thresholds.yaml"]["thresholds"] if t["mark"] == "R").update(verified=True),
        "thresholds.yaml",
        "only V is verified",
    ),
    "unknown post": (
        lambda d: d["approvals.yaml"]["quorums"][0].update(seats=[["emperor"]]),
        "approvals.yaml",
        "post: emperor",
    ),
    "unknown verb": (
        lambda d: d["matrix.yaml"]["resources"][0]["grants"].update(destroy=["auditor"]),
        "matrix.yaml",
        "verb: destroy",
    ),
    "unknown group": (
        lambda d: d["matrix.yaml"]["resources"][0]["grants"].update(view=["@all"]),
        "matrix.yaml",
        "person.view",
    ),
    "outcome nowhere": (
        lambda d: d["slo.yaml"]["success_rule"]["excluded"].remove("blocked"),
        "slo.yaml",
        "blocked",
    ),
    "undeclared time": (lambda d: d["slo.yaml"]["objectives"][0].pop("limit_ms"), "slo.yaml", "latency"),
    "no default mask": (lambda d: d["masking.yaml"].update(default="none"), "masking.yaml", "mask policy: none"),
    "missing clause": (lambda d: d[OPS]["clauses"].pop(), OPS, "has 23 clauses"),
    "missing file": (lambda d: d.pop("guards.yaml"), "guards.yaml", "missing"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rulebook_is_refused_with_file_and_entry(name: str) -> None:
    breaks, file, says = BROKEN[name]
    broken = documents()
    breaks(broken)
    with pytest.raises(RulebookError) as caught:
        parse(broken)
    assert file in caught.value.message
    assert says in caught.value.message
    assert caught.value.next_step


def test_a_clause_without_a_control_is_refused() -> None:
    broken = documents()
    controls = broken[CTL]["controls"]
    broken[CTL]["controls"] = [c for c in controls if c["clauses"] != ["OPS-1.2"]]
    with pytest.raises(RulebookError, match=r"OPS-1\.2: the clause has no control"):
        parse(broken)


def test_a_key_that_stands_twice_is_refused_with_its_line() -> None:
    with pytest.raises(RulebookError, match="line 1: the key 'a' stands twice"):
        read_yaml("edition.yaml", "a: 1\nb: 2\na: 3\n")


@pytest.mark.parametrize("text", ["a: [1", "a: \x00", "!!python/object:os.system {}"])
def test_bad_yaml_is_refused_by_file(text: str) -> None:
    with pytest.raises(RulebookError, match=r"edition\.yaml"):
        read_yaml("edition.yaml", text)


@pytest.mark.parametrize("file", FILES)
def test_no_file_may_be_a_list_or_a_word(file: str) -> None:
    answers: tuple[Any, ...] = ([], "words", 7)
    for nonsense in answers:
        broken = documents() | {file: nonsense}
        with pytest.raises(RulebookError):
            parse(broken)
