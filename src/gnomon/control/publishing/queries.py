"""What is published, and what should be: the bundle as the control plane's state gives it now."""

from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.contract.bundle import GuessRule, Part, Policy, Roster, SuccessRule
from gnomon.control.access import queries as access
from gnomon.control.deployments import queries as deployments
from gnomon.control.deployments.rules import content_policy
from gnomon.control.privacy import queries as privacy
from gnomon.control.publishing.tables import Publication
from gnomon.control.rulebook.rules import Rulebook
from gnomon.kit import services


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
    judge = partial(
        content_policy,
        known=[known.id for known in rulebook.content_policies],
        default=rulebook.default_content_policy,
    )
    return Policy(
        epoch=epoch,
        serial=serial,
        issued_at=now.timestamp(),
        upstreams=tuple(deployments.upstreams(session)),
        routes=tuple(
            replace(route, content_policy=judge(route.content_policy)) for route in deployments.routes(session)
        ),
        content_policies=rulebook.content_policies,
        mask_policies=tuple(privacy.mask_policies(session)),
        guess=guess_rule(rulebook),
        success=success_rule(rulebook),
        regulated=services.settings().regulated,
        restore_key=privacy.restore_key() if rulebook.restorable_days else "",
        restore_days=rulebook.restorable_days,
    )


def roster(session: Session, rulebook: Rulebook, now: datetime) -> Roster:
    epoch, serial = next_version(session, "roster")
    return Roster(
        epoch=epoch,
        serial=serial,
        issued_at=now.timestamp(),
        keys=access.roster_keys(session, now),
        bans=access.roster_bans(session, now),
        lifts=access.roster_lifts(session, now),
        throttles=access.roster_throttles(session, now),
        quotas=access.roster_quotas(session),
        ended=access.roster_ended(session, now, within=timedelta(days=rulebook.threshold("stale_key_days").limit)),
        timezone=services.settings().timezone,
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
