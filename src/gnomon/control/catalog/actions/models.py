"""The register: every model with its stage and its owner."""

from gnomon.control.catalog import queries, rules
from gnomon.control.catalog.schemas import NewModel
from gnomon.control.catalog.tables import Model
from gnomon.control.people import queries as people
from gnomon.kit.errors import Conflict
from gnomon.kit.work import Work, action


@action("model.register")
def register_model(work: Work, new: NewModel) -> Model:
    """The model is in the register, in development. Raises Conflict when the name is taken."""
    work.about("model", new.name, task=new.task, owner=new.owner_id)
    if work.session.get(Model, new.name):
        raise Conflict(f"The name {new.name} is taken.", next_step="Choose another one.")
    people.person(work.session, new.owner_id)
    model = Model(stage="development", created_at=work.now, **new.model_dump())
    work.session.add(model)
    work.session.flush()
    return model


@action("model.register")
def set_stage(work: Work, name: str, *, stage: str, reason: str) -> Model:
    """The model is in `stage` of its life from now on. Raises Conflict for one that is retired, or would be."""
    if stage == "retired":
        raise Conflict("Retiring is a right of its own.", next_step="Use the retirement of the model.")
    return _move(work, name, stage=stage, reason=reason)


@action("model.retire")
def retire_model(work: Work, name: str, *, reason: str) -> Model:
    """The model is at the end of its life: no version of it is made or deployed any more."""
    return _move(work, name, stage="retired", reason=reason)


def _move(work: Work, name: str, *, stage: str, reason: str) -> Model:
    model = queries.model(work.session, name)
    work.about("model", name, before=model.stage, after=stage, reason=reason)
    rules.check_stage(model.stage, stage)
    model.stage = stage
    return model
