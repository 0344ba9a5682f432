"""What a policy says of a field holds for all that stands in it, in whatever a field is: a column, a member of JSON."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.unit.cli.test_mask import MOBILE, run


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(
        """{id: p, version: "1", rules: [{entity: FIELD, operator: redact, fields: [工资]},
        {entity: "*", operator: pseudonym}], patterns: [{entity: STAFF, label: 工号, pattern: '20\\d{6}'}]}""",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    "value", [12000, 12.5, True, "12000", '{"base": 12000}', "[12000]", ["a", 12000], {"base": 12000, "of": {"x": "a"}}]
)
def test_a_field_that_is_taken_whole_lets_nothing_of_its_value_through(policy: Path, value: Any) -> None:
    code, out, error = run("--policy", policy, data=json.dumps({"工资": value, "n": 12000}) + "\n")
    assert (code, error) == (0, "")
    again = json.loads(out)
    assert again["n"] == 12000
    assert not any(part in json.dumps(again["工资"]) for part in ("12", "true", '"a"'))


def test_what_is_not_there_is_no_value(policy: Path) -> None:
    _, out, _ = run("--policy", policy, data='{"工资": null, "x": {"工资": ""}}\n')
    assert json.loads(out) == {"工资": None, "x": {"工资": ""}}


def test_a_number_is_found_by_the_companys_pattern_as_its_text_is(policy: Path) -> None:
    _, out, _ = run("--policy", policy, data='{"a": 20260012, "b": "20260012", "c": 2026, "d": 1.5}\n')
    again = json.loads(out)
    assert again["a"] == again["b"] != 20260012
    assert (again["c"], again["d"]) == (2026, 1.5)


def test_a_workbook_is_refused_where_its_columns_would_count(policy: Path, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["工资"])
    book.active.append([12000])
    book.save(tmp_path / "pay.xlsx")
    data = (tmp_path / "pay.xlsx").read_bytes()

    code, out, error = run("--policy", policy, data=data)
    assert (code, out) == (2, b"")
    assert "columns of a workbook" in error
    assert run("--policy", policy, "--pass-unread", data=data)[0] == 0
    assert run(data=data)[0] == 0


@pytest.mark.parametrize("args", [(), ("--jsonl",)])
def test_a_byte_order_mark_before_json_is_no_part_of_it(args: tuple[str, ...]) -> None:
    code, out, _ = run(*args, data=b'\xef\xbb\xbf{"id": 1, "text": "138\\u0031' + MOBILE[4:].encode() + b'"}\n')
    assert code == 0
    assert json.loads(out)["text"].startswith("⟦手机_")


@pytest.mark.parametrize(("start", "end"), [(0, 99), (-1, 2), (2, 2), (3, 1)])
def test_labels_that_are_no_places_in_their_text_are_measured_by_nobody(tmp_path: Path, start: int, end: int) -> None:
    line = {"text": "abc", "spans": [{"start": start, "end": end, "label": "PERSON"}]}
    (tmp_path / "a.jsonl").write_text("\ufeff" + json.dumps(line), encoding="utf-8")
    code, out, error = run("measure", tmp_path / "a.jsonl")
    assert (code, out) == (2, b"")
    assert error.startswith(f"bad_line: Line 1 has a span from {start} to {end} in a text of 3 characters.")


def test_spans_come_back_under_the_id_that_was_given() -> None:
    lines = "".join(json.dumps({"id": id, "text": MOBILE}) + "\n" for id in (7, "7", None))
    _, out, _ = run("--spans", data=lines)
    assert [json.loads(line)["id"] for line in out.splitlines()] == [7, "7", None]
