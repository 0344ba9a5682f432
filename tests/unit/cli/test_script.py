"""Which interpreter `./gnomon` makes an environment with."""

import re
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "gnomon"
FUNCTION = re.search(r"^python_of\(\) \{.*?^\}", SCRIPT.read_text(encoding="utf-8"), re.M | re.S)
KINDS = {"quick": "echo quick", "other": "echo other", "old": "echo", "broken": "exit 1"}


def chosen(folder: Path, *, asked: str = "", **kinds: str) -> str:
    """The name of the interpreter that is taken of those in the path; nothing where it is none of them."""
    assert FUNCTION is not None
    for name, kind in kinds.items():
        path = folder / name.replace("_", ".")
        path.write_text(f"#!/bin/sh\n{KINDS[kind]}\n", encoding="utf-8")
        path.chmod(0o755)
    # The system's own would be taken before one of another kind: it is left out.
    function = FUNCTION[0].replace(" /usr/bin/python3;", ";")
    told = subprocess.run(
        ["/bin/sh", "-c", f"fail() {{ exit 69; }}\n{function}\npython_of"],
        env={"PATH": str(folder), "GNOMON_PYTHON": asked},
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout if told.returncode == 0 else ""


def test_one_that_was_built_with_profiles_is_taken_before_an_earlier_one_that_was_not(tmp_path: Path) -> None:
    assert chosen(tmp_path, python3_11="other", python3_12="quick", python3_13="quick") == "python3.12"


@pytest.mark.parametrize("first", ["old", "broken"])
def test_without_one_the_first_that_fits_is_taken(tmp_path: Path, first: str) -> None:
    assert chosen(tmp_path, python3_11=first, python3_12="other", python3="other") == "python3.12"


def test_the_one_that_somebody_names_is_taken_whatever_it_is(tmp_path: Path) -> None:
    assert chosen(tmp_path, asked="mine", mine="other", python3_11="quick") == "mine"


def test_without_any_that_fits_the_script_ends(tmp_path: Path) -> None:
    assert chosen(tmp_path, python3_11="old", python3="broken") == ""
