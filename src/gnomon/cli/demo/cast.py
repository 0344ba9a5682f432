"""The people of the demo: three teams and those who watch them. Every password is random and printed once.

Two administrators come by the links that `gnomon up` prints: `admin` invites the others, `security` gives them their
posts. The demo calls the second one qi.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from gnomon.cli.client import ApiError, Client


@dataclass(frozen=True, slots=True)
class Person:
    login: str
    name: str
    team: str
    posts: tuple[str, ...]
    title: str


CAST = (
    Person("lin", "林若川", "technical", ("technical_lead",), "技术负责人 technical lead"),
    Person("wei", "魏子昂", "technical", ("engineer",), "工程师 engineer"),
    Person("bai", "白露", "business", ("business_lead",), "业务负责人 business lead"),
    Person("he", "何晴", "business", ("business_user",), "业务人员 business user"),
    Person("rong", "荣致远", "risk", ("risk_lead",), "风控负责人 risk lead"),
    Person("ren", "任静", "risk", ("risk_officer",), "风控专员 risk officer"),
    Person("guo", "郭明", "management", ("management",), "管理层 management"),
    Person("shen", "沈砚", "audit", ("auditor",), "审计员 auditor"),
)


FIRST = (
    ("admin", "admin", "系统管理员 system administrator"),
    ("qi", "security", "安全管理员 security administrator"),
)


@dataclass(frozen=True, slots=True)
class Hired:
    """Session tokens and ids, by the demo's name of the person."""

    tokens: dict[str, str]
    people: dict[str, str]


def hire(
    url: str,
    links: Callable[[set[str]], Mapping[str, str]],
    do: Callable[[str, Callable[[], str]], str],
    *,
    hired: Callable[[str, str, str], None],
    tokens: Mapping[str, str],
) -> Hired:
    """Everybody has signed in and holds their posts; who is in `tokens` was hired before.

    `links` gives the one-time links of the first administrators named; `do` runs each step under its title; `hired`
    hears name, password and token of each.
    """
    made = dict(tokens)

    def enter(name: str, link: Callable[[], str]) -> str:
        chosen = password()
        made[name] = accept(url, link(), chosen)
        hired(name, chosen, made[name])
        return made[name]

    for name, login, title in FIRST:
        if name not in made:
            do(title, partial(enter, name, partial(_link_of, links, login)))
    with Client(url, token=made["admin"]) as admin, Client(url, token=made["qi"]) as security:
        for person in CAST:
            if person.login not in made:
                do(f"{person.name} {person.title}", partial(_hire, person, admin=admin, security=security, enter=enter))
        people = {found["login"]: found["id"] for found in admin.get("/api/v1/people")}
    return Hired(made, people | {"qi": people["security"]})


def _link_of(links: Callable[[set[str]], Mapping[str, str]], login: str) -> str:
    return links({login})[login]


def _hire(person: Person, *, admin: Client, security: Client, enter: Callable[[str, Callable[[], str]], str]) -> str:
    """The posts come first: whoever has signed in holds them."""
    id, link = invite(admin, person)
    security.put(f"/api/v1/people/{id}/posts", {"posts": list(person.posts), "reason": "到岗"})
    return enter(person.login, lambda: link)


def login_of(name: str) -> str:
    """With what the demo's person of that name signs in."""
    return next((login for known, login, _ in FIRST if known == name), name)


# Without vowels, so that no password happens to contain a sign-in name, which would be refused.
_LETTERS = "bcdfghjkmnpqrstvwxyzBCDFGHJKLMNPQRSTVWXYZ23456789"


def password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(16))


def accept(url: str, token: str, password: str) -> str:
    """Spend an invitation; returns the session token."""
    with Client(url) as nobody:
        answer = nobody.post("/api/v1/invitations/accept", {"token": token, "password": password})
    return str(answer["token"])


def invite(admin: Client, person: Person) -> tuple[str, str]:
    """Id and one-time token for `person`, who may have been invited before the demo was interrupted."""
    body = {"login": person.login, "name": person.name, "team": person.team}
    try:
        return _link(admin.post("/api/v1/invitations", body))
    except ApiError as error:
        if error.code != "conflict":
            raise
    known = {found["login"]: found["id"] for found in admin.get("/api/v1/people")}
    return _link(admin.post(f"/api/v1/people/{known[person.login]}/invitation"))


def _link(answer: Mapping[str, str]) -> tuple[str, str]:
    return answer["person_id"], answer["token"]
