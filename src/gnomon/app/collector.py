"""The collector as a process: `python -m gnomon.app.collector --home DIR`.

It alone opens the traffic database. One thread carries the spools into it; others answer named queries on the Unix
socket `run/collector.sock`: POST /query {"name", "params"} → {"rows", "as_of"}, POST /drop-content {"before"} →
{"dropped"}, POST /erase-persons {"tokens"} → what went, GET /livez.
"""

import argparse
import contextlib
import os
import signal
import socketserver
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Annotated, Any

import msgspec

from gnomon.app import process
from gnomon.app.watching import WatchedStore
from gnomon.backends.records_duckdb import RecordsDuckDB
from gnomon.backends.records_erasing import without_lines
from gnomon.backends.records_spool import SpoolReader
from gnomon.backends.unix_socket import address
from gnomon.kit import log
from gnomon.kit.errors import BadInput, GnomonError, NotFound

_log = log.get(__name__)
_SWEEP_S = 0.25
_MAX_QUESTION_BYTES = 65_536
_RETRY_S = 2.0


class _Question(msgspec.Struct):
    name: str
    params: dict[str, Any] = {}


class _Age(msgspec.Struct):
    before: float


class _Persons(msgspec.Struct):
    tokens: Annotated[list[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]], msgspec.Meta(min_length=1)]


class Collector:
    """`run` until `stop`: spools in, answers out."""

    def __init__(self, home: Path) -> None:
        self.store = RecordsDuckDB(home / "records" / "traffic.duckdb")
        self.as_of = 0.0
        self.problem = ""
        self._watched = WatchedStore(self.store, now=time.time())
        self._reader = SpoolReader(home / "spool", self._watched)
        self._stop = threading.Event()
        self._socket = home / "run" / "collector.sock"

    def run(self) -> None:
        """Serves until `stop` is called by a thread or a signal; then a last sweep, and the database closes."""
        self._socket.parent.mkdir(parents=True, exist_ok=True)
        self._socket.unlink(missing_ok=True)  # of a collector that died: the database's lock says that none lives
        with address(self._socket) as short:
            door = _Door(short, self)
        with door:
            os.chmod(self._socket, 0o600)
            answering = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.1}, name="answers")
            answering.start()
            _log.info("collector_started", socket=str(self._socket))
            try:
                self._sweep_until_stopped()
            finally:
                door.shutdown()
                answering.join()
        self._socket.unlink(missing_ok=True)
        self.store.close()
        _log.info("collector_stopped", stored=self._reader.stored)

    def stop(self) -> None:
        self._stop.set()

    def answer(self, raw: bytes) -> dict[str, Any]:
        """Raises BadInput or NotFound."""
        try:
            asked = msgspec.json.decode(raw, type=_Question)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"The question is not readable: {error}", next_step='Send {"name", "params"}.') from error
        as_of = self.as_of  # read first: the rows hold at least what was stored by then
        try:
            return {"rows": self.store.query(asked.name, asked.params), "as_of": as_of}
        except KeyError as error:
            raise NotFound(f"There is no query {asked.name!r}.", next_step="See backends/records_queries.") from error

    def drop_content(self, raw: bytes) -> dict[str, Any]:
        """Raises BadInput."""
        try:
            before = msgspec.json.decode(raw, type=_Age).before
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"The question is not readable: {error}", next_step='Send {"before"}.') from error
        dropped = self.store.drop_content(before)
        _log.info("content_dropped", before=before, dropped=dropped)
        return {"dropped": dropped}

    def drop_quarantine(self, raw: bytes) -> dict[str, Any]:
        """Raises BadInput."""
        try:
            before = msgspec.json.decode(raw, type=_Age).before
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"The question is not readable: {error}", next_step='Send {"before"}.') from error
        dropped = self._reader.quarantine.drop(before)
        _log.info("quarantine_dropped", before=before, dropped=dropped)
        return {"dropped": dropped}

    def erase_persons(self, raw: bytes) -> dict[str, Any]:
        """Raises BadInput. Lines in quarantine go too; lines in spools do once they are stored: ask when they are."""
        try:
            tokens = msgspec.json.decode(raw, type=_Persons).tokens
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"The question is not readable: {error}", next_step='Send {"tokens"}.') from error
        gone = self.store.erase_persons(tokens) | {"quarantined": without_lines(self._reader.quarantine.folder, tokens)}
        _log.info("persons_erased", persons=len(tokens), **gone)
        return gone

    def health(self) -> dict[str, Any]:
        """How far behind it is and what stands in its way; `quarantined` counts since the start."""
        return {
            "as_of": self.as_of,
            "lag_s": round(time.time() - self.as_of, 3),
            "problem": self.problem,
            "quarantined": self._reader.quarantined,
            "quarantine": self._reader.quarantine.kept()._asdict(),
            "defence": self._watched.health(),
        }

    def _sweep_until_stopped(self) -> None:
        while True:
            last = self._stop.is_set()
            wait = _SWEEP_S
            try:
                self.as_of = self._reader.sweep()
                self.problem = ""
            except Exception as error:  # noqa: BLE001 - a full disk must not end the collector: spools keep the records
                self.problem = str(error)
                _log.error("sweep_failed", why=str(error))
                wait = _RETRY_S
            if last:
                return
            self._stop.wait(wait)


class _Door(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, collector: Collector) -> None:
        super().__init__(path, _Handler)
        self.collector = collector


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    server: _Door

    def do_GET(self) -> None:
        if self.path != "/livez":
            self._send(404, {"code": "not_found", "message": f"There is no {self.path!r} here."})
            return
        collector = self.server.collector
        self._send(200, collector.health())

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        collector = self.server.collector
        answers = {
            "/query": collector.answer,
            "/drop-content": collector.drop_content,
            "/drop-quarantine": collector.drop_quarantine,
            "/erase-persons": collector.erase_persons,
        }
        answer = answers.get(self.path)
        if answer is None or not 0 < length <= _MAX_QUESTION_BYTES:
            self.close_connection = True
            self._send(400, {"code": "bad_input", "message": f"POST {', '.join(answers)} with a small body."})
            return
        try:
            self._send(200, answer(self.rfile.read(length)))
        except GnomonError as error:
            self._send(error.status, error.as_dict())
        except Exception as error:  # noqa: BLE001 - the edge: the asker is told, the log has it whole
            _log.exception("query_failed")
            self._send(500, {"code": "error", "message": type(error).__name__})

    def log_message(self, format: str, *args: Any) -> None:
        pass  # questions are not worth a line each

    def address_string(self) -> str:
        return "local"

    def _send(self, status: int, value: Any) -> None:
        body = msgspec.json.encode(value)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 after an orderly stop, 2 when it could not start."""
    parser = argparse.ArgumentParser(prog="gnomon.app.collector", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args(argv)
    process.begin("collector", home=options.home)
    try:
        collector = Collector(options.home)
    except (GnomonError, OSError) as error:
        _log.error("collector_not_started", why=str(error))
        return 2
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, lambda *_: collector.stop())
    collector.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
