"""TLS towards callers: certificates are taken in anew while connections go on.

The context that listens hands every handshake to the newest good one, so a connection keeps what it began with. A bad
pair of files changes nothing and is loud. Sources: RFC 9325 (nothing below TLS 1.2, no compression, no renegotiation).
"""

import os
import ssl
from pathlib import Path

from gnomon.kit import log
from gnomon.kit.errors import BadInput

_log = log.get(__name__)


class Certificates:
    """`context` is for the listener. Raises BadInput where the files cannot be used at the start."""

    def __init__(self, cert: Path, key: Path) -> None:
        self.problem = ""
        self._cert = cert
        self._key = key
        self._seen = self._stamp()
        try:
            self._newest = _context(cert, key)
        except (OSError, ValueError) as error:
            raise BadInput(
                f"{cert} and {key} are no certificate with its key: {error}",
                next_step="Give PEM files that belong together, the chain after the certificate.",
            ) from error
        self.context = _context(cert, key)
        self.context.sni_callback = self._hand_over

    def follow(self) -> None:
        """Take in what has changed on the disk; called about once a second."""
        if self._stamp() != self._seen:
            self.reload()

    def reload(self) -> None:
        self._seen = self._stamp()
        try:
            self._newest = _context(self._cert, self._key)
        except (OSError, ValueError) as error:
            self.problem = str(error)
            _log.error("certificate_refused", path=str(self._cert), why=self.problem)
        else:
            self.problem = ""
            _log.info("certificate_taken", path=str(self._cert))

    def _hand_over(self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, first: ssl.SSLContext) -> None:
        """Called in every handshake, with or without a name."""
        connection.context = self._newest

    def _stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        return _stat(self._cert), _stat(self._key)


def _context(cert: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(cert, key)
    return context


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
