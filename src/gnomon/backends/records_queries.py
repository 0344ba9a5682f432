"""The named questions about traffic records: parameters, defaults and, per engine, the SQL. This is the whole port.

Times are Unix seconds, `since <= at < until`; latencies milliseconds of answered requests (outcome `ok`). A parameter
that is None does not filter. Every answer is a list of plain rows.
"""

# ruff: noqa: S608 - the pieces put together are the constants of this page; values are always bound

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gnomon.kit.errors import BadInput


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED: Final = _Required()


@dataclass(frozen=True, slots=True)
class Query:
    """`answers` tells the columns; `params` each parameter's default."""

    answers: str
    params: Mapping[str, Any]
    duckdb: str


class BadQuery(BadInput):
    code = "bad_query"


_SPAN: dict[str, Any] = {"since": REQUIRED, "until": REQUIRED}
_WHO: dict[str, Any] = {"model": None, "target": None, "version": None}
_NUMBERS = frozenset(("since", "until", "before", "limit", "limit_ms", "bucket_s"))
_IN_SPAN = 'r."at" >= $since AND r."at" < $until'
_FITS = (
    "($model IS NULL OR r.model = $model) AND ($target IS NULL OR r.target = $target)"
    " AND ($version IS NULL OR r.version = $version)"
)
# What tells a service's own promise: whole or streamed answers, and without the platform's own questions to itself.
_HOW: dict[str, Any] = {"stream": None, "not_caller": None}
_FITS_HOW = (
    "($stream::BOOLEAN IS NULL OR r.stream = $stream::BOOLEAN)"
    " AND ($not_caller::VARCHAR IS NULL OR r.caller <> $not_caller::VARCHAR)"
)
_HEAD = (
    'r.id, r."at", r.outcome, r.status, r.endpoint, r.model, r.target, r.version, r.canary, r.key_id, r.caller, r.team,'
    " r.address, r.stream, r.tokens_in, r.tokens_out, r.guard_in_ms, r.connect_ms, r.first_token_ms, r.total_ms,"
    " r.entities_in, r.entities_out, r.error, r.tags, r.policy, r.roster"
)

QUERIES: dict[str, Query] = {
    "totals": Query(
        "outcome, requests, tokens_in, tokens_out",
        _SPAN | _WHO | _HOW,
        f"""SELECT r.outcome, count(*) AS requests, sum(r.tokens_in)::BIGINT AS tokens_in,
                   sum(r.tokens_out)::BIGINT AS tokens_out
            FROM records r WHERE {_IN_SPAN} AND {_FITS} AND {_FITS_HOW} GROUP BY r.outcome
            ORDER BY requests DESC, r.outcome""",
    ),
    "timing": Query(
        "requests, timed (with a total time, and where an answer was streamed with that of its first token)",
        _SPAN | _WHO | _HOW,
        f"""SELECT count(*) AS requests,
                   count(*) FILTER (r.total_ms > 0 AND (NOT r.stream OR r.outcome <> 'ok'
                                                        OR r.first_token_ms IS NOT NULL)) AS timed
            FROM records r WHERE {_IN_SPAN} AND {_FITS} AND {_FITS_HOW}""",
    ),
    "by_minute": Query(
        "minute (its first second; `bucket_s` makes it coarser), requests, outcomes {outcome: n}, answered, within,"
        " p50, p95, p99, first_token_p95, tokens_out",
        _SPAN | _WHO | {"limit_ms": None, "bucket_s": 60},
        f"""WITH per_outcome AS (
                SELECT floor(r."at" / $bucket_s) * $bucket_s AS minute, r.outcome, count(*) AS n
                FROM records r WHERE {_IN_SPAN} AND {_FITS} GROUP BY ALL),
            counted AS (SELECT minute, map_from_entries(list((outcome, n) ORDER BY outcome)) AS outcomes
                        FROM per_outcome GROUP BY minute),
            timed AS (
                SELECT floor(r."at" / $bucket_s) * $bucket_s AS minute, count(*) AS requests,
                       count(*) FILTER (r.outcome = 'ok') AS answered,
                       count(*) FILTER (r.outcome = 'ok' AND r.total_ms <= $limit_ms::DOUBLE) AS within,
                       quantile_cont(r.total_ms, [0.5, 0.95, 0.99]) FILTER (r.outcome = 'ok') AS q,
                       quantile_cont(r.first_token_ms, 0.95) FILTER (r.outcome = 'ok') AS first_token_p95,
                       sum(r.tokens_out)::BIGINT AS tokens_out
                FROM records r WHERE {_IN_SPAN} AND {_FITS} GROUP BY minute)
            SELECT t.minute, t.requests, c.outcomes, t.answered,
                   CASE WHEN $limit_ms::DOUBLE IS NULL THEN NULL ELSE t.within END AS within,
                   t.q[1] AS p50, t.q[2] AS p95, t.q[3] AS p99, t.first_token_p95, t.tokens_out
            FROM timed t JOIN counted c USING (minute) ORDER BY t.minute""",
    ),
    "latency": Query(
        "n, n_within, p50, p95, p99, mean, first_token_p50, first_token_p95, n_first_token, n_first_token_within"
        " (of answered requests; quantiles are None when n is 0)",
        _SPAN | _WHO | _HOW | {"limit_ms": REQUIRED},
        f"""SELECT count(*) AS n, count(*) FILTER (r.total_ms <= $limit_ms) AS n_within,
                   quantile_cont(r.total_ms, 0.5) AS p50, quantile_cont(r.total_ms, 0.95) AS p95,
                   quantile_cont(r.total_ms, 0.99) AS p99, avg(r.total_ms) AS mean,
                   quantile_cont(r.first_token_ms, 0.5) AS first_token_p50,
                   quantile_cont(r.first_token_ms, 0.95) AS first_token_p95,
                   count(r.first_token_ms) AS n_first_token,
                   count(*) FILTER (r.first_token_ms <= $limit_ms) AS n_first_token_within
            FROM records r WHERE r.outcome = 'ok' AND {_IN_SPAN} AND {_FITS} AND {_FITS_HOW}""",
    ),
    "recent": Query(
        "newest first, without content: all columns of a record; `q` looks in id, caller, key and error",
        {"limit": 100, "model": None, "outcome": None, "caller": None, "q": None, "before": None},
        f"""SELECT {_HEAD} FROM records r
            WHERE ($model IS NULL OR r.model = $model) AND ($outcome IS NULL OR r.outcome = $outcome)
              AND ($caller IS NULL OR r.caller = $caller) AND ($before::DOUBLE IS NULL OR r."at" < $before::DOUBLE)
              AND ($q::VARCHAR IS NULL OR contains(lower(concat_ws(' ', r.id, r.caller, r.key_id, r.error)),
                                                   lower($q::VARCHAR)))
            ORDER BY r."at" DESC, r.id DESC LIMIT $limit""",
    ),
    "record": Query(
        "one record with its masked request and reply, or nothing",
        {"id": REQUIRED},
        f"""SELECT {_HEAD}, c.request, c.reply FROM records r LEFT JOIN contents c ON c.id = r.id WHERE r.id = $id""",
    ),
    "notices": Query(
        "id, at, kind, subject, reason, until, facts; oldest first, those from `since` on; with `after`, an id, of"
        " those at `since` itself only the later ids, so that the last row of one page opens the next",
        {"since": 0.0, "after": None, "kind": None, "limit": 1000},
        """SELECT n.id, n."at", n.kind, n.subject, n.reason, n.until, n.facts FROM notices n
           WHERE n."at" >= $since AND ($kind IS NULL OR n.kind = $kind)
             AND ($after::VARCHAR IS NULL OR n."at" > $since OR n.id > $after::VARCHAR)
           ORDER BY n."at", n.id LIMIT $limit""",
    ),
    "by_caller": Query(
        "caller, team, requests, outcomes {outcome: n}, tokens_in, tokens_out, p95, last_at",
        _SPAN | {"model": None},
        f"""WITH rows AS (SELECT * FROM records r WHERE {_IN_SPAN} AND ($model IS NULL OR r.model = $model)),
            per_outcome AS (SELECT caller, team, outcome, count(*) AS n FROM rows GROUP BY ALL),
            counted AS (SELECT caller, team, map_from_entries(list((outcome, n) ORDER BY outcome)) AS outcomes
                        FROM per_outcome GROUP BY caller, team)
            SELECT r.caller, r.team, count(*) AS requests, any_value(c.outcomes) AS outcomes,
                   sum(r.tokens_in)::BIGINT AS tokens_in, sum(r.tokens_out)::BIGINT AS tokens_out,
                   quantile_cont(r.total_ms, 0.95) FILTER (r.outcome = 'ok') AS p95, max(r."at") AS last_at
            FROM rows r JOIN counted c ON c.caller = r.caller AND c.team = r.team
            GROUP BY r.caller, r.team ORDER BY requests DESC, r.caller""",
    ),
    "by_target": Query(
        "model, target, version, canary, requests, outcomes {outcome: n}, p50, p95, p99, first_token_p95",
        _SPAN | {"model": None},
        f"""WITH rows AS (SELECT * FROM records r WHERE r.target <> '' AND {_IN_SPAN}
                            AND ($model IS NULL OR r.model = $model)),
            per_outcome AS (SELECT model, target, version, canary, outcome, count(*) AS n FROM rows GROUP BY ALL),
            counted AS (SELECT model, target, version, canary,
                               map_from_entries(list((outcome, n) ORDER BY outcome)) AS outcomes
                        FROM per_outcome GROUP BY model, target, version, canary)
            SELECT r.model, r.target, r.version, r.canary, count(*) AS requests, any_value(c.outcomes) AS outcomes,
                   quantile_cont(r.total_ms, 0.5) FILTER (r.outcome = 'ok') AS p50,
                   quantile_cont(r.total_ms, 0.95) FILTER (r.outcome = 'ok') AS p95,
                   quantile_cont(r.total_ms, 0.99) FILTER (r.outcome = 'ok') AS p99,
                   quantile_cont(r.first_token_ms, 0.95) FILTER (r.outcome = 'ok') AS first_token_p95
            FROM rows r JOIN counted c USING (model, target, version, canary)
            GROUP BY r.model, r.target, r.version, r.canary ORDER BY requests DESC, r.target""",
    ),
    "entities": Query(
        "direction (input|output), entity, masked, requests",
        _SPAN | {"model": None},
        f"""WITH rows AS (SELECT * FROM records r WHERE {_IN_SPAN} AND ($model IS NULL OR r.model = $model)),
            both_ways AS (
                SELECT 'input' AS direction, unnest(map_entries(entities_in)) AS e FROM rows
                UNION ALL SELECT 'output', unnest(map_entries(entities_out)) FROM rows)
            SELECT direction, e.key AS entity, sum(e.value)::BIGINT AS masked, count(*) AS requests
            FROM both_ways GROUP BY direction, e.key ORDER BY direction, masked DESC, entity""",
    ),
    "rows_for_run": Query(
        "item, id, at, outcome, status, target, version, guard_in_ms, connect_ms, first_token_ms, total_ms,"
        " tokens_in, tokens_out (of the requests tagged `run`)",
        {"run": REQUIRED},
        """SELECT coalesce(r.tags['item'], '') AS item, r.id, r."at", r.outcome, r.status, r.target, r.version,
                  r.guard_in_ms, r.connect_ms, r.first_token_ms, r.total_ms, r.tokens_in, r.tokens_out
           FROM records r WHERE r.tags['run'] = $run ORDER BY item, r."at", r.id""",
    ),
    "containing": Query(
        "value, records (of those `values` that stand anywhere in what is stored)",
        {"values": REQUIRED},
        """WITH texts AS (
                SELECT r.id, to_json(r)::VARCHAR AS text FROM records r
                UNION ALL SELECT c.id, concat_ws(chr(10), c.request, c.reply) FROM contents c
                UNION ALL SELECT n.id, to_json(n)::VARCHAR FROM notices n)
           SELECT v.value, count(DISTINCT t.id) AS records
           FROM (SELECT unnest($values::VARCHAR[]) AS value) v JOIN texts t ON contains(t.text, v.value)
           GROUP BY v.value ORDER BY v.value""",
    ),
}


def bound(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of the query, defaults filled in. Raises KeyError (no such query) or BadQuery (parameters)."""
    query = QUERIES[name]
    unknown = sorted(set(params) - set(query.params))
    if unknown:
        raise BadQuery(f"{name} has no parameter {unknown[0]!r}.", next_step=f"It takes: {', '.join(query.params)}.")
    given = {**query.params, **params}
    for numeric in _NUMBERS & given.keys():
        if given[numeric] is not None and given[numeric] is not REQUIRED and type(given[numeric]) not in (int, float):
            raise BadQuery(
                f"{name}: {numeric} is {given[numeric]!r}, which is no number.",
                next_step="Times are Unix seconds, latencies milliseconds.",
            )
    missing = [p for p, value in given.items() if value is REQUIRED]
    if missing:
        raise BadQuery(f"{name} needs {', '.join(missing)}.", next_step="Give every required parameter.")
    return given
