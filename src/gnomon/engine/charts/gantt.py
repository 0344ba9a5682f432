"""Measures over days: planned span, progress, what waits for what, what is overdue, and where today stands."""

from collections.abc import Sequence
from datetime import date, timedelta
from xml.etree.ElementTree import Element

from gnomon.engine.charts import canvas
from gnomon.engine.charts.canvas import at
from gnomon.engine.charts.model import BadChart, Chart, Table, Task
from gnomon.engine.charts.palette import MARKS
from gnomon.engine.charts.words import Words, words
from gnomon.kit import i18n

_ROW, _HEAD, _BAR = 46, 34, 14
_STEPS = (1, 2, 7, 14, 28, 91, 182, 364)


def gantt(label: str, tasks: Sequence[Task], today: date, *, locale: str, method: str = "") -> Chart:
    """Every task on its own row, text over its bar so that it can be read at any width."""
    said = words(locale)
    header = (said.task, said.owner, said.start, said.end, said.done, said.state, said.waits_for)
    if not tasks:
        return canvas.nothing("gantt", label, header, locale=locale, method=method)
    _check(tasks)
    start = min(task.start for task in tasks)
    days = (max(task.end for task in tasks) - start).days + 1
    svg = canvas.root("gantt", label, _HEAD + len(tasks) * _ROW + 4, left=8, right=8)
    bottom = _HEAD + len(tasks) * _ROW
    _calendar(svg, start, days, bottom)
    _today(svg, (today - start).days / days, bottom, said)
    _links(svg, tasks, start, days)
    for row, task in enumerate(tasks):
        _task(svg, task, today, y=_HEAD + row * _ROW, span=(start, days), said=said)
    svg.set("data-y", " ".join(str(_HEAD + row * _ROW + 29) for row in range(len(tasks))))
    rows = tuple(
        (
            f"{task.id} {task.name}",
            task.owner,
            i18n.day(task.start, locale),
            i18n.day(task.end, locale),
            i18n.percent(task.done, locale, digits=0),
            state_of(task, today, locale)[1],
            ", ".join(task.after) or i18n.NOT_MEASURED,
        )
        for task in tasks
    )
    return Chart("gantt", label, canvas.markup(svg), Table(header, rows), method=method)


def state_of(task: Task, today: date, locale: str) -> tuple[str, str]:
    """Tone and words of a task on `today`: finished, overdue by days, running, or not started."""
    said = words(locale)
    if task.done >= 1:
        return "ok", said.finished
    if today > task.end:
        return "bad", said.overdue_days.format(days=(today - task.end).days)
    if task.done > 0:
        return "info", said.running
    return "idle", said.planned


def _check(tasks: Sequence[Task]) -> None:
    ids = {task.id for task in tasks}
    for task in tasks:
        if task.end < task.start:
            raise BadChart(f"{task.id} ends on {task.end}, before it starts on {task.start}", next_step="fix the dates")
        if not 0 <= task.done <= 1:
            raise BadChart(f"progress of {task.id} is {task.done}", next_step="give a share from 0 to 1")
        unknown = [other for other in task.after if other not in ids]
        if unknown:
            raise BadChart(f"{task.id} waits for {unknown[0]}, which is not on the chart", next_step="add the task")


def _calendar(svg: Element, start: date, days: int, bottom: float) -> None:
    step = next((s for s in _STEPS if days / s <= 8), days)
    first = (-start.weekday()) % 7 if step >= 7 else 0  # whole weeks begin on a Monday
    for number, offset in enumerate(range(first, days, step)):
        share = offset / days
        canvas.upright(svg, "grid", share, 22, bottom)
        css = "t2" if number % 2 == 0 else "t2 spare"
        if share <= 0.94:
            canvas.text(svg, f"{start + timedelta(days=offset):%m-%d}", at(share), 14, css=css, dx=3)


def _today(svg: Element, share: float, bottom: float, said: Words) -> None:
    if 0 <= share <= 1:
        canvas.upright(svg, "today", share, 20, bottom, stroke_width=2)
        anchor = "end" if share > 0.5 else "start"
        dx = -5 if share > 0.5 else 5
        canvas.text(svg, said.today, at(share), 30, css="today-t halo", dx=dx, text_anchor=anchor, font_weight=600)


def _links(svg: Element, tasks: Sequence[Task], start: date, days: int) -> None:
    """From the end of the one that is waited for, down, to the start of the one that waits."""
    rows = {task.id: (row, task) for row, task in enumerate(tasks)}
    frame = canvas.stretch(svg, _HEAD + len(tasks) * _ROW)
    for row, task in enumerate(tasks):
        for other in task.after:
            from_row, before = rows[other]
            x1 = ((before.end - start).days + 1) / days
            x2 = (task.start - start).days / days
            y1 = _HEAD + from_row * _ROW + 22 + _BAR / 2
            y2 = _HEAD + row * _ROW + 22 + _BAR / 2
            turn = min(x1, x2) - 0.008 if x2 < x1 + 0.01 else x2 - 0.008
            turn = max(turn, 0.0)
            canvas.polyline(frame, "link", [(x1, y1), (turn, y1), (turn, y2), (x2, y2)], stroke_width=1)
            head = canvas.node(svg, "svg", x=at(x2), y=y2, css="at", overflow="visible", width=1, height=1)
            canvas.node(head, "polyline", css="link", points="-5,-3.5 0,0 -5,3.5", fill="none", stroke_width=1)


def _task(svg: Element, task: Task, today: date, *, y: float, span: tuple[date, int], said: Words) -> None:
    start, days = span
    tone, word = state_of(task, today, "en" if said.today == "Today" else i18n.SOURCE)
    name = canvas.text(svg, "", "0%", y + 14, css="t halo")
    canvas.node(name, "tspan", task.id, css="t2")
    canvas.node(name, "tspan", f" {task.name}", css="t")
    fact = canvas.text(svg, "", "100%", y + 14, css="t2 halo", text_anchor="end")
    canvas.node(fact, "tspan", f"{task.owner}  {task.done:.0%}  ", css="t2")
    canvas.node(fact, "tspan", f"{MARKS[tone]} {word}", css=f"t-{tone}", font_weight=600)
    x, width = (task.start - start).days / days, ((task.end - task.start).days + 1) / days
    canvas.node(svg, "rect", css=f"plan-{tone}", x=at(x), y=y + 22, width=at(width), height=_BAR, rx=3)
    if task.done:
        # The filled part lies inside the outline, so that 100 % still shows the planned span.
        css = f"done-{tone}"
        canvas.node(svg, "rect", css=css, x=at(x), y=y + 22, width=at(width * task.done), height=_BAR, rx=3)
