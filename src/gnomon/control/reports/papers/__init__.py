"""Papers from stored rows: nothing in them is typed by hand. `write` gives the document or register of a kind."""

from collections.abc import Callable, Mapping
from typing import Final

from gnomon.control.reports.papers import (
    clauses,
    deployment_plan,
    deployment_record,
    register,
    remediation_plan,
    remediation_report,
    requirements,
)
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.papers.parts import Paper
from gnomon.engine.documents import Document, Register

__all__ = ["BUILDERS", "Context", "Paper", "as_document", "as_register", "write"]

BUILDERS: Final[Mapping[str, Callable[[Context, str], Paper]]] = {
    "requirements": requirements.build,
    "deployment_plan": deployment_plan.build,
    "deployment_record": deployment_record.build,
    "remediation_plan": remediation_plan.build,
    "remediation_report": remediation_report.build,
    "remediation_register": register.build,
    "clause_board": clauses.build,
}


def write(context: Context, kind: str, subject_id: str) -> Paper:
    """The paper of `kind` about the subject. Raises NothingToReport where there is nothing to say yet."""
    return BUILDERS[kind](context, subject_id)


def as_document(context: Context, paper: Paper, *, number: str, version: int, issuer: str) -> Document:
    return Document(
        title=paper.title,
        number=number,
        locale=context.locale,
        made_at=context.now,
        date=context.say.long_day(context.now),
        issuer=issuer,
        version=version,
        facts=paper.facts,
        sections=paper.sections,
        signatures=paper.signatures,
    )


def as_register(context: Context, paper: Paper, *, number: str, version: int, issuer: str) -> Register:
    return Register(
        title=paper.title,
        number=number,
        locale=context.locale,
        made_at=context.now,
        date=context.say.long_day(context.now),
        issuer=issuer,
        sheets=paper.sheets,
        version=version,
        facts=paper.facts,
    )
