"""A log line says what happened and nothing about anybody, whoever wrote it."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from gnomon.app.log_lines import LineMask
from gnomon.engine.disguises import samples
from gnomon.kit import log

MOBILE, IDENTITY, MAIL = "13912345678", "11010519491231002X", "li.ming@example.com"


class Written:
    """What has been written to stderr."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    @property
    def text(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text

    @property
    def last(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.text.splitlines()[-1])
        return found


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    yield Written(capsys)
    structlog.reset_defaults()


def test_facts_of_an_event_are_masked_whatever_their_shape_and_what_is_needed_to_run_stays(
    written: Written,
) -> None:
    log.configure(role="control", mask=LineMask())
    log.get("gnomon.test").warning(
        "call_failed",
        why=f"no such user: {MAIL}",
        number=int(MOBILE),
        rows=[{"text": f"身份证号{IDENTITY}"}, ("电话" + MOBILE,)],
        upstream="http://192.168.10.7:8000/v1",
        seconds=1.25,
        retried=True,
    )
    line = written.last
    assert not [value for value in (MOBILE, IDENTITY, MAIL) if value in written.text]
    assert (line["event"], line["role"], line["module"]) == ("call_failed", "control", "gnomon.test")
    assert (line["upstream"], line["seconds"], line["retried"]) == ("http://192.168.10.7:8000/v1", 1.25, True)


def test_a_traceback_says_where_and_not_about_whom(written: Written) -> None:
    log.configure(mask=LineMask())
    try:
        int(f"电话{MOBILE}")
    except ValueError:
        log.get("gnomon.test").exception("row_failed")
    assert "invalid literal for int()" in str(written.last["exception"])
    assert MOBILE not in written.text


def test_what_a_library_logs_is_masked(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # those that collect for the tests
    log.configure(mask=LineMask())
    logging.getLogger("some.library").warning("cannot store %s", {"phone": MOBILE})
    assert written.text.startswith("WARNING some.library cannot store {'phone': ")
    assert MOBILE not in written.text


def test_every_kind_of_personal_data_is_kept_out_of_a_line(written: Written) -> None:
    log.configure(mask=LineMask())
    logger = log.get("gnomon.test")
    values = []
    for sample in samples("log", each=1):
        for span in sample["spans"]:
            if span["variant"] == "plain" and span["label"] not in ("IP", "MAC"):
                values.append(sample["text"][span["start"] : span["end"]])
                logger.error("failed", why=sample["text"])
    assert len(values) > 30
    lines = "".join(str(json.loads(line)["why"]) for line in written.text.splitlines())
    assert [value for value in values if value in lines] == []


def test_a_mask_that_fails_withholds_the_value_and_the_line_is_written(written: Written) -> None:
    def broken(_: str) -> str:
        raise RuntimeError(MOBILE)

    log.configure(mask=broken)
    log.get("gnomon.test").error("call_failed", why=MOBILE)
    assert (written.last["event"], written.last["why"]) == ("call_failed", log.WITHHELD)
    assert MOBILE not in written.text


@pytest.mark.parametrize("where", ["raise", "thread"])
def test_what_nobody_caught_is_a_masked_line_too(where: str) -> None:
    fail = f"(_ for _ in ()).throw(ValueError('电话{MOBILE}'))"
    code = {
        "raise": f"int('电话{MOBILE}')",
        "thread": f"import threading; t = threading.Thread(target=lambda: {fail}); t.start(); t.join()",
    }[where]
    found = subprocess.run(
        [sys.executable, "-c", f"from gnomon.app import process; process.begin('worker'); {code}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    line = json.loads(found.stderr.splitlines()[-1])
    assert (line["event"], line["role"]) == ("ended_by_an_error", "worker")
    assert "ValueError" in line["exception"]
    assert MOBILE not in found.stderr
    assert found.returncode == (1 if where == "raise" else 0)
