"""Complete papers, and a network in this process: a model server, and a gateway that obeys the stored routes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from gnomon.control.deployments import queries
from gnomon.control.deployments.rules import SECTIONS
from gnomon.kit.work import Platform
from tests.fakes.installation import PINNED

LABELS = ["正面", "负面"]
REQUIREMENTS: dict[str, Any] = {
    "sections": dict.fromkeys(SECTIONS, "见附件") | {"task_type": "classification"},
    "items": [{"id": "R-1", "text": "区分正负面", "criterion": "准确率不低于 0.75", "tests": ["suite:reviews"]}],
}
PLAN: dict[str, Any] = {
    "start": "2026-03-02T00:00:00+00:00",
    "end": "2026-03-03T00:00:00+00:00",
    "executor": "wei",
    "steps": [
        {
            "title": "安装",
            "owner": "wei",
            "start": "2026-03-02T01:00:00+00:00",
            "end": "2026-03-02T02:00:00+00:00",
            "verification": "模型应答",
        }
    ],
    "resources": [{"name": "CPU", "amount": "2"}],
    "rollback": {"trigger": "错误率超过 5%", "decider": "lin", "steps": ["切回"], "limit_minutes": 15.0},
    "accepted_mismatches": [],
    "ready_within_s": 5.0,
}
TESTS: dict[str, Any] = {
    "labels": LABELS,
    "prompt": "评论：{text}\n情感：",
    "normal": [
        {"text": f"{word}{n}", "covers": label} for n in range(3) for word, label in zip("好差", LABELS, strict=True)
    ],
    "request": {},
    "long_characters": 1000,
    "timeout_s": 5.0,
}
ENVIRONMENT = {"os": "Linux", "python": "3.11", "cpu_cores": 1, "packages": PINNED}


@dataclass
class FakeNetwork:
    """Answers as model servers and gateway would; the knobs break one thing at a time."""

    platform: Platform | None = None
    policy: str = "1.1"
    answer: str = "正面"
    crash_on: str = ""  # texts that hold this are answered with a 500
    down: bool = False
    refuse_adapter: bool = False
    served: set[str] = field(default_factory=set)  # names that the model server lists
    asked: list[dict[str, Any]] = field(default_factory=list)
    on_readyz: Callable[[], object] = lambda: None

    def client(self, **kwargs: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer), **kwargs)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("refused", request=request)
        body = json.loads(request.content) if request.content else {}
        match request.url.path:
            case "/readyz":
                self.on_readyz()
                return httpx.Response(200, json={"ready": True, "policy": self.policy})
            case "/v1/models":
                return httpx.Response(200, json={"data": [{"id": name} for name in sorted(self.served)]})
            case "/v1/load_lora_adapter" if self.refuse_adapter:
                return httpx.Response(400, json={"error": {"message": "does not fit"}})
            case "/v1/load_lora_adapter":
                self.served.add(body["lora_name"])
                return httpx.Response(200, text="ok")
        return self._chat(body, through_gateway=request.url.port == 8421)

    def _chat(self, body: dict[str, Any], *, through_gateway: bool) -> httpx.Response:
        self.asked.append(body)
        if through_gateway and body["model"] not in self._names():
            return httpx.Response(404, json={"error": {"message": "no such model", "code": "model_not_found"}})
        messages = body["messages"]
        if not isinstance(messages, list) or not messages or not isinstance(messages[0]["content"], str):
            return httpx.Response(400, json={"error": {"message": "wrong type"}})
        if self.crash_on and self.crash_on in messages[0]["content"]:
            return httpx.Response(500, json={"error": {"message": "boom"}})
        return httpx.Response(200, json={"choices": [{"message": {"content": self.answer}}]})

    def _names(self) -> set[str]:
        assert self.platform is not None
        with self.platform.read() as session:
            return {f"{route.model}@{target.id}" for route in queries.routes(session) for target in route.targets}
