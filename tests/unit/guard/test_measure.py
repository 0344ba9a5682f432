"""The measure counts what it says, and `gnomon mask` is a thin door to it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gnomon.cli.mask import mask
from gnomon.contract.verdicts import Span
from gnomon.guard.measure import Labelled, Measurement, wilson


def test_wilson_against_published_values() -> None:
    low, high = wilson(81, 263)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = wilson(0, 20)
    assert (round(low, 4), round(high, 4)) == (0.0, 0.1611)
    assert wilson(0, 0) == (0.0, 1.0)


def test_one_uncovered_character_is_a_leak() -> None:
    result = Measurement(frozenset({"A"}))
    result.add("0123456789", [Labelled(0, 4, "A", "plain")], [Span(0, 3, "A")])
    result.add("0123456789", [Labelled(0, 4, "A", "plain")], [Span(0, 2, "B"), Span(2, 5, "C")])
    assert (result.overall.true, result.overall.leaked, result.overall.exact) == (2, 1, 0)
    assert result.variants["A plain"].leaked == 1


def test_findings_in_spans_out_of_scope_are_not_wrong() -> None:
    result = Measurement(frozenset({"A"}))
    result.add("0123456789", [Labelled(0, 4, "PERSON")], [Span(1, 3, "A"), Span(6, 8, "A")])
    assert result.overall.found == 1


def test_nothing_measured_is_none_not_perfect() -> None:
    result = Measurement(frozenset({"A"}))
    assert result.overall.precision is None
    assert result.overall.leak is None


def run(*args: str, text: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(mask, list(args), input=text)
    return result.exit_code, result.output


def test_lines_are_masked_by_default() -> None:
    code, out = run(text="打13812345678\n好\n")
    assert code == 0
    assert out.startswith("打⟦手机_")
    assert out.endswith("⟧\n好\n")


def test_jsonl_keeps_its_other_fields() -> None:
    code, out = run(text='{"id": 7, "text": "a@b.com", "note": "x"}\n')
    assert code == 0
    record = json.loads(out)
    assert record["note"] == "x"
    assert record["text"].startswith("⟦邮箱_")


def test_spans_follow_the_contract() -> None:
    _, out = run("--spans", text='{"id": "d1", "text": "打13812345678"}\n')
    record = json.loads(out)
    assert record["id"] == "d1"
    assert record["spans"] == [{"start": 1, "end": 12, "entity": "CN_MOBILE", "score": 1.0, "operator": "pseudonym"}]


def test_policy_file_and_block(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("id: p\nversion: '1'\nrules: [{entity: EMAIL, operator: block}, {entity: '*', operator: mask}]\n")
    code, out = run("--policy", str(policy), text="打13812345678\na@b.com\n")
    assert code == 3
    assert "138****5678" in out
    assert "a@b.com" not in out


@pytest.mark.parametrize(
    ("args", "text", "code"),
    [
        (("--policy", "/nowhere.yaml"), "x", "bad_input"),
        (("--spans",), '{"id": 1}\n', "bad_line"),
        (("--jsonl",), "[1]\n", "bad_line"),
        (("--json",), "{", "bad_line"),
        (("--csv",), '"x" y,1\n', "unreadable_document"),
        (("--encoding", "nothing"), "x", "bad_input"),
        (("--policy", "nobody"), "x", "bad_mask_policy"),
        (("--restore", "--map", "/nowhere"), "x", "bad_input"),
        (("/nowhere.txt",), "", "bad_input"),
        (("measure", "/nowhere.jsonl"), "", "bad_input"),
    ],
)
def test_bad_input_is_one_clear_line(args: tuple[str, ...], text: str, code: str) -> None:
    exit_code, out = run(*args, text=text)
    assert exit_code == 2
    assert out.startswith(f"{code}: ")
    assert len(out.splitlines()) == 1


def test_measure_prints_what_it_counted(tmp_path: Path) -> None:
    data = tmp_path / "d.jsonl"
    rows = [
        {"text": "打13812345678", "spans": [{"start": 1, "end": 12, "label": "CN_MOBILE", "variant": "plain"}]},
        {"text": "没有", "spans": []},
    ]
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    code, out = run("measure", str(data), "--json")
    assert code == 0
    summary = json.loads(out)
    assert summary["overall"]["n"] == 1
    assert summary["overall"]["leak"] == 0
    assert (summary["negatives"], summary["negatives_touched"]) == (1, 0)
    code, out = run("measure", str(data))
    assert code == 0
    assert "CN_MOBILE plain" in out
