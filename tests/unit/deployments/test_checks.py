"""The board's questions about deployments and catalogue: met only while what they look at holds."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from gnomon.contract.verdicts import State
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.catalog import checks as catalog_checks  # noqa: F401 - registers its checks
from gnomon.control.deployments import checks, queries  # noqa: F401 - registers its checks
from gnomon.control.evidence.tables import Artefact
from gnomon.control.rulebook import rules as rulebook
from gnomon.control.rulebook.checks import CHECKS, Answer, CheckContext, answer
from gnomon.kit.blobs import _path
from tests.fakes.catalog import add_adapter
from tests.unit.deployments.conftest import Company

BOOK = rulebook.load()
MINE = sorted(source for source in CHECKS if source.startswith(("deployments.", "catalog.")))


def asked(company: Company, source: str) -> Answer | None:
    (control,) = BOOK.controls_from(source)
    with company.platform.read() as session:
        context = CheckContext(session, company.platform.clock.now(), BOOK, timedelta(days=366))
        return answer(control, CHECKS[source].run, context)


def state(company: Company, source: str) -> State:
    found = asked(company, source)
    assert found is not None
    assert not found.error
    return found.state


def change(company: Company, *statements: Any) -> None:
    with company.platform.database.session() as session:
        for statement in statements:
            session.execute(statement)
        session.commit()


def test_every_question_of_the_rulebook_to_us_has_a_check() -> None:
    wanted = {
        c.source for c in BOOK.controls if c.kind == "query" and c.source.startswith(("deployments.", "catalog."))
    }
    assert wanted == set(MINE)


@pytest.mark.parametrize("source", MINE)
def test_an_empty_platform_has_nothing_to_measure(company: Company, source: str) -> None:
    assert asked(company, source) is None


def test_a_deployment_that_kept_the_order_meets_every_check_and_all_its_evidence_is_whole(company: Company) -> None:
    id = company.deploy()
    with company.platform.read() as session:
        add_adapter(company.platform, queries.deployment(session, id).version_id)
        artefacts = list(session.query(Artefact))
    states = {source: state(company, source) for source in MINE if source != "catalog.data_inventory_complete"}
    assert set(states.values()) == {State.MET}
    lacking = {proof.source: BOOK.missing_facts(proof.kind, proof.facts) for proof in artefacts}
    assert not any(lacking.values())


@pytest.mark.parametrize(
    ("source", "gone"),
    [
        ("started_without_requirements", delete(ApprovalRequest).where(ApprovalRequest.kind == "requirements_report")),
        ("installed_before_probe", delete(Artefact).where(Artefact.kind == "probe")),
        ("released_despite_failure", delete(Artefact).where(Artefact.kind == "test_run")),
    ],
)
def test_a_gate_that_was_passed_without_its_key_is_found(company: Company, source: str, gone: Any) -> None:
    company.deploy()
    change(company, gone)
    assert state(company, f"deployments.{source}") is State.NOT_MET


def test_a_lost_install_log_and_strange_weights_are_found(company: Company, tmp_path: Path) -> None:
    company.deploy()
    with company.platform.read() as session:
        (log,) = session.query(Artefact).filter(Artefact.source == "deployments.dependencies_installed")
    (tmp_path / "store" / _path(log.file_sha256)).unlink()
    assert state(company, "deployments.install_logs_kept") is State.NOT_MET
    (tmp_path / "models" / "stray.safetensors").write_bytes(b"x")
    assert state(company, "catalog.unregistered_weights") is State.NOT_MET


def test_an_adapter_of_unknown_data_breaks_the_lineage(company: Company) -> None:
    id = company.deploy()
    with company.platform.read() as session:
        base = queries.deployment(session, id).version_id
    add_adapter(company.platform, base, data_sha256="")
    assert state(company, "catalog.lineage_complete") is State.NOT_MET
