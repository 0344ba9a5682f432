"""How a page is looked at: at a wide and a narrow width, in both themes, by the rules of accessibility.

A page is opened once a language and then looked at in all ways, for opening it takes longer than looking.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

Theme = Literal["light", "dark"]
LOCALES: Final = ("zh-CN", "en")
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
WIDTHS: Final = (1280, 390)
_ALL_RULES: Final = {"resultTypes": ["violations"]}
# A theme changes colours alone (a test of the frame holds it to that), so only these rules can differ in the second.
_OF_COLOUR: Final = _ALL_RULES | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
# Of half a megabyte of results the violations alone are carried over.
_VIOLATIONS: Final = "rules => axe.run(rules).then(found => found.violations)"
_SMALL_TEXT: Final = """() => [...document.querySelectorAll("body *")].filter(el => el.checkVisibility() &&
  [...el.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && parseFloat(getComputedStyle(el).fontSize) < 12)
  .map(el => el.outerHTML.slice(0, 80))"""


def painted_ms(page: Page) -> float:
    """When the largest part of the page was seen, counted from when it was asked for."""
    page.wait_for_timeout(200)  # the observer tells with the next frame
    seen: float = page.evaluate("""() => new Promise(done => new PerformanceObserver(list =>
        done(list.getEntries().at(-1).startTime)).observe({type: "largest-contentful-paint", buffered: true}))""")
    return seen


def accessible(page: Page, *, rules: Mapping[str, Any] = _ALL_RULES) -> None:
    """Nobody meets a serious obstacle on the page as it is shown now."""
    if not page.evaluate("'axe' in window"):  # reading the script takes as long as many a look
        page.evaluate(AXE_SCRIPT)
    found = [
        (issue["id"], issue["impact"], [node["html"][:160] for node in issue["nodes"][:3]])
        for issue in page.evaluate(_VIOLATIONS, dict(rules))
        if issue["impact"] in ("serious", "critical")
    ]
    assert found == [], f"{page.url} at {page.viewport_size}"


def readable(page: Page, complaints: Sequence[str], *, themes: Sequence[Theme] = THEMES) -> None:
    """In every look nothing overflows, no text is small, nobody meets an obstacle, and the console stays quiet."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for number, theme in enumerate(themes):
            page.emulate_media(color_scheme=theme)
            where = f"{page.url} {theme} {width}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
            assert page.evaluate(_SMALL_TEXT) == [], where
            accessible(page, rules=_OF_COLOUR if number else _ALL_RULES)
            assert list(complaints) == [], where
