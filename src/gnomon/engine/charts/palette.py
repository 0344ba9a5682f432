"""The colours of the house, and what each class of a chart is painted with.

The page paints the same classes from `charts.css`; a test holds the two tables together. Contrast of every text to its
ground is at least 5.4:1; the series keep their distance in normal, protan, deutan and tritan vision.
"""

from typing import Final, Literal

Theme = Literal["light", "dark"]

TOKENS: Final[dict[Theme, dict[str, str]]] = {
    "light": {
        "card": "#ffffff",
        "ink": "#15232b",
        "ink-2": "#51626c",
        "rule": "#dbe2e6",
        "ok": "#00674f",
        "warn": "#7a4b00",
        "bad": "#a33100",
        "info": "#0a5794",
        "idle": "#51626c",
        "ok-bg": "#e0f3ec",
        "warn-bg": "#fdf0d5",
        "bad-bg": "#fde6dc",
        "info-bg": "#e1eef9",
        "idle-bg": "#e9eef0",
        "s1": "#0072b2",
        "s2": "#d55e00",
        "s3": "#7a2c6f",
        "s4": "#6b4f00",
        "s5": "#000000",
    },
    "dark": {
        "card": "#162128",
        "ink": "#e6edf0",
        "ink-2": "#a3b3bc",
        "rule": "#2b3a43",
        "ok": "#62d0ac",
        "warn": "#f2bd5c",
        "bad": "#ff9d73",
        "info": "#85c1f5",
        "idle": "#a3b3bc",
        "ok-bg": "#113529",
        "warn-bg": "#3a2a0a",
        "bad-bg": "#44200f",
        "info-bg": "#10304b",
        "idle-bg": "#24323a",
        "s1": "#56b4e9",
        "s2": "#f28e4b",
        "s3": "#ffffff",
        "s4": "#8fd3a8",
        "s5": "#a0b4c0",
    },
}

MAX_SERIES: Final = 5
DASHES: Final = ("", "7 3", "2 3", "10 3 2 3", "1 5")
TONES: Final = ("ok", "warn", "bad", "info", "idle")
MARKS: Final = {"ok": "✓", "warn": "▲", "bad": "■", "info": "●", "idle": "–"}

PAINT: Final[dict[str, dict[str, str]]] = {
    "t": {"fill": "ink"},
    "t2": {"fill": "ink-2"},
    "grid": {"stroke": "rule"},
    "axis": {"stroke": "ink-2"},
    "mark": {"stroke": "ink"},
    "target": {"stroke": "bad"},
    "target-t": {"fill": "bad"},
    "today": {"stroke": "info"},
    "today-t": {"fill": "info"},
    "link": {"stroke": "ink-2"},
    "track": {"fill": "idle-bg"},
    **{f"k{i}": {"stroke": f"s{i}"} for i in range(1, MAX_SERIES + 1)},
    **{f"f{i}": {"fill": f"s{i}"} for i in range(1, MAX_SERIES + 1)},
    **{f"q{i}": {"fill": f"s{i}", "stroke": "card"} for i in range(1, MAX_SERIES + 1)},
    **{f"plan-{tone}": {"fill": f"{tone}-bg", "stroke": tone} for tone in TONES},
    **{f"done-{tone}": {"fill": tone} for tone in TONES},
    **{f"part-{tone}": {"fill": tone, "stroke": "card"} for tone in TONES},
    **{f"t-{tone}": {"fill": tone} for tone in TONES},
}
"""Class -> attribute -> token. Geometry, dashes, widths and anchors are attributes of the drawing itself."""

FONT: Final = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC', sans-serif"
