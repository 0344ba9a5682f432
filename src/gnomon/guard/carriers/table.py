"""Tables of separated values: the first row names the columns, which are the fields."""

import csv
from collections.abc import Iterable, Iterator

from gnomon.guard.carriers import Apply, UnreadableDocument

csv.field_size_limit(1 << 30)  # a cell may be as long as a document


def applied(lines: Iterable[str], apply: Apply, *, delimiter: str = ",") -> Iterator[list[str]]:
    """The rows, every cell replaced. Raises UnreadableDocument with the line that is no row."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    names: list[str] = []
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableDocument(
                f"Line {reader.line_num} is no row of a table: {error}.",
                next_step="Correct its quotes, or give the file as --text.",
            ) from error
        if not names:
            names = [cell.removeprefix("\ufeff") for cell in row]
            yield [apply(cell, "").text for cell in row]
            continue
        yield [apply(cell, names[at] if at < len(names) else "").text for at, cell in enumerate(row)]
