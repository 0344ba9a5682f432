"""De-identification: how it stands, the policies in force, what each does with which entity, and their history."""

from collections import defaultdict
from typing import Any, Final, get_args

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response

from gnomon.console import words as states
from gnomon.console.lists import Row, exported, listed, stamp
from gnomon.console.pages import _privacy as words
from gnomon.console.pages.privacy_measure import newest, share
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.urls import Column
from gnomon.contract.masking import FIELD, MaskPolicy, Purpose
from gnomon.contract.verdicts import State
from gnomon.control.approvals import queries as approvals
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.deployments import queries as deployments
from gnomon.control.evidence import queries as evidence
from gnomon.control.privacy import queries
from gnomon.control.privacy.comparing import deciding, decisions, parts_changed, rules_as_lines
from gnomon.control.privacy.tables import MaskPolicyVersion
from gnomon.guard.policy import Way
from gnomon.kit import i18n
from gnomon.kit.errors import NotFound
from gnomon.kit.web import allow

router = APIRouter(include_in_schema=False)
KIND: Final = "mask_policy_change"


@router.get("/privacy", dependencies=[allow("mask_policy.view")])
def overview(reader: ReaderDep) -> Response:
    """What was measured last, the policies in force, and proposals that wait."""
    found = newest(reader)
    stored = evidence.newest(reader.session, [words.STORED]).get(words.STORED) if reader.may("evidence.view") else None
    rows = [_row(reader, one, found) for one in queries.newest(reader.session)]
    columns, write = _columns(reader), _writer(reader)
    listing = listed(reader.view, columns, rows, sort="id", write=write)
    if reader.view.get("export"):
        name = f"mask-policies-{stamp(reader.now.astimezone(reader.zone))}"
        return exported(reader.view, columns, listing.all_rows, name=name, write=write)
    proposals = _proposals(reader)
    return reader.page(
        "privacy.html",
        tabs=words.tabs(reader),
        found=found,
        state=State(found.state) if found else State.NOT_MEASURED,
        leak=share(int(found.facts["numerator"]), int(found.facts["denominator"])) if found else i18n.NOT_MEASURED,
        stored=stored,
        stored_state=State(stored.state) if stored else State.NOT_MEASURED,
        columns=columns,
        listing=listing,
        proposals=[_proposal(reader, one) for one in proposals],
        waiting=sum(one.state == "pending" for one in proposals),
        propose_refused=reader.refusal("mask_policy.propose"),
    )


@router.get("/privacy/policies/{id}", dependencies=[allow("mask_policy.view")])
def policy(id: str, reader: ReaderDep) -> Response:
    """One version of a policy: what happens to which entity, by which rule, and what the versions changed."""
    versions = queries.versions(reader.session, id)
    if not versions:
        raise NotFound(f"There is no mask policy {id}.", next_step="See the list of policies.")
    wanted = reader.view.get("version")
    row = next((one for one in versions if one.version == wanted), versions[-1])
    shown = msgspec.convert(row.content, MaskPolicy)
    fields = list(dict.fromkeys(name for rule in shown.rules for name in rule.fields))
    purpose: Purpose = next((one for one in get_args(Purpose) if one == reader.view.get("purpose")), "gateway")
    field = reader.view.get("field") if reader.view.get("field") in fields else ""
    return reader.page(
        "privacy_policy.html",
        policy=shown,
        row=row,
        current=row is versions[-1],
        made_by=reader.name(row.by),
        speed=reader.context.gettext(words.SPEEDS[shown.speed]),
        purposes=words.options(reader, words.PURPOSES),
        purpose=purpose,
        fields=fields,
        field=field,
        handled=handled(reader, shown, purpose=purpose, field=field),
        rules=_rules(reader, shown),
        routes=users(reader).get(id, []),
        versions=_history(reader, versions),
        waiting=[
            _proposal(reader, one) for one in _proposals(reader) if one.subject_id == id and one.state == "pending"
        ],
        propose_refused=reader.refusal("mask_policy.propose"),
    )


def handled(reader: Reader, shown: MaskPolicy, *, purpose: Purpose, field: str) -> list[dict[str, Any]]:
    """Entities that are treated alike stand together: the treatment each way, and the rules that decide."""
    done = decisions(shown, (field,))
    alike: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for entity in dict.fromkeys(key[0] for key in done):
        if entity == FIELD and not field:
            continue
        ways = tuple(
            (done[entity, field, way, purpose], deciding(shown, entity, way, field=field, purpose=purpose))
            for way in get_args(Way)
        )
        alike[ways].append(entity)
    return [
        {
            "entities": [(one, words.entity(reader, one, shown)) for one in entities],
            "ways": [(words.operator(reader, *what), number) for what, number in ways],
        }
        for ways, entities in alike.items()
    ]


def users(reader: Reader) -> dict[str, list[str]]:
    """policy → the models whose routes use it."""
    found: dict[str, list[str]] = defaultdict(list)
    for route in deployments.routes(reader.session):
        found[route.mask_policy].append(route.model)
    return found


def _proposals(reader: Reader) -> list[ApprovalRequest]:
    if not reader.may("approval.view"):
        return []
    return [one for one in approvals.all_requests(reader.session) if one.kind == KIND]


def _proposal(reader: Reader, request: ApprovalRequest) -> dict[str, Any]:
    lapsed = request.state == "pending" and request.lapses_at <= reader.now
    return {
        "id": request.id,
        "title": request.title,
        "state": states.said(states.APPROVAL, "lapsed" if lapsed else request.state, reader.context),
        "by": reader.name(request.author_id),
        "at": request.created_at,
    }


def _columns(reader: Reader) -> list[Column]:
    _ = reader.context.gettext
    return [
        Column("id", _("策略")),
        Column("version", _("版本")),
        Column("leak", _("泄漏率"), num=True),
        Column("speed", _("识别深度")),
        Column("rules", _("规则数"), num=True),
        Column("own", _("企业词条与模式"), num=True),
        Column("routes", _("使用的路由"), wrap=True),
        Column("at", _("生效时间")),
        Column("by", _("生效人"), hidden=True),
        Column("sha256", _("内容哈希"), sort=False, hidden=True),
    ]


def _row(reader: Reader, row: MaskPolicyVersion, found: Any) -> dict[str, Any]:
    shown = msgspec.convert(row.content, MaskPolicy)
    leaks = found.facts.get("policies", {}) if found else {}
    return {
        "id": row.id,
        "version": row.version,
        "leak": leaks.get(f"{row.id} {row.version}"),
        "speed": reader.context.gettext(words.SPEEDS[shown.speed]),
        "rules": len(shown.rules),
        "own": len(shown.terms) + len(shown.patterns) + len(shown.fingerprints),
        "routes": reader.context.gettext("、").join(users(reader).get(row.id, [])),
        "at": row.at,
        "by": reader.name(row.by),
        "sha256": row.sha256,
    }


def _writer(reader: Reader) -> Any:
    def write(row: Row, column: Column) -> str:
        if column.key == "leak":
            return i18n.percent(row["leak"], digits=2)
        if column.key == "at":
            return i18n.moment(row["at"], reader.context.locale, zone=reader.zone)
        return str(row[column.key])

    return write


def _rules(reader: Reader, shown: MaskPolicy) -> list[dict[str, Any]]:
    return [
        {
            "entity": words.entity(reader, rule.entity, shown),
            "code": rule.entity,
            "operator": words.operator(reader, rule.operator, rule.format),
            "direction": words.direction(reader, rule.direction),
            "fields": reader.context.gettext("、").join(rule.fields) or reader.context.gettext("所有字段"),
            "purposes": words.purposes(reader, rule.purposes),
        }
        for rule in shown.rules
    ]


def _history(reader: Reader, versions: list[MaskPolicyVersion]) -> list[dict[str, Any]]:
    """Every version, newest first, with what it changed of the one before."""
    told: list[dict[str, Any]] = []
    before: MaskPolicy | None = None
    for row in versions:
        shown = msgspec.convert(row.content, MaskPolicy)
        old, new = rules_as_lines(before), rules_as_lines(shown)
        told.append(
            {
                "version": row.version,
                "at": row.at,
                "by": reader.name(row.by),
                "sha256": row.sha256,
                "gone": [line for line in old if line not in new],
                "come": [line for line in new if line not in old],
                "moved": before is not None and sorted(old) == sorted(new) and old != new,
                "parts": [one for one in parts_changed(before, shown) if one[1] != one[2]] if before else [],
                "first": before is None,
            }
        )
        before = shown
    return told[::-1]
