"""What reading a ZIP archive may raise where its bytes are damaged, or where it wants what is not here."""

import lzma
import zipfile
import zlib
from typing import Final

DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,  # of bzip2
    EOFError,
    RuntimeError,  # a password; as NotImplementedError a compression, a version or an encryption that zipfile lacks
    ValueError,  # a place before the first byte, or a name that is no UTF-8
)
