"""What goes in and out of approvals, and the facts that they tell."""

from dataclasses import dataclass

from pydantic import BaseModel, Field

from gnomon.kit.events import Event


class VoteIn(BaseModel):
    approve: bool
    comment: str = Field(min_length=1, max_length=1000)


@dataclass(frozen=True, slots=True)
class ApprovalDecided(Event):
    """A request of `kind` about `subject_id` was approved or rejected; wiring says which action that sets off."""

    request_id: str
    kind: str
    subject_id: str
    approved: bool
