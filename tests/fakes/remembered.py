"""Where tests of content let an engine remember what it compiled, so that a checkout compiles it once."""

from pathlib import Path

PATTERNS = Path(__file__).parents[2] / ".pytest_cache" / "content"
