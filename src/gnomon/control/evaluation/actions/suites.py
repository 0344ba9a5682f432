"""Add a suite; look at one, counted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from gnomon.control.catalog.fingerprints import fingerprint
from gnomon.control.evaluation import queries, rules, vault
from gnomon.control.evaluation.schemas import NewSuite
from gnomon.control.evaluation.tables import Look, Suite
from gnomon.engine.sealing import content_hash
from gnomon.engine.slices import features_of
from gnomon.engine.suites.recipes import recipe_from
from gnomon.kit.errors import Conflict
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@action("suite.create")
def add_suite(work: Work, new: NewSuite) -> Suite:
    """The suite is fixed and, where `sealed`, encrypted; its texts are in the object store and nowhere else.

    Raises BadSuite on a row that is no item, Conflict when the name or exactly this content is known already.
    """
    recipe = recipe_from(new.recipe)
    facts = rules.check_rows(new.rows, recipe.choices)
    if new.positive and new.positive not in recipe.choices:
        raise rules.BadSuite(
            f"The positive label {new.positive} is none of {list(recipe.choices)}.", next_step="Name one of the labels."
        )
    sha256 = content_hash(new.rows)
    _refuse_known(work, name=new.name, sha256=sha256)
    suite_id = new_id("suite")
    work.about("suite", suite_id, name=new.name, sha256=sha256, n=facts.n, sealed=new.sealed)
    blob_sha256, wrapped_key = vault.store(new.rows, sealed=new.sealed, suite_id=suite_id)
    suite = Suite(
        id=suite_id,
        name=new.name,
        purpose=new.purpose,
        sha256=sha256,
        n=facts.n,
        labels=list(recipe.choices),
        label_counts=facts.label_counts,
        positive=new.positive,
        recipe=recipe.as_dict(),
        source=new.source,
        licence=new.licence,
        sealed=new.sealed,
        blob_sha256=blob_sha256,
        wrapped_key=wrapped_key,
        features=features(new.rows),
        text_hashes=sorted(fingerprint(row["text"]) for row in new.rows),
        looks=0,
        made_by=work.actor.id,
        made_at=work.now,
    )
    work.session.add(suite)
    if new.sealed:
        work.enqueue("catalog.compare_held_out", suite_id)  # data that came before must be compared with it too
    return suite


@system_action("suite.open")
def open_suite(work: Work, suite_id: str, *, by: str, purpose: str) -> list[dict[str, Any]]:
    """The rows of a suite, for the run or check `by`. Each `by` is one look at a sealed set, however often repeated.

    The rows go to the caller alone: neither the audit trail nor any table gets them.
    """
    suite = queries.suite(work.session, suite_id)
    work.about("suite", suite.id, by=by, purpose=purpose, sealed=suite.sealed)
    if suite.sealed:
        look = work.session.get(Look, by)
        if look is None:
            suite.looks += 1
            look = Look(id=by, suite_id=suite.id, purpose=purpose, number=suite.looks, openings=0, at=work.now)
            work.session.add(look)
        look.openings += 1
        work.about("suite", suite.id, look=look.number, openings=look.openings)
    return vault.rows_of(suite.blob_sha256, suite.wrapped_key, suite_id=suite.id)


def features(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Slice name → item ids: what the text shows at a glance, and every further field of the row as `field=value`."""
    members: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for name in sorted(features_of(row["text"], row["label"]) | further_features(row)):
            members[name].append(row["id"])
    return dict(sorted(members.items()))


def further_features(row: Mapping[str, Any]) -> frozenset[str]:
    """Short fields only: a long one is content, not the name of a slice."""
    return frozenset(
        f"{field}={value}" for field, value in row.items() if field not in rules.ROW_FIELDS and len(value) <= 40
    )


def _refuse_known(work: Work, *, name: str, sha256: str) -> None:
    same = work.session.scalars(select(Suite).where((Suite.name == name) | (Suite.sha256 == sha256))).first()
    if same is not None:
        what = "name" if same.name == name else "content"
        raise Conflict(
            f"The suite {same.name} ({same.id}) has this {what} already.",
            next_step="Use that suite, or give the new one another name and content.",
            suite=same.id,
        )
