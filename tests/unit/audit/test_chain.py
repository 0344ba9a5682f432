"""The trail: whatever is done to it afterwards shows."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from gnomon.control.audit import queries, rules
from gnomon.control.audit.sealer import Sealer
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.people import actions as people
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do, make_platform

KEY = Ed25519PrivateKey.generate()


def chain(entries: list[dict[str, Any]]) -> list[rules.Link]:
    links, prev = [], rules.GENESIS
    for seq, entry in enumerate(entries, 1):
        sha256 = rules.seal(prev, entry)
        links.append(rules.Link(seq, prev, entry, sha256))
        prev = sha256
    return links


entries = st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=3), min_size=1, max_size=8)


@given(entries)
def test_an_untouched_chain_verifies(found: list[dict[str, Any]]) -> None:
    assert rules.verify(chain(found)).ok


@given(entries, st.data())
def test_edit_deletion_and_swap_are_found(found: list[dict[str, Any]], data: st.DataObject) -> None:
    links = chain([entry | {"n": str(n)} for n, entry in enumerate(found)])
    at = data.draw(st.integers(0, len(links) - 1))
    edited = [*links]
    edited[at] = rules.Link(links[at].seq, links[at].prev, links[at].entry | {"who": "me"}, links[at].sha256)
    assert not rules.verify(edited).ok
    if at < len(links) - 1:
        assert not rules.verify(links[:at] + links[at + 1 :]).ok
        assert not rules.verify([*links[:at], links[at + 1], links[at], *links[at + 2 :]]).ok


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    made = make_platform(tmp_path)
    for locale in ("en", "zh-CN", "en"):
        do(made, "lin", people.set_locale, locale)
    return made


def test_committed_entries_are_sealed_in_order_and_verify(platform: Platform) -> None:
    chainer = Sealer(platform, KEY)
    assert chainer.run_once() == 3
    assert chainer.run_once() == 0
    chainer.checkpoint()
    with platform.read() as session:
        verdict = queries.verify(session, KEY.public_key())
        assert (verdict.ok, verdict.length, queries.unsealed(session)) == (True, 3, 0)


def test_the_database_refuses_to_change_the_trail(platform: Platform) -> None:
    Sealer(platform, KEY).run_once()
    with platform.database.session() as session, pytest.raises(IntegrityError, match="append-only"):
        session.execute(text("UPDATE audit_entry SET actor_name = 'nobody'"))
    with platform.database.session() as session, pytest.raises(IntegrityError, match="append-only"):
        session.execute(text("DELETE FROM audit_seal"))


def test_who_drops_the_triggers_and_edits_is_found(platform: Platform) -> None:
    Sealer(platform, KEY).run_once()
    with platform.database.session() as session:
        session.execute(text("DROP TRIGGER audit_entry_no_update"))
        session.execute(text("UPDATE audit_entry SET actor_name = 'nobody' WHERE id = 2"))
        session.commit()
    with platform.read() as session:
        verdict = queries.verify(session, KEY.public_key())
    assert not verdict.ok
    assert verdict.at_seq == 2


def test_a_chain_cut_below_a_checkpoint_is_found(platform: Platform) -> None:
    chainer = Sealer(platform, KEY)
    chainer.run_once()
    chainer.checkpoint()
    with platform.database.session() as session:
        for table in ("audit_seal", "audit_entry"):
            session.execute(text(f"DROP TRIGGER {table}_no_delete"))
        session.execute(text("DELETE FROM audit_seal WHERE seq = 3"))
        session.execute(text("DELETE FROM audit_entry WHERE id = 3"))
        session.commit()
    with platform.read() as session:
        assert not queries.verify(session, KEY.public_key()).ok


def test_waiting_returns_once_the_entry_is_in_the_chain(platform: Platform) -> None:
    chainer = Sealer(platform, KEY, idle_s=0.01)
    chainer.start()
    try:
        assert chainer.wait([1, 2, 3])
    finally:
        chainer.stop()


def test_a_checkpoint_of_another_key_is_refused(platform: Platform) -> None:
    chainer = Sealer(platform, KEY)
    chainer.run_once()
    chainer.checkpoint()
    with platform.read() as session:
        assert not queries.verify(session, Ed25519PrivateKey.generate().public_key()).ok


def test_an_entry_that_cannot_be_sealed_does_not_stop_the_sealer(platform: Platform) -> None:
    """None is written any more; one from before must neither stall the chain nor be alterable."""
    with platform.database.session() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        fields = {column.name: getattr(last, column.name) for column in AuditEntry.__table__.columns}
        session.add(AuditEntry(**fields | {"id": None, "facts": {"alpha": 2**60, "spend": float("nan")}}))
        session.commit()
    do(platform, "lin", people.set_locale, "en")
    assert Sealer(platform, KEY).run_once() == 5
    with platform.read() as session:
        assert queries.verify(session, KEY.public_key()).ok
        exported = [rules.Link(**json.loads(json.dumps(asdict(link)))) for link in queries.links(session)]
    assert rules.verify(exported).ok
    exported[3].entry["facts"]["alpha"] = 2**61
    assert rules.verify(exported).at_seq == 4


def test_sealing_that_stopped_is_told_after_a_minute(platform: Platform) -> None:
    with platform.read() as session:
        assert queries.lateness(session, MONDAY + timedelta(seconds=59)) == ""
        assert "3 entries are not sealed" in queries.lateness(session, MONDAY + timedelta(seconds=61))
    Sealer(platform, KEY).run_once()
    with platform.read() as session:
        assert queries.lateness(session, MONDAY + timedelta(days=1)) == ""
