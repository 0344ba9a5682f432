"""What a model server says it counted.

Apart from who asks, because msgspec reads annotations, and mypyc leaves none of them (`native/modules.py`).
"""

from typing import Any

import msgspec


class Usage(msgspec.Struct):
    """Unchecked: a model server may write anything."""

    prompt_tokens: Any = 0
    completion_tokens: Any = 0


class Reply(msgspec.Struct):
    usage: Usage | None = None


reply = msgspec.json.Decoder(Reply).decode
"""Of an answer's bytes only this; raises what msgspec raises where they are no JSON object."""
