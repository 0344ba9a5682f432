"""Search over the registers; the command palette reads the same page."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from gnomon.console.lookup import SHORTEST, look_up
from gnomon.console.reader import ReaderDep

router = APIRouter(include_in_schema=False)
LONGEST = 200  # characters


@router.get("/search")
def search(reader: ReaderDep) -> HTMLResponse:
    """What the person may see of what was asked for."""
    text = reader.view.get("q").strip()[:LONGEST]
    return reader.page("search.html", text=text, found=look_up(reader, text), shortest=SHORTEST)
