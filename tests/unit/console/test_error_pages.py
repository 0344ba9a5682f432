"""An error page says what happened, the values, and what to do next, in the reader's language."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI

from gnomon.console import site
from gnomon.control.deployments.rules.lifecycle import WrongState
from gnomon.control.people.tables import Person
from gnomon.kit.error_texts import texts
from gnomon.kit.errors import Denied, GnomonError, SignInNeeded
from gnomon.kit.web import ActorDep
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.console import cookie, make_console


@dataclass
class Console:
    client: TestClient
    platform: Platform
    app: FastAPI

    def page(self, path: str, language: str) -> tuple[int, str]:
        """Status, and the text of the page's main part."""
        answer = self.client.get(path, headers={"accept": "text/html", "accept-language": language})
        main = answer.text[answer.text.index("<main") :]
        return answer.status_code, html.unescape(re.sub(r"<[^>]+>", " ", main))


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    app, platform = make_console(tmp_path_factory.mktemp("console"))
    errors: dict[str, GnomonError] = {
        "denied": Denied("This needs the right case.open.", next_step="Ask one of: risk_lead."),
        "wrong_state": WrongState("The plan is draft.", next_step="Submit it first."),
        "sign_in_needed": SignInNeeded("This needs a signed-in person.", next_step="Sign in and try again."),
    }

    @app.post("/_raise/{code}")
    @app.get("/_raise/{code}")
    def fail(code: str) -> None:
        raise errors[code]

    @app.get("/_break")
    @app.get("/api/v1/_break")
    def break_down() -> None:
        raise RuntimeError("the secret of the machine")

    @app.get("/api/v1/_mine")
    def mine(_actor: ActorDep) -> None:
        raise errors["wrong_state"]

    yield Console(
        TestClient(app, base_url="http://gnomon.test", follow_redirects=False, raise_server_exceptions=False),
        platform,
        app,
    )
    platform.database.close()


@pytest.mark.parametrize(
    ("path", "code", "status"), [("/_raise/denied", "denied", 403), ("/nowhere", "not_found", 404)]
)
def test_a_refusal_is_a_page_in_both_languages(console: Console, path: str, code: str, status: int) -> None:
    for language, locale in (("zh", "zh-CN"), ("en", "en")):
        found, text = console.page(path, language)
        assert found == status
        assert texts()[code][locale]["title"] in text
        assert code in text, "the stable code is there to be told to somebody"


def test_the_values_stay_and_the_next_step_is_translated(console: Console) -> None:
    status, text = console.page("/_raise/wrong_state", "zh")
    assert status == 409
    words = texts()["wrong_state"]["zh-CN"]
    assert words["title"] in text
    assert "The plan is draft. Submit it first." in text
    assert words["next_step"] in text


def test_a_form_of_a_stranger_is_answered_with_the_way_to_sign_in(console: Console) -> None:
    answer = console.client.post("/_raise/sign_in_needed", headers={"accept": "text/html", "accept-language": "zh"})
    assert answer.status_code == 401
    assert texts()["sign_in_needed"]["zh-CN"]["title"] in answer.text
    assert 'href="/sign-in?next=' in answer.text


def test_programs_get_the_same_words_beside_code_and_message(console: Console) -> None:
    with console.platform.database.session() as session:
        session.get_one(Person, "wei").locale = "en"
        session.commit()
    for login, locale in (("lin", "zh-CN"), ("wei", "en")):
        console.client.cookies = cookie(console.platform, login)
        error = console.client.get("/api/v1/_mine").json()["error"]
        assert (error["code"], error["message"]) == ("wrong_state", "The plan is draft.")
        assert error["title"] == texts()["wrong_state"][locale]["title"]
    console.client.cookies.clear()
    unknown = console.client.get("/api/v1/nowhere", headers={"accept-language": "en"}).json()["error"]
    assert unknown["title"] == texts()["not_found"]["en"]["title"]


def test_a_fault_of_ours_is_a_page_with_a_reference_and_without_its_inside(console: Console) -> None:
    for language, locale in (("zh", "zh-CN"), ("en", "en")):
        status, text = console.page("/_break", language)
        assert status == 500
        assert texts()["error"][locale]["title"] in text
        assert "fault_" in text
        assert "secret" not in text
    error = console.client.get("/api/v1/_break").json()["error"]
    assert (error["code"], error["facts"]["reference"][:6]) == ("error", "fault_")
    assert "secret" not in str(error)


def test_a_fault_is_told_even_when_its_page_breaks_too(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise OSError("no database")

    monkeypatch.setattr(site, "context_for", gone)
    answer = console.client.get("/_break", headers={"accept": "text/html"})
    assert answer.status_code == 500
    assert "fault_" in answer.text
