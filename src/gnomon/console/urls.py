"""The URL is the view: filters, sort, page and columns live in the query string and nowhere else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

PAGE_SIZE = 25
_MAX_PAGE = 100_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list: `key` is its name in the URL, `num` aligns right, `wrap` lets long text break."""

    key: str
    label: str
    num: bool = False
    sort: bool = True
    wrap: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """An address taken apart, and the addresses one step away from it. Parameter order is kept."""

    path: str
    query: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, request: Request) -> Self:
        return cls(request.url.path, tuple(parse_qsl(request.url.query)))

    @property
    def url(self) -> str:
        return _join(self.path, self.query)

    def get(self, name: str, default: str = "") -> str:
        """The last value of a parameter, as the most specific one."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.query if key == name)

    def to(self, **changes: str | int | Iterable[str] | None) -> str:
        """This view with parameters replaced, None or "" dropping one; the page starts over unless it is given."""
        changed = {"page": None, **changes}
        kept = [(key, value) for key, value in self.query if key not in changed]
        for key, value in changed.items():
            values = [str(value)] if isinstance(value, str | int) else list(value or ())
            kept += [(key, one) for one in values if one]
        return _join(self.path, kept)

    def without(self, name: str, value: str) -> str:
        """This view with one value of one filter taken off, on its first page."""
        kept = [(k, v) for k, v in self.query if (k, v) != (name, value) and k != "page"]
        return _join(self.path, kept)

    def hidden(self, *names: str) -> list[tuple[str, str]]:
        """What a GET form must carry along: all parameters but `names` (its own fields) and the page."""
        return [(key, value) for key, value in self.query if key not in names and key != "page"]

    # ------------------------------------------------------------ sort, page, columns

    @property
    def page(self) -> int:
        """The page asked for, from 1; nonsense counts as the first."""
        text = self.get("page", "1")
        return min(max(int(text), 1), _MAX_PAGE) if text.isascii() and text.isdigit() and len(text) < 7 else 1

    def sort(self, allowed: Iterable[str], default: str) -> tuple[str, bool]:
        """(key, descending) of `sort=-key`; a key that is not allowed falls back to `default`."""
        text = self.get("sort", default)
        if text.lstrip("-") not in set(allowed):
            text = default
        return text.lstrip("-"), text.startswith("-")

    def sorted_by(self, key: str, default: str = "") -> str:
        """ARIA's word for how this column is sorted: ascending, descending or none."""
        text = self.get("sort", default)
        return "ascending" if text == key else "descending" if text == f"-{key}" else "none"

    def toggle(self, key: str, default: str = "") -> str:
        """The address that sorts by `key`, the other way round when it already does."""
        return self.to(sort=f"-{key}" if self.sorted_by(key, default) == "ascending" else key)

    def shown(self, columns: Sequence[Column]) -> list[Column]:
        """The columns that the URL names (`col=a&col=b`), in the table's own order; without one, those not hidden."""
        wanted = set(self.all("col"))
        chosen = [column for column in columns if column.key in wanted]
        return chosen or [column for column in columns if not column.hidden]


def _join(path: str, query: Iterable[tuple[str, str]]) -> str:
    text = urlencode(list(query))
    return f"{path}?{text}" if text else path


def pages(total: int, size: int = PAGE_SIZE) -> int:
    """How many pages `total` rows fill; an empty list has one."""
    return max(1, -(-total // size))


def page_numbers(current: int, last: int) -> list[int]:
    """The numbers a pager shows: both ends and the neighbourhood; 0 stands for a gap."""
    wanted = sorted({1, last, *range(max(1, current - 2), min(last, current + 2) + 1)})
    shown: list[int] = []
    for number in wanted:
        if shown and number - shown[-1] > 1:
            shown.append(0)
        shown.append(number)
    return shown


def is_local(target: str) -> bool:
    """Whether `target` is a path of this site: what a redirect after a form may follow."""
    return target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
