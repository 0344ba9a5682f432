"""What is published, and what should be: the bundle as the control plane's state gives it now."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.contract.bundle import GuessRule, Part, Policy, Roster, SuccessRule
from gnomon.control.access import queries as access
from gnomon.control.deployments import queries as deployments
from gnomon.control.privacy import queries as privacy
from gnomon.control.publishing.tables import Publication
from gnomon.control.rulebook.rules import Rulebook


def latest(session: Session, part: Part) -> Publication | None:
    query = select(Publication).where(Publication.part == part)
    return session.scalars(query.order_by(Publication.epoch.desc(), Publication.serial.desc()).limit(1)).first()


def publications(session: Session, *, limit: int = 100) -> list[Publication]:
    return list(session.scalars(select(Publication).order_by(Publication.at.desc()).limit(limit)))


def next_version(session: Session, part: Part) -> tuple[int, int]:
    """(epoch, serial) of the next publication; a restore opens a new epoch."""
    last = latest(session, part)
    return (last.epoch, last.serial + 1) if last else (1, 1)


def policy(session: Session, rulebook: Rulebook, now: datetime) -> Policy:
    epoch, serial = next_version(session, "policy")
    return Policy(
        epoch=epoch,
        serial=serial,
        issued_at=now.timestamp(),
        upstreams=tuple(deployments.upstreams(session)),
        routes=tuple(deployments.routes(session)),
        mask_policies=tuple(privacy.mask_policies(session)),
        guess=guess_rule(rulebook),
        success=success_rule(rulebook),
    )


def roster(session: Session, now: datetime) -> Roster:
    epoch, serial = next_version(session, "roster")
    return Roster(
        epoch=epoch,
        serial=serial,
        issued_at=now.timestamp(),
        keys=access.roster_keys(session, now),
        bans=access.roster_bans(session, now),
        lifts=access.roster_lifts(session, now),
    )


def guess_rule(rulebook: Rulebook) -> GuessRule:
    """When an address that tries keys is banned, and for how long, by the rulebook."""
    return GuessRule(
        count=int(rulebook.threshold("key_guesses").limit),
        window_s=rulebook.threshold("key_guess_window_s").limit,
        ban_s=rulebook.threshold("key_guess_ban_s").limit,
    )


def success_rule(rulebook: Rulebook) -> SuccessRule:
    return rulebook.success_rule
