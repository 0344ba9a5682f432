"""Every error that a person may meet is told in both languages, and the edges tell it in theirs."""

import ast
import importlib
import pkgutil
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

import gnomon
from gnomon.kit.error_texts import is_bilingual, spoken, texts, told
from gnomon.kit.errors import BadInput, Conflict, Denied, GnomonError, NotFound
from gnomon.kit.i18n import LOCALES
from gnomon.kit.settings import Settings
from gnomon.kit.web import ActorDep, tell_errors
from gnomon.kit.work import NOBODY, Actor, Platform
from tests.fakes.client import TestClient
from tests.fakes.platform import make_platform

OPTIONAL = {"torch", "transformers", "peft", "gguf", "safetensors", "accelerate", "snownlp"}
PART = re.compile(r"\[[^\[\]]*\]")
PLACE = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def classes() -> list[type[GnomonError]]:
    """Every error class of the package, once every module of it is imported but those that need a training stack.

    Its imports take longer than all others together; the test after the next looks at those modules' sources.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other people's libraries
        for module in pkgutil.walk_packages(gnomon.__path__, "gnomon."):
            if module.name.startswith("gnomon.migrations") or module.name in heavy():
                continue  # the first are run by alembic alone
            importlib.import_module(module.name)
    every: list[type[GnomonError]] = [GnomonError, *below(GnomonError)]
    return [found for found in every if found.__module__.startswith("gnomon.")]


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of the package by its name."""
    root = Path(gnomon.__path__[0])
    return {
        ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text("utf-8")
        )
        for path in root.rglob("*.py")
    }


@cache
def heavy() -> set[str]:
    """Modules that cannot be imported without what not everybody has installed."""
    wanted = {name: imported(source) for name, source in sources().items()}
    found = {name for name, names in wanted.items() if OPTIONAL & {one.partition(".")[0] for one in names}}
    while more := {name for name, names in wanted.items() if names & found} - found:
        found |= more
    return found


def imported(source: ast.Module) -> set[str]:
    """What a module imports as it is loaded, in full names."""
    names: set[str] = set()
    for node in source.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def below(parent: type[GnomonError]) -> Iterator[type[GnomonError]]:
    for child in parent.__subclasses__():
        yield child
        yield from below(child)


def test_every_code_has_words_and_no_words_are_left_over(classes: list[type[GnomonError]]) -> None:
    raised = {found.code for found in classes}
    assert raised - set(texts()) == set(), "codes without an entry in kit/locale/errors.yaml"
    assert set(texts()) - raised == set(), "entries of kit/locale/errors.yaml that no class raises"


def test_modules_that_were_not_imported_define_no_code_of_their_own() -> None:
    assert heavy()
    for name in heavy():
        for one in ast.walk(sources()[name]):
            if isinstance(one, ast.ClassDef):
                assert "code" not in {node.id for node in ast.walk(one) if stored(node)}, f"{name}.{one.name}"


def stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def test_every_entry_says_what_happened_and_what_to_do_in_both_languages() -> None:
    for code, entry in texts().items():
        assert set(entry) == set(LOCALES), code
        for locale, words in entry.items():
            assert set(words) == {"title", "next_step"}, code
            assert all(words.values()), code
            assert not words["title"].endswith((".", "。")), f"{code}: a title is no paragraph"
            assert words["next_step"].endswith((".", "。")), code
            assert has_han(words["title"]) == has_han(words["next_step"]) == (locale == "zh-CN"), code


def test_both_languages_show_the_same_facts_and_only_where_they_are_known(classes: list[type[GnomonError]]) -> None:
    given_facts = facts_by_name()
    for code, entry in texts().items():
        places = {
            locale: {name: sorted(PLACE.findall(words[name])) for name in words} for locale, words in entry.items()
        }
        assert places["zh-CN"] == places["en"], code
        for words in entry.values():
            assert "{" not in PART.sub("", words["title"] + words["next_step"]), f"{code}: facts may be absent"
        raised = set().union(*(given_facts.get(found.__name__, set()) for found in classes if found.code == code))
        assert {name for found in places["en"].values() for name in found} <= raised, f"{code}: nobody gives this fact"


def facts_by_name() -> dict[str, set[str]]:
    """The keyword arguments with which the sources make each class, by the class's name."""
    found: dict[str, set[str]] = {}
    for source in sources().values():
        for node in ast.walk(source):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                found.setdefault(name, set()).update(keyword.arg for keyword in node.keywords if keyword.arg)
    return found


def has_han(text: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", text))


# ---------------------------------------------------------------- telling


class Full(Conflict):
    code = "disk_too_small"


def test_facts_fill_the_sentence_and_an_absent_one_leaves_its_part_out() -> None:
    whole = Full("12 of 20.", free_mb=12, needed_mb=20)
    assert told(whole, "en").title == "The disk is too small (12 MB free, 20 MB needed)"
    assert told(whole).title == "磁盘空间不够（剩余 12 MB，需要 20 MB）"
    assert told(Full("12 of 20.", free_mb=12), "en").title == "The disk is too small"


def test_the_message_stays_and_the_next_step_is_in_the_readers_language() -> None:
    error = NotFound("There is no finding F-1.", next_step="Look it up in the register.")
    english = told(error, "en")
    assert (english.detail, english.next_step) == ("There is no finding F-1.", "Look it up in the register.")
    assert told(error).next_step == texts()["not_found"]["zh-CN"]["next_step"]
    assert told(error).detail == f"{error.message} {error.next_step}", "what it alone knows is not lost"


@pytest.mark.parametrize("step", ["gnomon up", "GNOMON_CONTROL_PORT=<port> gnomon up"])
def test_a_command_is_the_next_step_in_every_language(step: str) -> None:
    assert {told(Conflict("x", next_step=step), locale).next_step for locale in LOCALES} == {step}


def test_an_unknown_code_is_told_by_its_status_and_an_unknown_locale_in_chinese() -> None:
    class Newer(Denied):
        code = "not_written_yet"

    assert told(Newer("x"), "en").title == texts()["denied"]["en"]["title"]
    assert told(Newer("x"), "fr").title == texts()["denied"]["zh-CN"]["title"]


@settings(max_examples=40)
@given(st.text(max_size=20), st.dictionaries(st.sampled_from(["row", "state"]), st.text() | st.integers() | st.none()))
def test_whatever_the_facts_no_mark_of_the_template_is_left(message: str, facts: dict[str, object]) -> None:
    class Rows(BadInput):
        code = "bad_rows"

    error = Rows(message)
    error.facts = {name: str(value).translate(str.maketrans("", "", "[]{}")) for name, value in facts.items()}
    for locale in LOCALES:
        assert not set("[]{}") & set(told(error, locale).title)


@pytest.mark.parametrize(
    ("text", "both"),
    [("端口 1 已被占用 / port 1 is taken.", True), ("没有 CPU", False), ("No such port.", False), ("第 3 行", False)],
)
def test_a_text_is_bilingual_when_it_has_chinese_and_english_words(text: str, both: bool) -> None:
    assert is_bilingual(text) is both


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("", ""),
        ("zh", "zh-CN"),
        ("en-GB,en;q=0.9", "en"),
        ("fr, en;q=0.3, zh-TW;q=0.8", "zh-CN"),
        ("de-DE", ""),
        ("en;q=0, zh", "zh-CN"),
        ("en;q=nonsense", ""),
    ],
)
def test_the_requests_language_is_the_best_that_we_speak(header: str, locale: str) -> None:
    assert spoken(header) == locale


# ---------------------------------------------------------------- the API


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    app = FastAPI()
    platform: Platform = make_platform(tmp_path)
    app.state.platform = platform
    app.state.settings = Settings(home=tmp_path)
    english = replace(NOBODY, id="lin", name="Lin", kind="person", locale="en")
    people: dict[str, Actor] = {"english": english, "chinese": replace(english, locale="zh-CN")}
    app.state.identify = lambda _session, token: people.get(token)
    tell_errors(app)

    @app.get("/mine")
    def mine(_actor: ActorDep) -> None:
        raise NotFound("There is no finding F-1.", id="F-1")

    with TestClient(app) as made:
        yield made
    platform.database.close()


def asked(client: TestClient, token: str, language: str = "") -> dict[str, object]:
    headers = {"authorization": f"Bearer {token}", "accept-language": language}
    body: dict[str, dict[str, object]] = client.get("/mine", headers=headers).json()
    return body["error"]


def test_the_api_tells_a_signed_in_person_in_their_own_language(client: TestClient) -> None:
    error = asked(client, "english", "zh")
    assert error["title"] == texts()["not_found"]["en"]["title"]
    assert asked(client, "chinese", "en")["title"] == texts()["not_found"]["zh-CN"]["title"]
    assert (error["code"], error["message"], error["facts"]) == (
        "not_found",
        "There is no finding F-1.",
        {"id": "F-1"},
    )


def test_the_api_tells_a_stranger_in_the_language_of_the_request(client: TestClient) -> None:
    assert asked(client, "", "en")["next_step"] == "Sign in and try again."
    assert asked(client, "", "")["next_step"] == texts()["sign_in_needed"]["zh-CN"]["next_step"]
    assert asked(client, "", "fr")["title"] == "需要登录"
