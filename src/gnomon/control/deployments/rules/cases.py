"""The functional test: normal cases that cover every label, boundary cases, and when an answer is a good one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Expect = Literal["answer", "refusal", "either"]


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what may come back: an answer, a clean refusal (4xx with an error object), or either."""

    id: str
    kind: Literal["normal", "boundary"]
    covers: str
    body: dict[str, Any]
    expect: Expect


def tests_problems(tests: Mapping[str, Any]) -> list[str]:
    """What keeps the test from being run: no normal case, a label that none covers, a prompt without its place."""
    normal: Sequence[Mapping[str, Any]] = tests.get("normal", [])
    problems = [] if normal else ["tests.normal: empty"]
    covered = {case.get("covers", "") for case in normal}
    problems += [f"tests.normal: no case covers {label}" for label in tests.get("labels", []) if label not in covered]
    if "{text}" not in tests.get("prompt", ""):
        problems.append("tests.prompt: {text} is missing")
    return problems


def cases(tests: Mapping[str, Any], *, model: str) -> list[Case]:
    """All cases, normal ones first. `model` is `name@target`."""

    def ask(text: Any) -> dict[str, Any]:
        prompt = str(tests["prompt"]).replace("{text}", text)
        return body([{"role": "user", "content": prompt}])

    def body(messages: Any) -> dict[str, Any]:
        return {"max_tokens": 16, "temperature": 0, **tests.get("request", {}), "model": model, "messages": messages}

    normal = [
        Case(f"normal-{place + 1}", "normal", case.get("covers", ""), ask(case["text"]), "answer")
        for place, case in enumerate(tests["normal"])
    ]
    example = str(tests["normal"][0]["text"])
    long = (example * (int(tests["long_characters"]) // len(example) + 1))[: int(tests["long_characters"])]
    texts: list[tuple[str, str, Expect]] = [
        ("empty", "", "either"),
        ("blank", " \t\n\u3000", "either"),
        ("one_character", "好", "answer"),
        ("mixed_language", f"{example} it was, honestly, très bien とても良い 👍", "answer"),
        (
            "special_characters",
            "\u200b\u202e\u0007\u2603\U0001f937 \\ \" ' ; -- %00 {{7*7}} <script>alert(1)</script>",
            "answer",
        ),
        ("very_long", long, "either"),
    ]
    shapes: list[tuple[str, Any]] = [
        ("wrong_type_content", [{"role": "user", "content": 12345}]),
        ("wrong_type_messages", example),
        ("no_messages", []),
    ]
    boundary = [Case(f"boundary-{name}", "boundary", name, ask(text), expect) for name, text, expect in texts]
    boundary += [Case(f"boundary-{name}", "boundary", name, body(shape), "refusal") for name, shape in shapes]
    return normal + boundary


def judge_case(case: Case, *, status: int, reply: Any, labels: Sequence[str]) -> str:
    """What is wrong with the answer; "" when nothing is. `reply` is the decoded body, None when it was not JSON."""
    if status >= 500 or status < 200:
        return f"status {status}"
    if status == 200:
        return "an answer where a refusal was due" if case.expect == "refusal" else _answer_problem(reply, labels)
    if not 400 <= status < 500:
        return f"status {status}"
    if case.expect == "answer":
        return f"refused with status {status}"
    error = reply.get("error") if isinstance(reply, dict) else None
    clean = isinstance(error, dict) and isinstance(error.get("message"), str) and error["message"]
    return "" if clean else f"status {status} without an error object"


def _answer_problem(reply: Any, labels: Sequence[str]) -> str:
    try:
        content = reply["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return "an answer without choices"
    if not isinstance(content, str) or not content.strip():
        return "an empty answer"
    return "an answer that is none of the labels" if labels and content.strip() not in labels else ""
