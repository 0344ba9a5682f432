"""What every store of traffic records must do."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gnomon.backends.records_duckdb import RecordsDuckDB
from gnomon.backends.records_queries import QUERIES, REQUIRED
from gnomon.contract.ports import RecordStore
from gnomon.contract.traffic import DefenceNotice, Feedback, Timings, TrafficRecord
from gnomon.kit.errors import BadInput

STORES: dict[str, Callable[[Path], RecordStore]] = {"duckdb": lambda folder: RecordsDuckDB(folder / "traffic.duckdb")}
SPAN = {"since": 0.0, "until": 1e12}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RecordStore]:
    found = STORES[request.param](tmp_path)
    yield found
    found.close()  # type: ignore[attr-defined]


def record(number: int, **changes: object) -> TrafficRecord:
    given: dict[str, object] = {
        "id": f"req_{number:04d}",
        "at": 1000.0 + number,
        "outcome": "ok",
        "status": 200,
        "timings": Timings(total=float(number), first_token=number / 2),
        "model": "chat",
        "target": "main",
        "version": "v1",
        "caller": "anna",
        "team": "business",
        "tokens_in": 2,
        "tokens_out": 3,
        "request": '{"q":"你好"}',
        "reply": '好的 "引号"\n',
    }
    return TrafficRecord(**(given | changes))  # type: ignore[arg-type]


def test_a_record_comes_back_whole(store: RecordStore) -> None:
    tags = {"run": "r1", "item": "7"}
    one = record(1, entities_in={"PHONE": 2}, tags=tags, stream=True, canary="c1", error="x")
    assert store.append([one], [], offsets={}) == 1
    (row,) = store.query("record", {"id": "req_0001"})
    assert (row["at"], row["outcome"], row["total_ms"], row["first_token_ms"]) == (1001.0, "ok", 1.0, 0.5)
    assert (row["guard_in_ms"], row["entities_in"], row["entities_out"]) == (None, {"PHONE": 2}, {})
    assert (row["tags"], row["stream"], row["canary"], row["key_id"]) == (tags, True, "c1", "")
    assert (row["request"], row["reply"]) == ('{"q":"你好"}', '好的 "引号"\n')
    assert store.query("record", {"id": "nobody"}) == []


def test_the_same_record_is_stored_once_within_and_across_batches(store: RecordStore) -> None:
    assert store.append([record(1), record(1), record(2)], [], offsets={"w": 10}) == 2
    assert store.append([record(2), record(3)], [], offsets={"w": 20}) == 1
    assert store.query("totals", SPAN) == [{"outcome": "ok", "requests": 3, "tokens_in": 6, "tokens_out": 9}]
    assert store.offsets() == {"w": 20}


def test_a_batch_that_fails_leaves_neither_records_nor_offsets(store: RecordStore) -> None:
    broken = record(5, outcome=None)
    with pytest.raises(Exception, match=r"(?i)constraint"):
        store.append([record(4), broken], [], offsets={"w": 30})
    assert store.offsets() == {}
    assert store.query("recent", {}) == []
    assert store.append([record(4)], [], offsets={"w": 30}) == 1


def test_notices_are_kept_once_and_listed_since_a_time(store: RecordStore) -> None:
    ban = DefenceNotice(id="n1", at=50.0, kind="ban", subject="192.0.2.1", reason="key_guessing", until=99.0)
    retreat = DefenceNotice(id="n2", at=60.0, kind="canary_retreat", subject="c1", reason="rule", facts={"ratio": 0.5})
    store.append([], [ban, retreat], offsets={})
    store.append([], [ban], offsets={})
    assert [n["id"] for n in store.query("notices", {})] == ["n1", "n2"]
    after = store.query("notices", {"since": 50.0, "after": "n1"})
    assert [n["id"] for n in after] == ["n2"]
    assert [n["id"] for n in store.query("notices", {"since": 50.0, "after": "n0"})] == ["n1", "n2"]
    (row,) = store.query("notices", {"since": 55.0})
    assert (row["kind"], row["facts"]) == ("canary_retreat", {"ratio": 0.5})


def test_minutes_tell_counts_by_outcome_and_percentiles_of_what_was_answered(store: RecordStore) -> None:
    answered = [record(n, at=60.0 + n / 10, timings=Timings(total=float(n))) for n in range(1, 101)]
    failed = [record(1000 + n, at=61.0, outcome="timeout", status=504, timings=Timings(total=9e4)) for n in range(5)]
    store.append([*answered, *failed, record(2000, at=125.0)], [], offsets={})
    first, second = store.query("by_minute", SPAN | {"limit_ms": 50})
    assert (first["minute"], first["requests"], first["answered"], first["within"]) == (60.0, 105, 100, 50)
    assert first["outcomes"] == {"ok": 100, "timeout": 5}
    assert first["p50"] == pytest.approx(50.5)
    assert first["p99"] == pytest.approx(99.01)
    assert second["minute"] == 120.0
    assert store.query("by_minute", SPAN)[0]["within"] is None
    assert len(store.query("by_minute", SPAN | {"bucket_s": 3600})) == 1


def test_latency_of_nothing_is_no_number(store: RecordStore) -> None:
    (row,) = store.query("latency", SPAN | {"limit_ms": 500})
    assert (row["n"], row["n_within"], row["p95"], row["mean"]) == (0, 0, None, None)
    store.append([record(100), record(700)], [], offsets={})
    (row,) = store.query("latency", SPAN | {"limit_ms": 500, "model": "chat", "target": "main"})
    assert (row["n"], row["n_within"], row["p50"], row["mean"]) == (2, 1, 400.0, 400.0)
    assert store.query("latency", SPAN | {"limit_ms": 500, "model": "other"})[0]["n"] == 0


def test_a_promise_is_measured_without_the_platforms_own_questions_and_by_kind_of_answer(store: RecordStore) -> None:
    streamed = record(900, stream=True, timings=Timings(total=900.0, first_token=90.0))
    own = record(800, caller="gnomon")
    store.append([record(100), streamed, own], [], offsets={})
    asked = SPAN | {"not_caller": "gnomon"}
    assert store.query("totals", asked)[0]["requests"] == 2
    (whole,) = store.query("latency", asked | {"limit_ms": 500, "stream": False})
    assert (whole["n"], whole["n_within"]) == (1, 1)
    (first,) = store.query("latency", asked | {"limit_ms": 500, "stream": True})
    assert (first["n"], first["n_within"], first["n_first_token"], first["n_first_token_within"]) == (1, 0, 1, 1)


def test_a_stream_without_the_time_of_its_first_token_is_not_timed(store: RecordStore) -> None:
    untimed = record(2, stream=True, timings=Timings(total=9.0))
    store.append([record(1), untimed, record(3, stream=True)], [], offsets={})
    assert store.query("timing", SPAN) == [{"requests": 3, "timed": 2}]


def test_recent_filters_and_shows_no_content(store: RecordStore) -> None:
    store.append([record(1), record(2, caller="bob"), record(3, outcome="blocked", error="SECRET")], [], offsets={})
    assert [r["id"] for r in store.query("recent", {"limit": 2})] == ["req_0003", "req_0002"]
    assert [r["id"] for r in store.query("recent", {"caller": "bob"})] == ["req_0002"]
    assert [r["id"] for r in store.query("recent", {"outcome": "blocked"})] == ["req_0003"]
    assert [r["id"] for r in store.query("recent", {"q": "secret"})] == ["req_0003"]
    assert "request" not in store.query("recent", {})[0]


def test_callers_targets_entities_and_runs_are_counted(store: RecordStore) -> None:
    store.append(
        [
            record(1, entities_in={"PHONE": 2, "EMAIL": 1}, tags={"run": "r1", "item": "b"}),
            record(2, caller="bob", entities_out={"PHONE": 1}, tags={"run": "r1", "item": "a"}, outcome="timeout"),
            record(3, target="next", version="v2", canary="c1", tags={"run": "r2"}),
        ],
        [],
        offsets={},
    )
    callers = {r["caller"]: r for r in store.query("by_caller", SPAN)}
    assert callers["anna"]["requests"] == 2
    assert callers["bob"]["outcomes"] == {"timeout": 1}
    targets = {(r["target"], r["canary"]): r["requests"] for r in store.query("by_target", SPAN)}
    assert targets == {("main", ""): 2, ("next", "c1"): 1}
    entities = {(r["direction"], r["entity"]): r["masked"] for r in store.query("entities", SPAN)}
    assert entities == {("input", "PHONE"): 2, ("input", "EMAIL"): 1, ("output", "PHONE"): 1}
    assert [(r["item"], r["outcome"]) for r in store.query("rows_for_run", {"run": "r1"})] == [
        ("a", "timeout"),
        ("b", "ok"),
    ]


def test_what_no_caller_asked_for_counts_in_no_figure_of_the_service(store: RecordStore) -> None:
    copy = record(2, id="req_0001_shadow", role="shadow", target="next", cost=0.5)
    draft = record(3, id="req_0004_draft", role="draft", target="small", cost=0.1, saved=-0.1)
    asked = [record(1, cost=1.0), record(4, cost=2.0, escalated=True), record(5, cost=0.2, saved=0.8, cache="miss")]
    store.append([*asked, copy, draft], [], offsets={})
    assert store.query("totals", SPAN)[0]["requests"] == 3
    assert [r["target"] for r in store.query("by_target", SPAN)] == ["main"]
    assert len(store.query("recent", {})) == 3
    assert [r["id"] for r in store.query("recent", {"role": "shadow"})] == ["req_0001_shadow"]
    beside = {(r["role"], r["target"]): r["requests"] for r in store.query("by_role", SPAN)}
    assert beside == {("shadow", "next"): 1, ("draft", "small"): 1}
    (spent,) = store.query("spending", SPAN)
    assert (spent["requests"], spent["drafts"], spent["escalated"]) == (3, 1, 1)
    assert spent["cost"] == pytest.approx(3.3)
    assert spent["saved"] == pytest.approx(0.7)


def test_arms_of_an_experiment_are_compared_as_assigned(store: RecordStore) -> None:
    store.append(
        [record(1, arm="e:a"), record(2, arm="e:b", target="main", outcome="timeout"), record(3, arm="e:b")],
        [],
        offsets={},
    )
    rows = {r["arm"]: (r["requests"], r["outcomes"], r["callers"]) for r in store.query("by_arm", SPAN)}
    assert rows == {"e:a": (1, {"ok": 1}, 1), "e:b": (2, {"ok": 1, "timeout": 1}, 1)}


def said(number: int, *, at: float = 0.0, request: str = "req_0001", caller: str = "anna", rating: int = 5) -> Feedback:
    return Feedback(
        id=f"fb_{number}", at=at or float(number), request=request, caller=caller, rating=rating, comment="好"
    )


def test_feedback_counts_for_ones_own_request_and_the_last_word_holds(store: RecordStore) -> None:
    words = [said(1), said(2, rating=2), said(3, caller="bob"), said(4, request="req_9999"), said(2)]
    store.append([], [], offsets={}, feedback=words)  # may come before the record does
    assert store.query("feedback", SPAN) == []
    store.append([record(1, arm="e:a")], [], offsets={})
    (row,) = store.query("feedback", SPAN)
    assert (row["id"], row["rating"], row["comment"], row["model"], row["arm"]) == ("fb_2", 2, "好", "chat", "e:a")
    assert store.query("containing", {"values": ["fb_3"]}) == [{"value": "fb_3", "records": 1}]


def test_values_are_found_wherever_they_stand(store: RecordStore) -> None:
    told = record(1, request="电话 13800138000", reply="好 li@example.com", error="boom-7", tags={"item": "planted"})
    notice = DefenceNotice(id="n1", at=1.0, kind="ban", subject="10.9.8.7", reason="guessing")
    store.append([told], [notice], offsets={})
    wanted = ["13800138000", "li@example.com", "boom-7", "planted", "10.9.8.7", "13900139000"]
    found = {row["value"] for row in store.query("containing", {"values": wanted})}
    assert found == set(wanted) - {"13900139000"}


def test_wrong_questions_are_told_apart(store: RecordStore) -> None:
    with pytest.raises(KeyError):
        store.query("nothing", {})
    with pytest.raises(BadInput, match="has no parameter 'x'"):
        store.query("recent", {"x": 1})
    with pytest.raises(BadInput, match="needs since, until"):
        store.query("totals", {})
    with pytest.raises(BadInput):
        store.query("totals", {"since": "yesterday", "until": 1.0})


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_every_query_answers_an_empty_store(store: RecordStore, name: str) -> None:
    values = {"since": 0.0, "until": 1.0, "limit_ms": 1.0, "id": "x", "run": "x", "values": ["x"], "tokens": ["x"]}
    params = {p: values[p] for p, default in QUERIES[name].params.items() if default is REQUIRED}
    assert isinstance(store.query(name, params), list)


def test_content_goes_before_its_record(store: RecordStore) -> None:
    assert store.query("content", {}) == [{"n": 0, "oldest": None}]
    store.append([record(1), record(2), record(3, request=None, reply=None)], [], offsets={})
    assert store.query("content", {}) == [{"n": 2, "oldest": 1001.0}]
    store.append([], [], offsets={}, feedback=[said(1, at=1001.0), said(2, at=1002.0, request="req_0002")])
    assert store.drop_content(1002.0) == 1
    assert [(r["rating"], r["comment"]) for r in store.query("feedback", SPAN)] == [(5, ""), (5, "好")]
    assert store.query("content", {}) == [{"n": 1, "oldest": 1002.0}]
    (row,) = store.query("record", {"id": "req_0001"})
    assert (row["request"], row["reply"], row["tokens_in"]) == (None, None, 2)


def test_sealed_copies_are_asked_for_by_themselves_and_go_with_the_content(store: RecordStore) -> None:
    store.append([record(1, sealed="AbC="), record(2)], [], offsets={})
    assert "sealed" not in store.query("record", {"id": "req_0001"})[0]
    (row,) = store.query("sealed", {"id": "req_0001"})
    assert (row["sealed"], row["request"]) == ("AbC=", store.query("record", {"id": "req_0001"})[0]["request"])
    assert store.query("sealed", {"id": "req_0002"})[0]["sealed"] is None
    store.drop_content(9_999_999_999.0)
    assert store.query("sealed", {"id": "req_0001"}) == []


TOKEN, OTHER = "a" * 32, "b" * 32


def about(id: str, comment: str, *persons: str) -> Feedback:
    return Feedback(id=id, at=5.0, request="req_0001", caller="anna", rating=4, comment=comment, persons=persons)


def test_what_is_about_a_person_is_found_by_token_and_by_no_other(store: RecordStore) -> None:
    store.append([record(1, persons=(TOKEN, OTHER)), record(2), record(3, persons=(OTHER,))], [], offsets={})
    store.append([], [], offsets={}, feedback=[about("fb_1", "请回电⟦手机⟧", TOKEN)])
    store.append([], [], offsets={}, feedback=[about("fb_1", "请回电⟦手机⟧", TOKEN)])
    rows = store.query("of_persons", {"tokens": [TOKEN, "c" * 32]})
    assert [(row["id"], row["kind"], row["tokens"], row["content"]) for row in rows] == [
        ("fb_1", "feedback", [TOKEN], True),
        ("req_0001", "record", [TOKEN], True),
    ]
    assert store.query("person_keys", {}) == [{"key": "aaaaaaaa", "tokens": 2}, {"key": "bbbbbbbb", "tokens": 2}]


def test_an_erased_person_leaves_the_fact_of_the_request_and_nothing_that_was_about(store: RecordStore) -> None:
    tags = {"item": "7", "who": "⟦手机_abc⟧"}
    mine = record(1, persons=(TOKEN, OTHER), tags=tags, request="问", reply="答", sealed="c2VhbGVk")
    store.append([mine, record(2, persons=(OTHER,))], [], offsets={"w": 3}, feedback=[about("fb_1", "好", TOKEN)])
    before = store.query("record", {"id": "req_0002"})
    gone = store.erase_persons([TOKEN])
    assert gone == {"contents": 1, "comments": 1, "tags": 1, "tokens": 3}
    assert store.query("of_persons", {"tokens": [TOKEN]}) == []
    (row,) = store.query("record", {"id": "req_0001"})
    assert (row["request"], row["reply"], row["tags"], row["outcome"]) == (None, None, {}, "ok")
    assert store.query("comment", {"id": "fb_1"}) == [{"comment": ""}]
    assert store.query("record", {"id": "req_0002"}) == before
    assert [row["id"] for row in store.query("of_persons", {"tokens": [OTHER]})] == ["req_0002"]
    assert store.offsets() == {"w": 3}
    assert store.append([record(2), record(4)], [], offsets={}) == 1  # it goes on, and still knows what it has


def test_content_that_is_dropped_takes_its_tokens_along(store: RecordStore) -> None:
    store.append([record(1, persons=(TOKEN,)), record(9, persons=(TOKEN,))], [], offsets={})
    store.drop_content(1005.0)
    assert [row["id"] for row in store.query("of_persons", {"tokens": [TOKEN]})] == ["req_0009"]
