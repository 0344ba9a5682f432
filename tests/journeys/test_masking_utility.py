"""What masking costs a model's answers is measured on a running installation, from the command line to the board."""

import re
from typing import Any

import pytest

from tests.fakes.upstream import Script
from tests.journeys.installation import MODEL, Installation, gnomon

pytestmark = pytest.mark.journey
LABELS = ("正面", "负面")


def row(number: int) -> dict[str, str]:
    return {"id": f"j-{number:03}", "text": f"第{number}条，回电1381234{number:04}", "label": LABELS[number % 2]}


def answered(_path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Nine of ten right, whatever stands for the number."""
    number = int(body["messages"][0]["content"].split("第")[1].split("条")[0])
    label = LABELS[number % 2 if number % 10 else 1 - number % 2]
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": label}}
    return 200, {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]}


def test_a_suite_is_asked_as_it_is_and_masked_and_the_control_turns_green(house: Installation) -> None:
    house.upstream.script = Script(respond=answered)
    with house.as_("lin") as lin:
        recipe = {"id": "journey/1", "prompt_template": "评论：{text}\n情感：", "choices": list(LABELS)}
        suite = {"name": "journey-masking", "recipe": recipe, "source": "made for this test", "licence": "Apache-2.0"}
        made = lin.post("/api/v1/evaluation/suites", suite | {"rows": [row(number) for number in range(160)]})
        token = lin.token
    told = gnomon(house.settings, "evaluate", "masking", made["id"], MODEL, GNOMON_TOKEN=token)
    assert told.returncode == 0, told.stderr
    id, chinese, english = told.stdout.splitlines()
    assert chinese.startswith("脱敏后得分保持达标：准确率原文 90.0%，脱敏后 90.0%，保持 100.0%")
    assert "160 of them changed by masking; 0 fixed, 0 broken" in english
    assert gnomon(house.settings, "evaluate", "verify", id, GNOMON_TOKEN=token).returncode == 0
    with house.as_("lin") as lin:
        trial = lin.get(f"/api/v1/evaluation/masking-trials/{id}")
        control = next(one for one in lin.get("/api/v1/controls") if one["id"] == "CTL-masking-utility")
        look = lin.get(f"/api/v1/evaluation/suites/{made['id']}")["looks"]
    assert (trial["verdict"], trial["counts"], look) == ("met", {"CN_MOBILE": 160}, 1)
    assert control["state"] == "met"
    prompts = [body["messages"][0]["content"] for _, body, _ in house.upstream.requests if "messages" in body]
    nobodys = re.compile(r"回电(14[23]|154)\d{8}\b")
    assert (
        sum("1381234" in prompt for prompt in prompts) == sum(bool(nobodys.search(prompt)) for prompt in prompts) == 160
    )
