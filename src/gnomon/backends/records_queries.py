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
_NUMBERS = frozenset(("since", "until", "before", "limit", "limit_ms", "bucket_s", "stretch_s", "origin"))
# Copies to a shadow and drafts of a small model were no caller's requests: they are asked for by name only.
_OWN = "r.role = ''"
_IN_SPAN = f'r."at" >= $since AND r."at" < $until AND {_OWN}'
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
    " r.entities_in, r.entities_out, r.error, r.tags, r.policy, r.roster, r.role, r.attempts, r.cache, r.arm,"
    " r.escalated, r.cost, r.saved, r.unscanned, r.content, r.queue_ms, r.per_token_ms"
)

QUERIES: dict[str, Query] = {
    "content": Query(
        "n, oldest: how many requests have their masked content still, and the time of the oldest of them",
        {},
        'SELECT count(*) AS n, min("at") AS oldest FROM contents',
    ),
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
        {"limit": 100, "model": None, "outcome": None, "caller": None, "q": None, "before": None, "role": ""},
        f"""SELECT {_HEAD} FROM records r
            WHERE r.role = $role AND ($model IS NULL OR r.model = $model) AND ($outcome IS NULL OR r.outcome = $outcome)
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
    "sealed": Query(
        "request, reply, sealed of one record: for restoring it, and for nothing else",
        {"id": REQUIRED},
        "SELECT c.request, c.reply, c.sealed FROM contents c WHERE c.id = $id",
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
    "hours": Query(
        "caller, hour (Unix hours), requests: what callers asked for, without what the service failed to answer",
        _SPAN,
        f"""SELECT r.caller, floor(r."at" / 3600)::BIGINT AS hour, count(*) AS requests
            FROM records r WHERE {_IN_SPAN} AND r.caller <> '' AND r.role = ''
              AND r.outcome NOT IN ('banned', 'upstream_error', 'upstream_unreachable', 'timeout', 'internal')
            GROUP BY ALL ORDER BY r.caller, hour""",
    ),
    "comers": Query(
        "address, key_id, caller, first_at: which keys came in from which addresses, the most recent last",
        _SPAN | {"limit": 50_000},
        f"""SELECT address, key_id, caller, first_at FROM (
                SELECT r.address, r.key_id, r.caller, min(r."at") AS first_at, max(r."at") AS last_at FROM records r
                WHERE {_IN_SPAN} AND r.key_id <> '' AND r.role = '' AND r.outcome NOT IN ('banned', 'unauthorised')
                GROUP BY ALL ORDER BY last_at DESC LIMIT $limit)
            ORDER BY last_at""",
    ),
    "refused": Query(
        "id, at, outcome, status, total_ms, key_id, caller, address, tried, content: wrong keys and what the guard"
        " refused for what it says, oldest first",
        _SPAN | {"limit": 100_000},
        f"""SELECT * FROM (
                SELECT r.id, r."at", r.outcome, r.status, r.total_ms, r.key_id, r.caller, r.address, r.tried, r.content
                FROM records r WHERE {_IN_SPAN} AND ((r.outcome = 'blocked' AND len(r.content) > 0)
                                                     OR (r.outcome = 'unauthorised' AND r.tried <> ''))
                ORDER BY r."at" DESC LIMIT $limit)
            ORDER BY "at", id""",
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
    "busiest_minute": Query(
        "subject (a key's id, a team or a model, as `by` says), minute (its first second), served: of each subject the"
        " minute in which most of its requests went to a model server",
        _SPAN | {"by": "key", "subject": None},
        f"""WITH per_minute AS (
                SELECT CASE $by WHEN 'key' THEN r.key_id WHEN 'team' THEN r.team ELSE r.model END AS subject,
                       floor(r."at" / 60) * 60 AS minute, count(*) AS served
                FROM records r WHERE r.target <> '' AND {_IN_SPAN} GROUP BY ALL)
            SELECT subject, max_by(minute, served) AS minute, max(served) AS served FROM per_minute
            WHERE subject <> '' AND ($subject::VARCHAR IS NULL OR subject = $subject::VARCHAR)
            GROUP BY subject ORDER BY served DESC, subject""",
    ),
    "spent": Query(
        "subject (as in busiest_minute), start (of a stretch of `stretch_s`, counted from `origin`), tokens, cost: of"
        " each subject and stretch what the answers used that had ended a second before its last request was let in",
        _SPAN | {"by": "key", "subject": None, "stretch_s": 60.0, "origin": 0.0},
        f"""WITH answered AS (
                SELECT CASE $by WHEN 'key' THEN r.key_id WHEN 'team' THEN r.team ELSE r.model END AS subject,
                       floor((r."at" - $origin) / $stretch_s) AS stretch, r."at" AS began,
                       r."at" + r.total_ms / 1000 AS ended, r.tokens_in + r.tokens_out AS tokens, r.cost
                FROM records r WHERE r.target <> '' AND r.cache <> 'hit' AND {_IN_SPAN}),
            last AS (SELECT subject, stretch, max(began) AS began FROM answered GROUP BY subject, stretch)
            SELECT a.subject, $origin + a.stretch * $stretch_s AS start, sum(a.tokens)::BIGINT AS tokens,
                   sum(a.cost) AS cost
            FROM answered a JOIN last l ON l.subject = a.subject AND l.stretch = a.stretch
            WHERE a.ended < l.began - 1 AND a.subject <> ''
              AND ($subject::VARCHAR IS NULL OR a.subject = $subject::VARCHAR)
            GROUP BY a.subject, a.stretch ORDER BY tokens DESC, a.subject, start""",
    ),
    "most_at_once": Query(
        "subject (as in busiest_minute), moment, served: of each subject the moment at which most of its requests were"
        " with a model server together",
        _SPAN | {"by": "key", "subject": None},
        f"""WITH held AS (
                SELECT CASE $by WHEN 'key' THEN r.key_id WHEN 'team' THEN r.team ELSE r.model END AS subject,
                       r."at" + coalesce(r.queue_ms, 0) / 1000 AS began, r."at" + r.total_ms / 1000 AS ended
                FROM records r WHERE r.target <> '' AND {_IN_SPAN}),
            steps AS (SELECT subject, began AS t, 1 AS step FROM held UNION ALL SELECT subject, ended, -1 FROM held),
            depth AS (SELECT subject, t, sum(step) OVER (
                          PARTITION BY subject ORDER BY t, step ROWS UNBOUNDED PRECEDING) AS n FROM steps)
            SELECT subject, min(t) FILTER (n = most) AS moment, any_value(most)::BIGINT AS served
            FROM (SELECT *, max(n) OVER (PARTITION BY subject) AS most FROM depth)
            WHERE subject <> '' AND ($subject::VARCHAR IS NULL OR subject = $subject::VARCHAR)
            GROUP BY subject ORDER BY served DESC, subject""",
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
    "by_role": Query(
        "role, model, target, version, requests, outcomes {outcome: n}, tokens_out, cost, p50, p95: what was asked of"
        " models beside the callers' requests",
        _SPAN | {"model": None},
        """WITH rows AS (SELECT * FROM records r WHERE r.role <> '' AND r."at" >= $since AND r."at" < $until
                            AND ($model IS NULL OR r.model = $model)),
            per_outcome AS (SELECT role, model, target, version, outcome, count(*) AS n FROM rows GROUP BY ALL),
            counted AS (SELECT role, model, target, version,
                               map_from_entries(list((outcome, n) ORDER BY outcome)) AS outcomes
                        FROM per_outcome GROUP BY role, model, target, version)
            SELECT r.role, r.model, r.target, r.version, count(*) AS requests, any_value(c.outcomes) AS outcomes,
                   sum(r.tokens_out)::BIGINT AS tokens_out, sum(r.cost) AS cost,
                   quantile_cont(r.total_ms, 0.5) FILTER (r.outcome = 'ok') AS p50,
                   quantile_cont(r.total_ms, 0.95) FILTER (r.outcome = 'ok') AS p95
            FROM rows r JOIN counted c USING (role, model, target, version)
            GROUP BY r.role, r.model, r.target, r.version ORDER BY r.role, requests DESC, r.target""",
    ),
    "by_arm": Query(
        "model, arm (as assigned), requests, callers, outcomes {outcome: n}, p50, p95, tokens_out, cost",
        _SPAN | {"model": None},
        f"""WITH rows AS (SELECT * FROM records r WHERE r.arm <> '' AND {_IN_SPAN}
                            AND ($model IS NULL OR r.model = $model)),
            per_outcome AS (SELECT model, arm, outcome, count(*) AS n FROM rows GROUP BY ALL),
            counted AS (SELECT model, arm, map_from_entries(list((outcome, n) ORDER BY outcome)) AS outcomes
                        FROM per_outcome GROUP BY model, arm)
            SELECT r.model, r.arm, count(*) AS requests, count(DISTINCT r.caller) AS callers,
                   any_value(c.outcomes) AS outcomes, quantile_cont(r.total_ms, 0.5) FILTER (r.outcome = 'ok') AS p50,
                   quantile_cont(r.total_ms, 0.95) FILTER (r.outcome = 'ok') AS p95,
                   sum(r.tokens_out)::BIGINT AS tokens_out, sum(r.cost) AS cost
            FROM rows r JOIN counted c USING (model, arm) GROUP BY r.model, r.arm ORDER BY r.model, r.arm""",
    ),
    "spending": Query(
        "model, requests, cost, cached, drafts, escalated, draft_cost, saved: what dynamic model size and the cache"
        " saved, the drafts that were in vain taken off",
        _SPAN | {"model": None},
        """SELECT r.model, count(*) FILTER (r.role = '') AS requests, sum(r.cost) AS cost,
                  count(*) FILTER (r.cache = 'hit') AS cached, count(*) FILTER (r.role = 'draft') AS drafts,
                  count(*) FILTER (r.escalated) AS escalated,
                  coalesce(sum(r.cost) FILTER (r.role = 'draft'), 0) AS draft_cost, sum(r.saved) AS saved
           FROM records r WHERE r.role <> 'shadow' AND r."at" >= $since AND r."at" < $until
             AND ($model IS NULL OR r.model = $model)
           GROUP BY r.model ORDER BY r.model""",
    ),
    "feedback": Query(
        "id, at, request, caller, team, rating, comment, model, target, version, arm: of a request the newest word, and"
        " only where the request was the same caller's; oldest first",
        _SPAN | {"model": None, "limit": 1000},
        """SELECT f.id, f."at", f.request, f.caller, f.team, f.rating, f.comment, r.model, r.target, r.version, r.arm
           FROM feedback f JOIN records r ON r.id = f.request AND r.caller = f.caller
           WHERE f."at" >= $since AND f."at" < $until AND ($model IS NULL OR r.model = $model)
             AND NOT EXISTS (SELECT 1 FROM feedback later WHERE later.request = f.request AND later.caller = f.caller
                                AND (later."at", later.id) > (f."at", f.id))
           ORDER BY f."at", f.id LIMIT $limit""",
    ),
    "of_persons": Query(
        "id, at, kind (record | feedback), caller, model, tokens, content (whether what was said is there still); by"
        " time: what is about the persons behind these tokens",
        {"tokens": REQUIRED, "limit": 100_000},
        """WITH found AS (SELECT p.id, min(p."at") AS "at", list(DISTINCT p.token ORDER BY p.token) AS tokens
                          FROM persons p WHERE list_contains($tokens::VARCHAR[], p.token) GROUP BY p.id)
           SELECT f.id, f."at", CASE WHEN b.id IS NULL THEN 'record' ELSE 'feedback' END AS kind,
                  coalesce(r.caller, b.caller, '') AS caller, coalesce(r.model, '') AS model, f.tokens,
                  c.id IS NOT NULL OR coalesce(b.comment, '') <> '' AS content
           FROM found f LEFT JOIN records r ON r.id = f.id LEFT JOIN feedback b ON b.id = f.id
                LEFT JOIN contents c ON c.id = f.id
           ORDER BY f."at", f.id LIMIT $limit""",
    ),
    "comment": Query(
        "comment (masked) of one feedback: for telling a person what is stored, and for nothing else",
        {"id": REQUIRED},
        "SELECT f.comment FROM feedback f WHERE f.id = $id",
    ),
    "person_keys": Query(
        "key, tokens: by the name of the key that made them, how many tokens are stored",
        {},
        "SELECT p.token[1:8] AS key, count(*) AS tokens FROM persons p GROUP BY key ORDER BY key",
    ),
    "containing": Query(
        "value, records (of those `values` that stand anywhere in what is stored)",
        {"values": REQUIRED},
        """WITH texts AS (
                SELECT r.id, to_json(r)::VARCHAR AS text FROM records r
                UNION ALL SELECT c.id, concat_ws(chr(10), c.request, c.reply) FROM contents c
                UNION ALL SELECT n.id, to_json(n)::VARCHAR FROM notices n
                UNION ALL SELECT f.id, to_json(f)::VARCHAR FROM feedback f)
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
