"""`gnomon mask` reads what people have, keeps its shape, and gives values back by map and key only."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from click.testing import CliRunner
from docx.shared import Pt
from openpyxl.comments import Comment
from openpyxl.styles import Font

from gnomon.cli.mask import mask

MOBILE = "13812345678"


def run(*args: str | Path, data: bytes | str = b"", **env: str) -> tuple[int, bytes, str]:
    result = CliRunner(env=env).invoke(mask, [str(arg) for arg in args], input=data)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout_bytes, result.stderr


def letter(tmp_path: Path) -> Path:
    document = docx.Document()
    paragraph = document.add_paragraph("请打138")
    bold = paragraph.add_run("1234")
    bold.bold, bold.font.size = True, Pt(20)
    paragraph.add_run("5678，谢谢")
    document.add_table(1, 1).cell(0, 0).text = "邮箱 li@example.com"
    document.sections[0].header.paragraphs[0].text = f"电话{MOBILE}"
    document.core_properties.author = "wang@example.com"
    document.add_comment(paragraph.runs[0], text=f"问{MOBILE}", author="zhao@example.com")
    path = tmp_path / "letter.docx"
    document.save(str(path))
    return path


def test_a_letter_keeps_its_look_and_loses_every_value(tmp_path: Path) -> None:
    assert run(letter(tmp_path), "--out", tmp_path / "out")[0] == 0
    path = tmp_path / "out" / "letter.docx"
    again = docx.Document(str(path))
    first, _, _, last = again.paragraphs[0].runs
    assert first.text.startswith("请打⟦手机_")
    assert (last.text, again.paragraphs[0].runs[2].bold) == ("，谢谢", True)
    assert again.tables[0].cell(0, 0).text.startswith("邮箱 ⟦邮箱_")
    assert not any(value in _unpacked(path) for value in (MOBILE, "example.com", "1234"))


def _unpacked(path: Path) -> str:
    import zipfile

    package = zipfile.ZipFile(path)
    return "".join(package.read(name).decode() for name in package.namelist() if name.startswith(("word/doc", "word/h",
                   "word/comments", "docProps", "_rels", "xl/w", "xl/s", "xl/c")) and "styles" not in name)  # fmt: skip


def test_a_workbook_keeps_formulas_formats_and_comments(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["电话", "数"], [int(MOBILE), 3], [MOBILE, "=B2*2"]):
        sheet.append(row)
    sheet["A3"].font = Font(bold=True)
    sheet["A1"].comment = Comment(f"问{MOBILE}", "x")
    book.save(tmp_path / "list.xlsx")
    assert run(tmp_path / "list.xlsx", "--out", tmp_path / "out")[0] == 0
    again: Any = openpyxl.load_workbook(tmp_path / "out" / "list.xlsx").active
    assert again["A2"].value == again["A3"].value
    assert again["A2"].value.startswith("⟦手机_")
    assert (again["B3"].value, again["A3"].font.b, again["B2"].value) == ("=B2*2", True, 3)
    assert MOBILE not in _unpacked(tmp_path / "out" / "list.xlsx")


def test_a_document_on_standard_input_comes_out_on_standard_output(tmp_path: Path) -> None:
    code, out, _ = run(data=letter(tmp_path).read_bytes())
    assert code == 0
    assert "⟦手机_" in docx.Document(io.BytesIO(out)).paragraphs[0].text


def test_what_cannot_be_read_refuses_the_document_unless_it_may_pass(tmp_path: Path) -> None:
    import zipfile

    path = letter(tmp_path)
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("word/media/scan.png", b"\x89PNG")
    code, _, error = run(path, "--out", tmp_path / "out")
    assert (code, "word/media/scan.png" in error) == (2, True)
    assert not (tmp_path / "out" / "letter.docx").exists()
    assert run(path, "--out", tmp_path / "out", "--pass-unread")[0] == 0


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04 and nothing more", b"\xd6\xd0\xce\xc4 13812345678\n", b"\xff\xfe1\x003\x00"]
)
def test_bytes_that_are_no_text_are_one_clear_line(data: bytes) -> None:
    code, out, error = run(data=data)
    assert (code, error.startswith("unreadable_document: "), len(error.splitlines())) == (2, True, 1)
    assert b"138" not in out


def test_other_encodings_and_stray_bytes_pass_when_asked() -> None:
    text = "电话13812345678\n"
    code, out, _ = run("--encoding", "gb18030", data=text.encode("gb18030"))
    assert (code, out.decode("gb18030").startswith("电话⟦手机_")) == (0, True)
    code, out, _ = run("--any-bytes", data=b"\xff\xfe 13812345678\n")
    assert out.startswith(b"\xff\xfe \xe2\x9f\xa6")


def test_columns_are_fields(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(
        """{id: p, version: "1", rules: [
        {entity: CN_MOBILE, operator: keep, fields: [客服]},
        {entity: FIELD, operator: redact, fields: [姓名]},
        {entity: "*", operator: mask}]}""",
        encoding="utf-8",
    )
    data = f'\ufeff姓名,客服,电话\n张三,{MOBILE},"{MOBILE}\n二"\n'
    _, out, _ = run("--csv", "--policy", policy, data=data.encode())
    rows = list(csv.reader(io.StringIO(out.decode().removeprefix("\ufeff"))))
    assert rows == [["姓名", "客服", "电话"], ["⟦姓名⟧", MOBILE, "138****5678\n二"]]


def test_json_is_looked_at_wherever_text_stands() -> None:
    inner = json.dumps({"tel": MOBILE, "deep": json.dumps([f"\u6253{MOBILE}"])})
    record = {"id": 7, "n": int(MOBILE), "list": [inner], MOBILE: True, "price": 12.5, "bad": "\ud800"}
    code, out, _ = run("--policy", "default", data=json.dumps(record) + "\n")
    assert code == 0
    assert MOBILE.encode() not in out
    again = json.loads(out)
    assert (again["id"], again["price"], again["bad"]) == (7, 12.5, "\ud800")
    assert json.loads(json.loads(again["list"][0])["deep"])[0].startswith("打⟦手机_")


def test_too_deep_json_is_refused() -> None:
    code, _, error = run("--jsonl", data="[" * 100_000)
    assert (code, error.startswith("bad_line: ")) == (2, True)


def test_folders_are_mirrored_and_names_of_files_masked(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "客户"
    folder.mkdir(parents=True)
    (folder / f"{MOBILE}.txt").write_text(f"打{MOBILE}", encoding="utf-8")
    (tmp_path / "in" / "a.csv").write_text(f"x\n{MOBILE}\n", encoding="utf-8")
    assert run(tmp_path / "in")[0] == 2  # where to?
    code, _, _ = run(tmp_path / "in", "--out", tmp_path / "out")
    assert code == 0
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert written[0] == "a.csv"
    assert written[1].startswith("客户/⟦手机_")
    assert all(MOBILE not in path.read_text("utf-8") for path in (tmp_path / "out").rglob("*.*"))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(MOBILE)
    code, _, error = run(tmp_path / "a.txt", "--out", tmp_path)
    assert (code, "overwritten" in error, (tmp_path / "a.txt").read_text()) == (2, True, MOBILE)


def test_a_dry_run_shows_the_difference_and_writes_nothing(tmp_path: Path) -> None:
    code, out, _ = run("--dry-run", letter(tmp_path), "--out", tmp_path / "out")
    text = out.decode()
    assert code == 0
    assert "- 请打13812345678，谢谢\n+ 请打⟦手机_" in text
    assert "CN_MOBILE → pseudonym: 3" in text
    assert not (tmp_path / "out").exists()
    code, out, _ = run("--dry-run", data=f"好\n打{MOBILE}\n")
    assert out.decode().startswith(f"@@ 行 line 2\n- 打{MOBILE}\n+ 打⟦手机_")


def test_what_was_masked_comes_back_by_the_map_and_its_key_only(tmp_path: Path) -> None:
    box, key = tmp_path / "map", tmp_path / "elsewhere" / "map.key"
    _, out, _ = run("--map", box, "--map-key", key, data=f"打{MOBILE}\n")
    assert MOBILE.encode() not in box.read_bytes()
    assert box.stat().st_mode & 0o777 == 0o600
    answer = out.decode().replace("⟦", "[").replace("⟧", "]")
    assert run("--restore", "--map", box, "--map-key", key, data=answer)[1].decode() == f"打{MOBILE}\n"
    assert run("--restore", "--map", box, data=answer)[0] == 2
    (tmp_path / "other.key").write_bytes(bytes(32))
    code, out, error = run("--restore", "--map", box, "--map-key", tmp_path / "other.key", data=answer)
    assert (code, error.startswith("bad_sealed_map: "), MOBILE in out.decode()) == (2, True, False)


def test_a_document_is_restored_too(tmp_path: Path) -> None:
    run(letter(tmp_path), "--out", tmp_path / "out", "--map", tmp_path / "m", "--map-key", tmp_path / "k")
    args = ("--out", tmp_path / "back", "--restore", "--map", tmp_path / "m", "--map-key", tmp_path / "k")
    assert run(tmp_path / "out" / "letter.docx", *args)[0] == 0
    again = docx.Document(str(tmp_path / "back" / "letter.docx"))
    assert again.paragraphs[0].text == "请打13812345678，谢谢"
    assert again.core_properties.author == "wang@example.com"


def test_sealed_tokens_need_no_map(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text('{id: p, version: "1", rules: [{entity: "*", operator: encrypt}]}')
    key = {"GNOMON_MASK_KEY": "ab" * 32}
    _, out, _ = run("--policy", policy, data=f"打{MOBILE}\n", **key)
    assert run("--restore", data=out, **key)[1].decode() == f"打{MOBILE}\n"
    assert run("--restore", data=out)[1] == out


def test_a_column_sealed_to_its_own_digits_is_restored_by_the_policy_and_the_key(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(
        '{id: p, version: "1", rules: [{entity: FIELD, operator: encrypt, fields: [tel], format: digits},'
        ' {entity: "*", operator: redact}]}'
    )
    key = {"GNOMON_MASK_KEY": "ab" * 32}
    table = f"name,tel\n甲,{MOBILE}\n乙,张 {MOBILE}\n"
    _, out, _ = run("--csv", "--policy", policy, data=table, **key)
    lines = out.decode().splitlines()
    sealed = lines[1].partition(",")[2]
    assert (len(sealed), sealed.isdigit(), sealed == MOBILE) == (11, True, False)
    assert lines[2].startswith("乙,⟦tel~")
    assert run("--csv", "--restore", "--policy", policy, data=out, **key)[1].decode() == table
    assert run("--csv", "--restore", "--policy", policy, data=out)[1] == out


def test_a_value_broken_by_a_line_end_has_one_place_in_spans() -> None:
    _, out, _ = run("--spans", data="证件110105\n19491231002X\n好\n")
    first = json.loads(out.splitlines()[0])
    assert (first["id"], first["spans"][0]["start"], first["spans"][0]["end"]) == ("1", 2, 21)


def test_a_line_of_ten_megabytes_passes() -> None:
    text = "今天天气好，" * 800_000 + f"打{MOBILE}。"
    code, out, _ = run(data=text.encode())
    assert (code, len(out) > 10_000_000, MOBILE.encode() in out) == (0, True, False)


def test_a_document_is_kept_in_by_its_fingerprint(tmp_path: Path) -> None:
    secret = "本配方采用三段升温法，第一段保持八十五度四十分钟，随后升至一百二十度并静置过夜。"
    document = docx.Document()
    document.add_paragraph(secret)
    document.save(str(tmp_path / "recipe.docx"))
    code, out, _ = run("fingerprint", tmp_path / "recipe.docx")
    assert code == 0
    assert "升温" not in out.decode()
    policy = tmp_path / "p.yaml"
    policy.write_bytes(b'id: p\nversion: "1"\nrules: [{entity: "*", operator: redact}]\n' + out)
    _, out, _ = run("--policy", policy, data=f"据说{secret}就这样。\n")
    assert out.decode() == "据说⟦商业秘密⟧。就这样。\n"
    assert run("fingerprint", tmp_path / "p.yaml", "--public", tmp_path / "p.yaml")[0] == 2
