"""A gateway that answers in process, a suite for it, and a published policy with two targets."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from gnomon.control.evaluation.schemas import NewSuite
from gnomon.control.publishing.tables import Publication
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY

RECIPE = {"id": "reviews-zh/1", "prompt_template": "评论：{text}\n情感：", "choices": ["正面", "负面"]}
MARK = "绝密评论原文"  # stands in every test text; must be found in no stored byte


def row(number: int) -> dict[str, Any]:
    label = "正面" if number % 2 else "负面"
    return {"id": f"i-{number:03d}", "text": f"{MARK}第{number}条，{label}", "label": label, "topic": "酒店"}


def new_suite(n: int = 60, **changes: Any) -> NewSuite:
    given: dict[str, Any] = {
        "name": "reviews",
        "recipe": RECIPE,
        "positive": "正面",
        "source": "made for this test",
        "licence": "Apache-2.0",
        "rows": [row(number) for number in range(n)],
    }
    return NewSuite(**(given | changes))


@dataclass
class FakeGateway:
    """Answers like an OpenAI-compatible server; `is_right` says which items of which model it gets right."""

    is_right: Callable[[str, int], bool] = lambda model, number: True
    die_after: int = 10**9
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        prompt = body["messages"][0]["content"]
        number = int(prompt.split("第")[1].split("条")[0])
        if len(self.asked) >= self.die_after:
            return httpx.Response(401, json={"error": {"message": "key revoked", "code": "unauthorised"}})
        self.asked.append((body["model"], number))
        right = "正面" if number % 2 else "负面"
        wrong = "负面" if number % 2 else "正面"
        said = right if self.is_right(body["model"], number) else wrong
        other = "负面" if said == "正面" else "正面"
        sure = 0.9 - (number % 7) / 20
        tops = [{"token": said, "logprob": math.log(sure)}, {"token": other, "logprob": math.log(1 - sure)}]
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": said},
            "logprobs": {"content": [{"token": said, "logprob": tops[0]["logprob"], "top_logprobs": tops}]},
        }
        return httpx.Response(200, json={"choices": [choice]}, headers={"x-request-id": f"req-{number}"})


def publish(platform: Platform, *, serial: int = 7, candidate: str = "version_lora") -> None:
    """The policy in force: t_base has the traffic, t_lora (the candidate) waits at weight 0."""
    payload = {
        "upstreams": [{"id": "server_1", "url": "http://127.0.0.1:1/v1"}],
        "routes": [
            {
                "model": "reviews-zh",
                "mask_policy": "default",
                "targets": [
                    {"id": "t_base", "upstream": "server_1", "model": "base", "weight": 1.0, "version": "version_base"},
                    {"id": "t_lora", "upstream": "server_1", "model": "lora", "weight": 0.0, "version": candidate},
                ],
            }
        ],
        "mask_policies": [{"id": "default", "version": "1"}],
    }
    with platform.database.session() as session:
        session.add(
            Publication(
                id=f"publication_{serial}",
                part="policy",
                epoch=1,
                serial=serial,
                payload=payload,
                sha256="0" * 64,
                at=MONDAY,
                by="t",
            )
        )
        session.commit()
