"""Changing a mask policy: written as a form, compared with the one in force, proposed; and the proposal as approvers
see it."""

import re
from dataclasses import dataclass, field
from typing import Any, Final, get_args

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import FormData

from gnomon.console import words as states
from gnomon.console.pages import _privacy as words
from gnomon.console.pages._privacy_diff import told_difference
from gnomon.console.pages.privacy_try import FormDep
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.contract.masking import Direction, MaskPolicy, MaskRule, Operator, Purpose
from gnomon.control.approvals import queries as approvals
from gnomon.control.privacy import actions, queries
from gnomon.control.privacy.comparing import Comparison, compared
from gnomon.control.privacy.schemas import NewMaskPolicy
from gnomon.control.privacy.trying import read
from gnomon.kit.error_texts import told
from gnomon.kit.errors import BadInput, GnomonError
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
KIND: Final = "mask_policy_change"
MOST_RULES: Final = 60
SPARE: Final = 3  # empty rows under the rules
MOST_SAMPLES: Final = 50  # own texts in a comparison
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LINE: Final = re.compile(r"\s*([A-Z][A-Z0-9_]*)\s+([^:：]{1,24})[:：](.+)")


class BadForm(BadInput):
    code = "bad_policy_form"


@dataclass(slots=True)
class Draft:
    """What the form holds, as typed."""

    id: str = ""
    version: str = ""
    speed: str = "structured"
    rules: list[dict[str, Any]] = field(default_factory=list)
    terms: str = ""
    patterns: str = ""
    kept: list[str] = field(default_factory=list)  # entities of fingerprints
    samples: str = ""
    reason: str = ""


@router.get("/privacy/edit", dependencies=[allow("mask_policy.propose")])
def edit(reader: ReaderDep) -> Response:
    """The form with the policy `policy`, or with a copy of the default one for a new id."""
    wanted = reader.view.get("policy")
    base = queries.policy_in_force(reader.session, wanted or reader.book.default_mask_policy)
    return _page(reader, _draft(base, is_new=not wanted), base)


@router.post("/privacy/edit/compare", dependencies=[allow("mask_policy.propose")])
def compare(reader: ReaderDep, form: FormDep) -> Response:
    """The form again, with what would change. Nothing is kept."""
    draft = _typed(form)
    base = queries.in_force_or_none(reader.session, draft.id)
    try:
        policy = _policy(draft, base)
        own = [line for line in draft.samples.splitlines() if line.strip()][:MOST_SAMPLES]
        made = compared(base, policy, own=own, seed=f"{reader.now:%Y-%m-%d}")
    except GnomonError as error:
        return _page(reader, draft, base, fault=error)
    return _page(reader, draft, base, new=policy, made=made)


@router.post("/privacy/edit", dependencies=[allow("mask_policy.propose")])
def propose(work: WorkDep, reader: ReaderDep, form: FormDep) -> Response:
    """Waits for the quorum; or the form again with what is wrong with it."""
    draft = _typed(form)
    base = queries.in_force_or_none(reader.session, draft.id)
    try:
        policy = _policy(draft, base)
        if len(draft.reason) < 4:
            raise BadForm("A reason of at least 4 characters is needed.", next_step="Say why the policy changes.")
        new = NewMaskPolicy(content=msgspec.to_builtins(policy), reason=draft.reason)
        asked = actions.propose_policy(work, new)
    except GnomonError as error:
        return _page(reader, draft, base, fault=error)
    told_ok = reader.context.gettext("提案已提交，等待两席批准")
    return see_other(f"/privacy/proposals/{asked.id}", notice=("ok", told_ok))


@router.get("/privacy/proposals/{id}", dependencies=[allow("mask_policy.view"), allow("approval.view")])
def proposal(id: str, reader: ReaderDep) -> Response:
    """A proposed version beside the one that it would replace, or did."""
    asked = approvals.request(reader.session, id)
    new = read(asked.content["policy"])
    until = asked.decided_at or reader.now
    before = [
        row
        for row in queries.versions(reader.session, new.id)
        if row.version != new.version and row.at.timestamp() <= until.timestamp()
    ]
    old = msgspec.convert(before[-1].content, MaskPolicy) if before else None
    lapsed = asked.state == "pending" and asked.lapses_at <= reader.now
    return reader.page(
        "privacy_proposal.html",
        asked=asked,
        reason=asked.content.get("reason", ""),
        author=reader.name(asked.author_id),
        state=states.said(states.APPROVAL, "lapsed" if lapsed else asked.state, reader.context),
        policy=new,
        old=old,
        difference=told_difference(reader, old, new, compared(old, new, seed=asked.id)),
    )


# ---------------------------------------------------------------- form to policy and back


def _draft(base: MaskPolicy, *, is_new: bool) -> Draft:
    return Draft(
        id="" if is_new else base.id,
        version="1" if is_new else _next(base.version),
        speed=base.speed,
        rules=[
            {
                "entity": rule.entity,
                "operator": rule.operator,
                "format": rule.format,
                "direction": rule.direction,
                "fields": ", ".join(rule.fields),
                "purposes": list(rule.purposes),
            }
            for rule in base.rules
        ],
        terms="\n".join(f"{one.entity} {one.label}: {', '.join(one.terms)}" for one in base.terms),
        patterns="\n".join(f"{one.entity} {one.label}: {one.pattern}" for one in base.patterns),
        kept=[one.entity for one in base.fingerprints],
    )


def _next(version: str) -> str:
    head, number = re.fullmatch(r"(.*?)(\d*)", version, re.S).groups()  # type: ignore[union-attr]  # fits any text
    return f"{head}{int(number) + 1}" if number else f"{version}.1"


def _typed(form: FormData) -> Draft:
    def text(name: str) -> str:
        return str(form.get(name) or "").strip()

    rows = []
    for at in range(MOST_RULES):
        entity = text(f"entity-{at}")
        if not entity:
            continue
        order = text(f"order-{at}")
        row: dict[str, Any] = {name: text(f"{name}-{at}") for name in ("operator", "format", "direction", "fields")}
        row |= {"entity": entity, "purposes": [str(one) for one in form.getlist(f"purposes-{at}")]}
        rows.append((float(order) if re.fullmatch(r"\d{1,3}(\.\d{1,3})?", order) else at + 1.0, at, row))
    return Draft(
        id=text("id"),
        version=text("version"),
        speed=text("speed"),
        rules=[row for _, _, row in sorted(rows, key=lambda one: one[:2])],
        terms=text("terms"),
        patterns=text("patterns"),
        kept=[str(one) for one in form.getlist("kept")],
        samples=text("samples"),
        reason=text("reason"),
    )


def _policy(draft: Draft, base: MaskPolicy | None) -> MaskPolicy:
    """The policy that the form means. Raises BadForm for what cannot be read, BadMaskPolicy for what is none."""
    if not _NAME.fullmatch(draft.id) or not draft.version or len(draft.version) > 40:
        raise BadForm(
            f"The policy is called {draft.id!r}, its version {draft.version!r}.",
            next_step="Use 1 to 40 small letters, digits, - and _ for the id, and name a version.",
        )
    return read(
        {
            "id": draft.id,
            "version": draft.version,
            "speed": draft.speed,
            "rules": [row | {"fields": _words(row["fields"])} for row in draft.rules],
            "terms": [
                {"entity": entity, "label": label, "terms": _words(rest)} for entity, label, rest in _lines(draft.terms)
            ],
            "patterns": [
                {"entity": entity, "label": label, "pattern": rest} for entity, label, rest in _lines(draft.patterns)
            ],
            "fingerprints": [
                msgspec.to_builtins(one) for one in (base.fingerprints if base else ()) if one.entity in draft.kept
            ],
        }
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in re.split("[,，、]", text) if word.strip()]


def _lines(text: str) -> list[tuple[str, str, str]]:
    """(entity, label, rest) of each line «ENTITY label: rest»."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadForm(f"Line {number} cannot be read: {line[:80]!r}.", next_step="Write ENTITY label: words.")
        found.append((match[1], match[2].strip(), match[3].strip()))
    return found


def _page(
    reader: Reader,
    draft: Draft,
    base: MaskPolicy | None,
    *,
    new: MaskPolicy | None = None,
    made: Comparison | None = None,
    fault: GnomonError | None = None,
) -> Response:
    like = new or base or MaskPolicy(id="", version="", rules=(MaskRule(entity="*", operator="redact"),))
    rows = [*draft.rules, *({} for _ in range(SPARE))][:MOST_RULES]
    return reader.page(
        "privacy_edit.html",
        status=fault.status if fault else 200,
        draft=draft,
        base=base,
        rows=rows,
        entities=[("", "–"), *words.entities(reader, like)],
        operators=[(name, words.operator(reader, name)[1]) for name in get_args(Operator)],
        directions=words.options(reader, {way: words.DIRECTIONS[way] for way in get_args(Direction)[::-1]}),
        purposes=[(name, words.purposes(reader, (name,))) for name in get_args(Purpose)],
        speeds=words.options(reader, words.SPEEDS),
        fingerprints=[(one.entity, one.label) for one in (base.fingerprints if base else ())],
        most_samples=MOST_SAMPLES,
        difference=told_difference(reader, base, new, made) if new and made else None,
        fault=told(fault, reader.context.locale) if fault else None,
    )
