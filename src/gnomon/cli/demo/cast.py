"""The people of the demo: three teams and those who watch them. Every password is random and printed once."""

import secrets
from dataclasses import dataclass

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
    Person("qi", "祁安", "admin", ("security_admin",), "安全管理员 security administrator"),
)


# Without vowels, so that no password happens to contain a sign-in name, which would be refused.
_LETTERS = "bcdfghjkmnpqrstvwxyzBCDFGHJKLMNPQRSTVWXYZ23456789"


def password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(16))


def accept(url: str, token: str, password: str) -> str:
    """Spend an invitation; returns the session token."""
    with Client(url) as nobody:
        answer = nobody.post("/api/v1/invitations/accept", {"token": token, "password": password})
    return str(answer["token"])


def invite(admin: Client, person: Person) -> str:
    """The one-time token for `person`, who may have been invited before the demo was interrupted."""
    body = {"login": person.login, "name": person.name, "team": person.team, "posts": list(person.posts)}
    try:
        return str(admin.post("/api/v1/invitations", body)["token"])
    except ApiError as error:
        if error.code != "conflict":
            raise
    known = {found["login"]: found["id"] for found in admin.get("/api/v1/people")}
    return str(admin.post(f"/api/v1/people/{known[person.login]}/invitation")["token"])
