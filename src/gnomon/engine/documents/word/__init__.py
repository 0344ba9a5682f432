"""A document as a Word file, in real styles, that opens without repair and has the same bytes every time."""

from gnomon.engine.documents.word.writer import to_docx

__all__ = ["to_docx"]
