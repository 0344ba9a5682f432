"""The hooks that every Work gets: permission from people, trail from audit, the seal before the answer."""

from datetime import datetime

from sqlalchemy.orm import Session

from gnomon.control.audit import actions as audit
from gnomon.control.audit.sealer import Sealer
from gnomon.control.people import queries as people
from gnomon.kit import log
from gnomon.kit.work import Actor, Deed

_log = log.get(__name__)


class ControlHooks:
    """Injected by wiring. `sealer` is set in the process that seals; elsewhere a commit does not wait."""

    def __init__(self) -> None:
        self.sealer: Sealer | None = None

    def authorise(self, session: Session, actor: Actor, permission: str) -> None:
        people.authorise(session, actor, permission)

    def audit(self, session: Session, actor: Actor, at: datetime, deeds: list[Deed]) -> list[int]:
        return audit.write(session, actor, at, deeds)

    def committed(self, audit_ids: list[int]) -> None:
        if self.sealer and audit_ids and not self.sealer.wait(audit_ids):
            _log.warning("audit_seal_late", entries=audit_ids)  # committed all the same; the chain catches up
