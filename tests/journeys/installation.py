"""A real installation in a temporary home: `gnomon up` as its own process, people, keys and a route that is live."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from gnomon.app.supervisor import status
from gnomon.backends.records_client import CollectorDown, RecordsClient
from gnomon.cli.client import Client
from gnomon.cli.demo import cast
from gnomon.cli.demo.keeper import Keeper
from gnomon.kit.settings import Settings
from tests.fakes.upstream import Upstream

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
MODEL = "journey-chat"
CALLERS = {"desk": "business", "shop": "business", "lab": "technical"}
ROLES = ("collector", "control", "worker", "gateway-1")


def until(what: str, look: Callable[[], T], *, within_s: float = 30.0) -> T:
    """What `look` returns as soon as it is true."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {within_s:.0f} s"
        time.sleep(0.05)
    return found


def free_ports(n: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [door.getsockname()[1] for door in doors]
    for door in doors:
        door.close()
    return ports


def short_home() -> Path:
    """A new folder with a short path: the paths of Unix sockets are limited."""
    return Path(tempfile.mkdtemp(prefix="gnj-", dir="/tmp"))


def environment(settings: Settings) -> dict[str, str]:
    return {
        "GNOMON_HOME": str(settings.home),
        "GNOMON_CONTROL_PORT": str(settings.control_port),
        "GNOMON_GATEWAY_PORT": str(settings.gateway_port),
    }


def gnomon(settings: Settings, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run one verb of the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "gnomon.cli.main", *arguments],
        env=os.environ | environment(settings) | extra,
        cwd=settings.home.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def processes_of(home: Path) -> list[psutil.Process]:
    """Whatever runs for this home and is not the test itself."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("GNOMON_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


@dataclass
class Installation:
    """Use with `with`: everything has ended afterwards, and the home is gone."""

    upstream: Upstream
    home: Path = field(default_factory=short_home)
    tokens: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    key_ids: dict[str, str] = field(default_factory=dict)
    version: str = ""

    def __post_init__(self) -> None:
        control, gateway = free_ports(2)
        self.settings = Settings(home=self.home, control_port=control, gateway_port=gateway)
        self.keeper = Keeper(self.settings, environment(self.settings))
        self.records = RecordsClient(self.home)

    def __enter__(self) -> "Installation":
        try:
            self.keeper.start()
            self._hire()
            self._open_route()
            for caller, team in CALLERS.items():
                self.issue(caller, team)
            until("the gateway knows route and keys", self.serves)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.keeper.stop()
        left = processes_of(self.home)
        for process in left:
            process.kill()
        shutil.rmtree(self.home, ignore_errors=True)
        assert not left, f"left running: {[process.cmdline() for process in left]}"

    # ---------------------------------------------------------------- people, route, keys

    def as_(self, login: str) -> Client:
        return Client(self.settings.control_url, token=self.tokens[login])

    def _hire(self) -> None:
        """Two administrators by the one-time links, the others by invitation."""
        self.passwords: dict[str, str] = {}

        def keep(name: str, password: str, _token: str) -> None:
            self.passwords[cast.login_of(name)] = password

        hired = cast.hire(
            self.settings.control_url, self.keeper.first_links, lambda _what, do: do(), hired=keep, tokens={}
        )
        self.tokens, self.people = hired.tokens, hired.people

    def _open_route(self) -> None:
        """Model and version through the API; the live route by `seed_route`: no model server of ours is behind it."""
        with self.as_("wei") as wei:
            model = {"name": MODEL, "title": "旅程", "task": "classification", "owner_id": self.people["lin"]}
            wei.post("/api/v1/models", model)
            version = {"label": "base-1", "source": "a fake", "licence": "none"}
            self.version = wei.post(f"/api/v1/models/{MODEL}/versions", version)["id"]
        subprocess.run(
            [sys.executable, "-m", "tests.journeys.seed_route", self.upstream.url, MODEL, self.version],
            env=os.environ | environment(self.settings),
            cwd=ROOT,
            check=True,
            timeout=60,
        )

    def issue(self, caller: str, team: str = "business", **limits: Any) -> str:
        """The secret of a new key for `caller`, issued through the API by the security administrator."""
        with self.as_("qi") as qi:
            answer = qi.post("/api/v1/keys", {"caller": caller, "team": team, "models": [MODEL]} | limits)
        self.keys[caller], self.key_ids[caller] = answer["secret"], answer["id"]
        until(f"the gateway has the key of {caller}", lambda: self.has_roster(with_key=answer["id"]))
        return str(answer["secret"])

    def revoke(self, caller: str) -> None:
        """The gateway refuses the key from now on."""
        with self.as_("qi") as qi:
            qi.post(f"/api/v1/keys/{self.key_ids[caller]}/revoke", {"reason": "journey"})
        until(f"the gateway lacks the key of {caller}", lambda: self.has_roster(without_key=self.key_ids[caller]))

    # ---------------------------------------------------------------- requests

    def client(self, caller: str = "desk", *, key: str | None = None, address: str = "127.0.0.1") -> httpx.Client:
        """A caller of the gateway, from `address`."""
        return httpx.Client(
            base_url=self.settings.gateway_url,
            headers={"authorization": f"Bearer {self.keys[caller] if key is None else key}"},
            transport=httpx.HTTPTransport(local_address=address),
            timeout=20,
        )

    def knows(self, caller: str) -> bool:
        """Whether the gateway lets this caller in."""
        try:
            with self.client(caller) as http:
                answer = http.get("/v1/models")
        except httpx.TransportError:
            return False
        return answer.is_success and MODEL in {model["id"] for model in answer.json()["data"]}

    def serves(self) -> bool:
        return all(self.knows(caller) for caller in CALLERS)

    # ---------------------------------------------------------------- what is stored

    def stored(self, ids: Iterable[str], *, within_s: float = 30.0) -> dict[str, dict[str, Any]]:
        """The stored record of each id; fails when one is not there in time."""
        return {id: until(f"the record of {id}", lambda id=id: self.record(id), within_s=within_s) for id in ids}

    def record(self, id: str) -> dict[str, Any] | None:
        try:
            rows = self.records.query("record", id=id)
        except CollectorDown:
            return None
        return rows[0] if rows else None

    # ---------------------------------------------------------------- processes

    def roles(self) -> dict[str, int]:
        """The process id of each role that runs, and of the supervisor as `up`."""
        told = status(self.home)
        if not told:
            return {}
        return {"up": told["pid"]} | {name: role["pid"] for name, role in told["roles"].items() if role["pid"]}

    def is_whole(self) -> bool:
        """Every role runs, console, gateway and collector answer."""
        if not set(ROLES) < set(self.roles()):
            return False
        try:
            console = httpx.get(f"{self.settings.control_url}/livez", timeout=2).is_success
        except httpx.TransportError:
            return False
        return console and self.serves() and self.records.is_alive()

    def has_roster(self, *, with_key: str = "", without_key: str = "") -> bool:
        """Whether the gateway serves by the published roster, and that one is as asked.

        Asking with the key itself would be a guess for as long as it is not known, and enough guesses are a ban.
        """
        roster = self.roster()
        keys = {key["id"] for key in roster["keys"]}
        if without_key in keys or (with_key and with_key not in keys):
            return False
        served = httpx.get(f"{self.settings.gateway_url}/readyz", timeout=2).json()["roster"]
        return bool(served == f"{roster['epoch']}.{roster['serial']}")

    def roster(self) -> dict[str, Any]:
        """The roster as the gateways read it."""
        payload: dict[str, Any] = json.loads((self.home / "bundle" / "roster.json").read_text())["payload"]
        return payload


def question(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **fields}
