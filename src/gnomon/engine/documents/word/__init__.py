"""A document as a Word file, in real styles, that opens without repair and has the same bytes every time."""

from gnomon.engine.documents.model import Document

__all__ = ["to_docx"]


def to_docx(document: Document) -> bytes:
    """`document` as .docx. The same document gives the same bytes, so that their hash means something."""
    from gnomon.engine.documents.word import writer  # python-docx takes its time to load; only who makes one pays

    return writer.to_docx(document)
