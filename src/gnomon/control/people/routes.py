"""HTTP: sign in and out, invitations, people, the matrix."""

from typing import Any

from fastapi import APIRouter, Request, Response

from gnomon.control.people import actions, queries, rules
from gnomon.control.people.schemas import (
    AcceptInvitation,
    InvitationAnswer,
    NewPerson,
    PersonOut,
    PostsChange,
    SignInAnswer,
    SignInRequest,
    Why,
)
from gnomon.kit.web import COOKIE, ActorDep, ReadDep, WorkDep, allow, platform_of, stranger

router = APIRouter(prefix="/api/v1", tags=["people"])


@router.post("/sign-in")
def sign_in(body: SignInRequest, request: Request, response: Response) -> SignInAnswer:
    answer = try_sign_in(request, login=body.login, password=body.password)
    set_cookie(response, answer, secure=request.url.scheme == "https")
    return answer


@router.post("/sign-out", status_code=204)
def sign_out(work: WorkDep, response: Response) -> None:
    actions.sign_out(work)
    response.delete_cookie(COOKIE)


@router.post("/invitations")
def invite(body: NewPerson, work: WorkDep) -> InvitationAnswer:
    return actions.invite(work, body)


@router.post("/people/{person_id}/invitation")
def renew(person_id: str, work: WorkDep) -> InvitationAnswer:
    return actions.renew_invitation(work, person_id)


@router.post("/people/{person_id}/disable", status_code=204)
def disable(person_id: str, body: Why, work: WorkDep) -> None:
    actions.deactivate(work, person_id, reason=body.reason)


@router.post("/invitations/accept")
def accept(body: AcceptInvitation, request: Request, response: Response) -> SignInAnswer:
    with platform_of(request).work(stranger(request)) as work:
        answer = actions.accept_invitation(work, token=body.token, password=body.password)
    set_cookie(response, answer, secure=request.url.scheme == "https")
    return answer


@router.get("/me")
def me(actor: ActorDep, session: ReadDep) -> PersonOut:
    return PersonOut.model_validate(queries.person(session, actor.id), from_attributes=True)


@router.get("/people", dependencies=[allow("person.view")])
def people(session: ReadDep) -> list[PersonOut]:
    return [PersonOut.model_validate(person, from_attributes=True) for person in queries.people(session)]


@router.put("/people/{person_id}/posts")
def set_posts(person_id: str, body: PostsChange, work: WorkDep) -> PersonOut:
    person = actions.set_posts(work, person_id, posts=body.posts, reason=body.reason)
    return PersonOut.model_validate(person, from_attributes=True)


@router.get("/matrix", dependencies=[allow("matrix.view")])
def matrix(session: ReadDep) -> dict[str, Any]:
    found = queries.matrix(session)
    return {"version": found.version, "permissions": found.permissions, "exclusive": found.exclusive}


def try_sign_in(request: Request, *, login: str, password: str) -> SignInAnswer:
    """Sign in; a wrong password is counted before the error goes on."""
    platform = platform_of(request)
    try:
        with platform.work(stranger(request)) as work:
            return actions.sign_in(work, login=login, password=password)
    except rules.BadCredentials:
        with platform.work(stranger(request)) as work:
            actions.refuse_sign_in(work, login=login)
        raise


def set_cookie(response: Response, answer: SignInAnswer, *, secure: bool) -> None:
    response.set_cookie(
        COOKIE, answer.token, expires=answer.expires_at, httponly=True, samesite="lax", secure=secure, path="/"
    )
