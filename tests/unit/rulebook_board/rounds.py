"""Queue a round of checks as the schedule does."""

from gnomon.kit.ids import new_id
from gnomon.kit.outbox import JobRow
from gnomon.kit.work import Platform


def queue_round(platform: Platform, subject: str = "schedule") -> None:
    with platform.database.session() as session:
        row = JobRow(id=new_id("job"), name="rulebook.run_controls", subject=subject, args={}, state="queued")
        row.actor_id, row.created_at, row.progress = "system:schedule", platform.clock.now(), {}
        session.add(row)
        session.commit()
