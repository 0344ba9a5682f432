"""How well the mask policies mask: the newest evidence entity by entity, and the same tables for one's own data."""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from gnomon.console.lists import stamp, table_file
from gnomon.console.pages import _privacy as words
from gnomon.console.pages.privacy_try import MOST_BODY, FormDep
from gnomon.console.reader import Reader, ReaderDep
from gnomon.contract.thresholds import Threshold
from gnomon.contract.verdicts import State
from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.privacy import queries
from gnomon.control.privacy.documents import MOST_BYTES
from gnomon.control.privacy.trying import masker
from gnomon.engine import charts
from gnomon.engine.charts import Estimate, Interval, Series
from gnomon.guard import labelled
from gnomon.guard.measure import Tally, wilson
from gnomon.kit import i18n
from gnomon.kit.error_texts import told
from gnomon.kit.errors import BadInput, GnomonError
from gnomon.kit.web import allow

router = APIRouter(include_in_schema=False)
HISTORY: Final = 30  # measurements in the curve
Counts = Mapping[str, Any]


@router.get("/privacy/measure", dependencies=[allow("mask_policy.view")])
def measure(reader: ReaderDep) -> Response:
    """The newest evidence of the leak rate; as a file with `export=csv|xlsx`."""
    if reader.view.get("export"):
        found, policy = newest(reader), reader.view.get("policy")
        rows = _of(found, "by_entity", policy) + _of(found, "by_way", policy)
        at = stamp((found.made_at if found else reader.now).astimezone(reader.zone))
        return _file(reader, rows, f"masking-{at}")
    return _page(reader)


@router.post("/privacy/measure", dependencies=[allow("mask_policy.view")])
def measured(reader: ReaderDep, form: FormDep) -> Response:
    """The same tables for labelled data of one's own; they are no evidence, and nothing is kept."""
    try:
        outcome, policy = _own(reader, form)
    except GnomonError as error:
        return _page(reader, fault=error)
    result = outcome.result
    tallies = [("*", result.overall), *sorted(result.entities.items()), *sorted(result.variants.items())]
    rows = [_counts(name, tally) for name, tally in tallies]
    if form.get("want") == "csv":
        return _file(reader, rows, "masking-own")
    return _page(
        reader,
        own={
            "rows": [_shown(reader, row) for row in rows],
            "policy": policy,
            "documents": result.documents,
            "characters": result.characters,
            "negatives": share(result.touched, result.negatives),
            "kb_per_s": outcome.kb_per_s,
        },
    )


def newest(reader: Reader) -> Artefact | None:
    """The newest evidence of the leak rate; None to who may not see evidence, or while there is none."""
    return evidence.newest(reader.session, [words.LEAK]).get(words.LEAK) if reader.may("evidence.view") else None


def share(hits: int, n: int) -> str:
    """A proportion with its interval (Wilson, 95 %) and its counts; of nothing it is not measured."""
    if n == 0:
        return i18n.NOT_MEASURED
    low, high = wilson(hits, n)
    return f"{_percent(hits / n)} [{_percent(low)}, {_percent(high)}]"


def _percent(value: float) -> str:
    value = round(value, 6)  # an end of an interval may miss nought by a rounding error
    return i18n.percent(value, digits=2 if value and (value < 0.1 or value > 0.9) and value != 1 else 0)


def _page(reader: Reader, *, own: dict[str, Any] | None = None, fault: GnomonError | None = None) -> Response:
    found = newest(reader)
    policies = [one["policy"] for one in (found.facts.get("by_policy") or [])] if found else []
    policy = reader.view.get("policy") if reader.view.get("policy") in policies else _worst(found, policies)
    summary = (
        next((one for one in (found.facts.get("by_policy") or []) if one["policy"] == policy), None) if found else None
    )
    ways = _of(found, "by_way", policy)
    threshold = reader.book.threshold_of(words.CONTROL)
    return reader.page(
        "privacy_measure.html",
        status=fault.status if fault else 200,
        tabs=words.tabs(reader),
        found=found,
        state=State(found.state) if found else State.NOT_MEASURED,
        evidence_refused=reader.refusal("evidence.view"),
        run_refused=reader.refusal("control.run"),
        control=words.CONTROL,
        limit=threshold.limit if threshold else None,
        policies=[(one, reader.view.to(policy=one), one == policy) for one in policies],
        policy=policy,
        summary=_summary(summary) if summary else None,
        entities=[_shown(reader, one) for one in _of(found, "by_entity", policy)],
        ways=[_shown(reader, one, ways=True) for one in ways],
        by_way=_by_way(reader, ways, threshold) if ways else None,
        history=_history(reader, threshold),
        in_force=[(row.id, f"{row.id} {row.version}") for row in queries.newest(reader.session)],
        default=reader.book.default_mask_policy,
        speeds=[("", reader.context.gettext("随策略")), *words.options(reader, words.SPEEDS)],
        most=MOST_BYTES,
        own=own,
        fault=told(fault, reader.context.locale) if fault else None,
    )


def _worst(found: Artefact | None, policies: list[str]) -> str:
    worst = str(found.facts.get("worst", "")) if found else ""
    return worst if worst in policies else next(iter(policies), "")


def _of(found: Artefact | None, table: str, policy: str) -> list[Counts]:
    """The rows of a table of the evidence about one policy, or about all without one."""
    rows = (found.facts.get(table) or []) if found else []
    return [row for row in rows if policy in ("", row["policy"])]


def _summary(row: Counts) -> dict[str, Any]:
    return {
        "leak": share(row["leaked"], row["n"]),
        "precision": share(row["exact"], row["reported"]),
        "negatives": share(row["negatives_touched"], row["negatives"]),
        "n_negatives": row["negatives"],
        "n": row["n"],
        "kb_per_s": row["kb_per_s"],
    }


def _counts(name: str, tally: Tally) -> dict[str, Any]:
    return {
        "name": words.printable(name),
        "n": tally.true,
        "leaked": tally.leaked,
        "exact": tally.exact,
        "reported": tally.found,
    }


def _shown(reader: Reader, row: Counts, *, ways: bool = False) -> dict[str, Any]:
    """A row of counts with its shares; what was written in a certain way has no precision of its own."""
    name, _, way = str(row["name"]).partition(" ")
    has_precision = not ways and not way and row["reported"]
    tally = Tally(row["n"], row["leaked"], row["exact"], row["reported"])
    return {
        "name": _name(reader, str(row["name"]), ways=ways),
        "code": "" if ways or name == "*" else row["name"],
        "n": row["n"],
        "leaked": row["leaked"],
        "leak": share(row["leaked"], row["n"]),
        "precision": share(row["exact"], row["reported"]) if has_precision else i18n.NOT_MEASURED,
        "recall": share(row["exact"], row["n"]),
        "f1": f"{tally.f1:.4f}" if has_precision and row["n"] and tally.f1 is not None else i18n.NOT_MEASURED,
        "tone": "" if not row["n"] else "bad" if row["leaked"] else "ok",
    }


def _name(reader: Reader, name: str, *, ways: bool) -> str:
    _ = reader.context.gettext
    if ways:
        return _way(reader, name)
    entity, _space, way = name.partition(" ")
    said = _("全部") if entity == "*" else words.entity(reader, entity)
    return _("%(entity)s，%(way)s", entity=said, way=_way(reader, way)) if way else said


def _way(reader: Reader, way: str) -> str:
    return reader.context.gettext(words.DISGUISES[way]) if way in words.DISGUISES else way


def _by_way(reader: Reader, ways: list[Counts], threshold: Threshold | None) -> charts.Chart:
    _ = reader.context.gettext
    rows = [
        Interval(
            _way(reader, row["name"]), _estimate(row), note=f"n = {row['n']}", tone="bad" if row["leaked"] else "idle"
        )
        for row in ways
    ]
    return charts.interval(
        _("各种写法的泄漏率"),
        rows,
        locale=reader.context.locale,
        method=_("Wilson 区间，95 %；任一字符露出即算泄漏"),
        n=sum(row["n"] for row in ways),
        digits=2,
        percent=True,
        low=0.0,
        target=threshold.limit if threshold else None,
    )


def _estimate(row: Counts) -> Estimate | None:
    if not row["n"]:
        return None
    low, high = wilson(row["leaked"], row["n"])
    value = row["leaked"] / row["n"]
    return Estimate(value, min(low, value), max(high, value))


def _history(reader: Reader, threshold: Threshold | None) -> charts.Chart | None:
    """The leak rate of the worst policy over the measurements; a single one is no curve."""
    _ = reader.context.gettext
    past = evidence.latest(reader.session, [words.LEAK], limit=HISTORY) if reader.may("evidence.view") else []
    known = [one for one in reversed(past) if isinstance(one.facts.get("value"), int | float)]
    times: list[datetime] = [one.made_at for one in known]
    if len(known) < 2 or len(set(times)) < len(times):
        return None
    return charts.line(
        _("历次实测泄漏率"),
        times,
        [Series(_("泄漏最多的策略"), [float(one.facts["value"]) for one in known])],
        locale=reader.context.locale,
        zone=reader.zone,
        method=_("每次换一批自造样本"),
        digits=2,
        percent=True,
        target=threshold.limit if threshold else None,
    )


def _own(reader: Reader, form: FormData) -> tuple[labelled.Outcome, str]:
    upload = form.get("file")
    data = upload.file.read(MOST_BODY) if isinstance(upload, UploadFile) else b""
    if not data or len(data) > MOST_BYTES:
        raise BadInput(
            f"The file has {len(data)} bytes; 1 to {MOST_BYTES} can be measured here.",
            next_step="Measure larger data with `gnomon mask measure`.",
        )
    policy = queries.policy_in_force(reader.session, str(form.get("policy") or reader.book.default_mask_policy))
    speed = str(form.get("speed") or "")
    if speed in words.SPEEDS:
        policy = msgspec.structs.replace(policy, speed=speed)
    try:
        lines = io.StringIO(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput("The file is not UTF-8.", next_step="Save it as UTF-8.") from error
    skipped = frozenset(labelled.unjudged(policy.speed).split())
    return labelled.measured(
        masker(policy), labelled.documents(lines), skipped=skipped
    ), f"{policy.id} {policy.version}"


def _file(reader: Reader, rows: Sequence[Counts], name: str) -> Response:
    """The counts with what follows from them, so that others can compute their own intervals."""
    header = ["policy", "name", "n", "leaked", "leak", "leak_low", "leak_high", "reported", "exact"]
    header += ["precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high", "f1"]
    return table_file(reader.view.get("export") or "csv", name, header, [[*_cells(one)] for one in rows])


def _cells(row: Counts) -> list[str]:
    tally = Tally(row["n"], row["leaked"], row["exact"], row["reported"])
    leak = _three(tally.leak, row["leaked"], row["n"])
    precision = _three(tally.precision, row["exact"], row["reported"])
    recall = _three(tally.recall, row["exact"], row["n"])
    counts = [str(row["reported"]), str(row["exact"])]
    f1 = "" if tally.f1 is None else f"{tally.f1:.6f}"
    return [
        str(row.get("policy", "")),
        str(row["name"]),
        str(row["n"]),
        str(row["leaked"]),
        *leak,
        *counts,
        *precision,
        *recall,
        f1,
    ]


def _three(value: float | None, hits: int, n: int) -> list[str]:
    """The share and the ends of its interval; empty where nothing was seen."""
    return ["", "", ""] if value is None else [f"{one:.6f}" for one in (value, *wilson(hits, n))]
