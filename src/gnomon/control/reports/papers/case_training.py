"""How a candidate was made: data, code, parameters, base and cost of each training, with its loss."""

from gnomon.control.catalog import queries as catalog
from gnomon.control.remediation import queries
from gnomon.control.remediation.tables import Case, Round
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.voice import NONE
from gnomon.control.tuning import queries as tuning
from gnomon.control.tuning.rules import cpu_minutes
from gnomon.control.tuning.tables import TrainingRun
from gnomon.engine import charts
from gnomon.engine.charts import XY
from gnomon.engine.documents import Block, Facts, Figure, Paragraph
from gnomon.kit.errors import NotFound


def trainings(context: Context, case: Case, round: Round) -> list[Block]:
    """One part a training of the round's measures; nothing where people did all of it by hand."""
    blocks: list[Block] = []
    for measure in queries.measures(context.session, case.id, round.n):
        if measure.training_id:
            run = tuning.training(context.session, measure.training_id)
            blocks += [Paragraph(f"{measure.key} {measure.title}", strong=True), _lineage(context, run)]
            blocks += _loss(context, run)
    return blocks


def _lineage(context: Context, run: TrainingRun) -> Facts:
    say = context.say
    datasets = [catalog.dataset(context.session, id) for id in run.dataset_ids]
    data = [f"{one.name} {one.label} (n = {say.number(one.n)}, SHA-256 {one.sha256})" for one in datasets]
    code = run.result.get("code", {})
    minutes = say.number(cpu_minutes(run.result), 1)
    return Facts(
        (
            (say("训练", "Training"), f"{run.id} {say.state(run.state)}"),
            (say("基础版本", "Base version"), _version(context, run.base_version_id)),
            (say("训练数据", "Training data"), "\n".join(data) or NONE),
            (say("代码", "Code"), f"{code.get('version', NONE)}, SHA-256 {code.get('sha256', NONE)}"),
            (say("参数", "Parameters"), _parameters(run)),
            (say("产出适配器", "Adapter made"), _version(context, run.adapter_version_id)),
            (say("计算成本", "Cost"), say(f"{minutes} CPU 分钟", f"{minutes} CPU min")),
            (say("起止", "From and to"), f"{say.moment(run.started_at)} – {say.moment(run.finished_at)}"),
            (say("证据", "Evidence"), context.cite(*run.evidence_ids)),
        )
    )


def _version(context: Context, version_id: str) -> str:
    try:
        version = catalog.version(context.session, version_id)
    except NotFound:
        return version_id or NONE
    return f"{version.model} {version.label}, SHA-256 {version.sha256 or NONE}"


def _parameters(run: TrainingRun) -> str:
    """Plain values only: what is nested (data, recipe) has its own lines."""
    shown = {name: value for name, value in sorted(run.parameters.items()) if isinstance(value, str | int | float)}
    return ", ".join(f"{name} = {value}" for name, value in shown.items()) or NONE


def _loss(context: Context, run: TrainingRun) -> list[Block]:
    """The reported steps; a chart needs two of them."""
    say = context.say
    steps = [(float(row["step"]), float(row["loss"])) for row in run.progress if "step" in row and "loss" in row]
    if len(steps) < 2:
        return []
    name = say("训练损失", "Training loss")
    chart = charts.curve(
        name,
        [XY(name, [x for x, _ in steps], [y for _, y in steps])],
        locale=context.locale,
        x_label=say("步", "step"),
        y_label=say("损失", "loss"),
        method=say("训练器逐步上报", "as the trainer reported"),
        n=len(steps),
        x_digits=0,
        height=200,
    )
    return [Figure(chart, with_table=False)]
