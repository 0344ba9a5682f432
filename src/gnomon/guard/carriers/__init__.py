"""What carries text: lines, JSON, tables, office documents. Bytes or values in, the same shape out; no files here.

Each takes an `Apply`, which says what becomes of a text in a field, and so masks, restores or only looks.
"""

from collections.abc import Callable

from gnomon.contract.verdicts import Masked
from gnomon.kit.errors import BadInput

Apply = Callable[[str, str], Masked]
"""(text, name of its field or "") → what stands for it."""


class UnreadableDocument(BadInput):
    code = "unreadable_document"
