"""Stored facts in the reader's words."""

from types import SimpleNamespace
from typing import Any

import pytest

from gnomon.console.facts import tree


@pytest.mark.parametrize(("locale", "text"), [("zh-CN", "限值"), ("en", "limit")])
def test_a_text_in_every_language_is_shown_in_the_readers(locale: str, text: str) -> None:
    reader: Any = SimpleNamespace(context=SimpleNamespace(locale=locale), label=lambda name: name)
    node = tree(reader, {"title": {"zh-CN": "限值", "en": "limit"}})
    assert [(name, one.text) for name, one in node.named] == [("title", text)]
