"""Hiring the people of the demo goes on where it was interrupted."""

from collections.abc import Mapping
from typing import Any

import pytest

from gnomon.cli.client import ApiError
from gnomon.cli.demo import cast


class Company:
    """The API of people, as far as hiring asks it: invitations are spent once."""

    def __init__(self) -> None:
        self.people = {"admin": "p-admin", "security": "p-security"}
        self.links = {"link-admin": "admin", "link-security": "security"}
        self.posts: dict[str, list[str]] = {}

    def client(self, _url: str, *, token: str = "") -> "Company":
        return self

    def __enter__(self) -> "Company":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get(self, _path: str) -> list[dict[str, str]]:
        return [{"login": login, "id": id} for login, id in self.people.items()]

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        self.posts[path.split("/")[4]] = body["posts"]

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, str]:
        if path.endswith("/accept"):
            assert body
            return {"token": f"token-{self.links.pop(body['token'])}"}
        if body:
            if body["login"] in self.people:
                raise ApiError(409, {"code": "conflict", "message": "known"})
            self.people[body["login"]] = f"p-{body['login']}"
        id = self.people[body["login"]] if body else path.split("/")[4]
        self.links[f"link-{id}"] = id.removeprefix("p-")
        return {"person_id": id, "token": f"link-{id}"}


class Interrupted(Exception):
    pass


FIRST = [name for name, *_ in cast.FIRST]
OTHERS = [person.login for person in cast.CAST]


# The links of the first two are printed once: a demo that lost their tokens starts clean.
@pytest.mark.parametrize(
    ("stop_at", "is_kept"), [(name, True) for name in FIRST + OTHERS] + [(name, False) for name in OTHERS]
)
def test_hiring_goes_on_where_it_was_interrupted(monkeypatch: pytest.MonkeyPatch, stop_at: str, is_kept: bool) -> None:
    company = Company()
    monkeypatch.setattr(cast, "Client", company.client)
    known: dict[str, str] = {}

    def hire(*, stop_at: str = "") -> cast.Hired:
        def hired(name: str, _password: str, token: str) -> None:
            if name == stop_at and not is_kept:
                raise Interrupted
            known[name] = token
            if name == stop_at:
                raise Interrupted

        return cast.hire(
            "",
            lambda wanted: {name: f"link-{name}" for name in wanted},
            lambda _what, do: do(),
            hired=hired,
            tokens=known,
        )

    with pytest.raises(Interrupted):
        hire(stop_at=stop_at)
    made = hire()
    assert set(made.tokens) == {*FIRST, *OTHERS}
    assert {login: company.posts[f"p-{login}"] for login in (p.login for p in cast.CAST)} == {
        person.login: list(person.posts) for person in cast.CAST
    }
