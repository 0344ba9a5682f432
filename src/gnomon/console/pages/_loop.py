"""What the pages of the loop share: a list whose cells say how they look, its export, and refusals beside buttons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from fastapi.responses import Response

from gnomon.console import lists
from gnomon.console.pages import _words
from gnomon.console.reader import Reader
from gnomon.console.render import page
from gnomon.console.urls import PAGE_SIZE, Column
from gnomon.control.people import queries as people
from gnomon.kit import i18n
from gnomon.kit.errors import GnomonError

Choices = Mapping[str, tuple[str, Sequence[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what it says (on the page and in an export), what it sorts by, and how it looks.

    `tone` makes it a badge, `url` a link, `by` a link that narrows the list to (parameter, value).
    """

    text: str
    value: Any = None
    url: str = ""
    tone: str = ""
    code: bool = False
    by: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its cells by column, and what the filters of the list compare, by parameter."""

    cells: Mapping[str, Cell]
    facets: Mapping[str, str] = field(default_factory=dict)
    id: str = ""

    def __getitem__(self, key: str) -> Any:
        if key == "id":
            return self.id
        cell = self.cells[key]
        return cell.text if cell.value is None and cell.text not in ("", i18n.NOT_MEASURED) else cell.value


@dataclass(frozen=True, slots=True)
class List:
    """A list as its address wants it, ready for the macro `loop.listing`."""

    columns: Sequence[Column]
    rows: Sequence[Line]
    total: int
    sort: str
    label: str
    choices: Sequence[tuple[str, str, Sequence[tuple[str, str]]]]
    active: Sequence[tuple[str, str, str]]
    any_at_all: bool
    size: int = PAGE_SIZE


def listing(
    reader: Reader,
    columns: Sequence[Column],
    lines: Sequence[Line],
    *,
    sort: str,
    name: str,
    label: str,
    choices: Choices | None = None,
) -> List | Response:
    """The list, or the file with exactly its rows when the address asks for an export."""
    view, choices = reader.view, choices or {}
    wanted = {param: view.get(param) for param in choices if view.get(param)}
    fitting = [line for line in lines if all(line.facets.get(param) == value for param, value in wanted.items())]
    write: Callable[[Any, Column], str] = lambda line, column: line.cells[column.key].text  # noqa: E731
    found = lists.listed(view, columns, fitting, sort=sort, write=write)  # type: ignore[arg-type]
    if view.get("export"):
        rows = found.all_rows
        return lists.exported(view, columns, rows, name=f"{name}-{lists.stamp(reader.now)}", write=write)
    return List(
        columns=columns,
        rows=found.rows,  # type: ignore[arg-type]
        total=found.total,
        sort=sort,
        label=label,
        choices=[(param, title, options) for param, (title, options) in choices.items()],
        active=_active(reader, choices),
        any_at_all=bool(lines),
    )


def _active(reader: Reader, choices: Choices) -> list[tuple[str, str, str]]:
    _, view = reader.context.gettext, reader.view
    active = []
    if view.get("q"):
        active.append(("q", view.get("q"), _("包含：%(q)s", q=view.get("q"))))
    for param, (title, options) in choices.items():
        value = view.get(param)
        if value:
            active.append((param, value, f"{title}{_('：')}{dict(options).get(value, value)}"))
    return active


def show(reader: Reader, template: str, *, status: int = 200, **values: Any) -> Response:
    """The template; besides what every page knows it has `state`, `called`, `who` and `cell_of`."""
    names = people.names(reader.session)
    return page(
        reader.request,
        reader.context,
        template,
        status=status,
        reader=reader,
        state=partial(_words.badge, reader.context),
        called=partial(_words.name, reader.context),
        who=lambda id: _name(reader, names, id),
        moment_of=lambda text: datetime.fromisoformat(text) if text else None,
        **values,
    )


def who(reader: Reader) -> Callable[[str], str]:
    """Names by person's id; the platform itself is called so."""
    names = people.names(reader.session)
    return lambda id: _name(reader, names, id)


def _name(reader: Reader, names: Mapping[str, str], id: str) -> str:
    if id.startswith("system:"):
        return reader.context.gettext("系统")
    return names.get(id, id or i18n.NOT_MEASURED)


def refused(reader: Reader, permission: str, check: Callable[[], object] | None = None) -> str:
    """Why a button is off: the right that is missing, or what `check` raises; empty when it may be pressed."""
    missing = reader.refusal(permission)
    if missing or check is None:
        return missing
    try:
        check()
    except GnomonError as error:
        return _words.reason(reader.context, error)
    return ""


# ---------------------------------------------------------------- cells


def link(text: str, url: str, *, code: bool = False) -> Cell:
    return Cell(text, url=url, code=code)


def status(reader: Reader, kind: str, state: str, *, param: str = "") -> Cell:
    """A badge; with `param` it narrows the list."""
    tone, word = _words.badge(reader.context, kind, state)
    return Cell(word, tone=tone, by=(param, state) if param else None)


def number(reader: Reader, value: float | None, *, digits: int = 0) -> Cell:
    return Cell(i18n.number(value, reader.context.locale, digits=digits), value)


def share(reader: Reader, value: float | None, *, digits: int = 1) -> Cell:
    return Cell(i18n.percent(value, reader.context.locale, digits=digits), value)


def moment(reader: Reader, at: datetime | None, *, seconds: bool = False) -> Cell:
    text = i18n.moment(at, reader.context.locale, zone=reader.context.zone, seconds=seconds)
    return Cell(text, at.timestamp() if at else None)


def day(reader: Reader, at: date | None) -> Cell:
    return Cell(i18n.day(at, reader.context.locale), at)


def span(reader: Reader, value: timedelta | None) -> Cell:
    return Cell(i18n.duration(value, reader.context.locale), value.total_seconds() if value is not None else None)
