"""The events in the bytes of a stream: a line ends with LF, CR or CRLF, as its server likes, and is cut anywhere."""

from typing import Final

_LF: Final = 0x0A  # bytes are looked for as numbers: as bytes each look fails first, and is tried again
_CR: Final = 0x0D


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """Those that are whole, their lines ended by LF, and what the next bytes go on with.

    A CR at the end ends its line now, as an event must not wait; it is kept, for an LF that follows belongs to it.
    """
    is_half = False
    if _CR in data:
        is_half = data.endswith(b"\r")
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    blocks = data.split(b"\n\n")
    rest = blocks.pop()
    return blocks, rest[:-1] + b"\r" if is_half else rest


def payload(block: bytes) -> bytes:
    """The data of an event; nothing where it has none: a comment keeps the connection alive."""
    if block.startswith(b"data:") and _LF not in block:
        return block[5:].strip()
    return b"\n".join(line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:"))
