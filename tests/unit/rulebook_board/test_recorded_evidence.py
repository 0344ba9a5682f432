"""What the domains record is what the rulebook waits for: read from the source, so that no path is forgotten."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import gnomon
from gnomon.app.wiring import DOMAINS
from gnomon.app.wiring import load as load_file
from gnomon.control.rulebook.checks import CHECKS
from gnomon.control.rulebook.rules import load

BOOK = load()
CONTROL = Path(gnomon.__file__).parent / "control"
PAPERS = {quorum.kind for quorum in BOOK.quorums}


@cache
def recorded() -> list[tuple[str, str, str, ast.expr | None]]:
    """(place, source, kind, facts) of every call that records evidence under a literal source."""
    return list(_recorded())


def _recorded() -> Iterator[tuple[str, str, str, ast.expr | None]]:
    for path in sorted(CONTROL.rglob("*.py")):
        text = path.read_text("utf-8")
        if "source=" not in text:
            continue  # taking the others apart takes most of the time
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                source, kind = given.get("source"), given.get("kind")
                if isinstance(source, ast.Constant) and isinstance(kind, ast.Constant) and "." in str(source.value):
                    yield f"{path.name}:{node.lineno}", str(source.value), str(kind.value), given.get("facts")


def keys_of(facts: ast.expr | None) -> set[str] | None:
    """The keys of a dict that is written out; None where they are only known when it runs."""
    if isinstance(facts, ast.Dict) and all(isinstance(key, ast.Constant) for key in facts.keys):
        return {str(key.value) for key in facts.keys if isinstance(key, ast.Constant)}
    return None


def test_evidence_for_a_control_is_of_the_kind_that_the_control_asks_for() -> None:
    found = recorded()
    assert found
    wrong = [
        f"{place} {source}: {kind}, the control wants {control.evidence}"
        for place, source, kind, _ in found
        for control in BOOK.controls_from(source)
        if control.evidence != kind
    ]
    assert wrong == []


def test_facts_that_are_written_out_hold_all_that_their_kind_needs() -> None:
    wrong = []
    for place, source, kind, facts in recorded():
        keys = keys_of(facts)
        missing = BOOK.missing_facts(kind, dict.fromkeys(keys)) if keys is not None else ()
        if missing and BOOK.controls_from(source):
            wrong.append(f"{place} {source}: {', '.join(missing)}")
    assert wrong == []


def test_what_a_check_answers_is_written_by_the_check_alone() -> None:
    for name in DOMAINS:
        load_file(name, "checks")
    assert CHECKS
    twice = [f"{place} {source}" for place, source, _, _ in recorded() if source in CHECKS]
    assert twice == []  # of two writers the one that never fails would hide the other


def test_every_decision_of_people_that_a_control_waits_for_is_one_that_can_be_asked() -> None:
    decided = {control.source for control in BOOK.controls if control.source.startswith("approvals.")}
    kinds = {source.removeprefix("approvals.").removesuffix("_decided") for source in decided if "_decided" in source}
    assert kinds <= PAPERS
