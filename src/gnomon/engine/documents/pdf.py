"""The same document as HTML and PDF: contents with page numbers, repeated heads, fonts embedded."""

import base64
from datetime import UTC
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from gnomon.engine.charts import png
from gnomon.engine.documents.flow import Drawing, flow, headings
from gnomon.engine.documents.layout import FALLBACKS, Face, layout
from gnomon.engine.documents.model import Document
from gnomon.engine.documents.text import legal
from gnomon.engine.documents.words import words


def to_html(document: Document) -> str:
    """One page of HTML with its style and pictures inside; nothing is loaded from anywhere."""
    pieces = flow(document)
    return (
        _environment()
        .get_template("paper.html")
        .render(
            document=document,
            sha256=document.content_sha256,
            made_at=document.made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            pieces=pieces,
            listed=headings(pieces),
            layout=layout(document.locale),
            words=words(document.locale),
        )
    )


def to_pdf(document: Document) -> bytes:
    """`document` as PDF 1.7, tagged, with subsets of its fonts inside. The same document gives the same bytes."""
    from weasyprint import HTML  # slow to load (its C libraries); only who makes a PDF pays
    from weasyprint.urls import URLFetcher

    # Texts that people typed must never make the server fetch anything: only pictures that stand in the page itself.
    inside = URLFetcher(allowed_protocols=["data"], fail_on_errors=True)
    made: bytes = HTML(string=to_html(document), url_fetcher=inside).write_pdf(pdf_tags=True)
    return made


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gnomon", "templates/documents"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: legal(value) if type(value) is str else value,
    )
    environment.filters |= {"picture": _picture, "family": _family}
    environment.tests["kind"] = lambda piece, name: type(piece).__name__ == name
    return environment


def _picture(piece: Drawing) -> str:
    return "data:image/png;base64," + base64.b64encode(png(piece.figure.chart, 640)).decode()


def _family(face: Face) -> str:
    """CSS family list: the named fonts, then the open ones that stand in for them."""
    names = (face.latin, FALLBACKS[face.latin], face.cjk, FALLBACKS[face.cjk])
    return ", ".join(f'"{name}"' for name in names)
