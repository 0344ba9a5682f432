"""What happens to each verdict: the thresholds of one policy, and the one object that the gateway asks."""

from collections.abc import Sequence

from gnomon.contract.content import NEVER, ContentFinding, ContentPolicy, ContentRule, Way
from gnomon.contract.verdicts import ContentVerdict
from gnomon.guard.content.engine import OVERLAP, STEP, Engine, windows
from gnomon.kit.errors import BadInput

GLANCE = 160
"""Characters that arrive between two looks at a window that still grows."""
Findings = dict[tuple[str, str], ContentFinding]
"""By direction and category: the surest one."""


class BadContentPolicy(BadInput):
    code = "bad_content_policy"


class ContentGuard:
    """Applies one policy. Immutable; safe to share between threads. Raises whatever the engine raises."""

    def __init__(self, policy: ContentPolicy, engine: Engine) -> None:
        self.policy = policy
        self.engine = engine
        for rule in policy.rules:
            _check(rule, policy, engine.categories)
        self._rules = {
            way: {category: one for category in engine.categories if (one := _deciding(policy, category, way))}
            for way in ("input", "output")
        }

    def judge(self, text: str, way: Way, found: Findings) -> str:
        """`found` has what the policy wants known about `text`; the category that forbids it to pass, or nothing.

        Nothing is looked at after the window that forbids: a long attack must not cost more than a short one.
        """
        for start, end in windows(len(text)):
            if blocked := self.take(self.engine.look(text[start:end]), way, found, shift=start):
                return blocked
        return ""

    def take(self, verdicts: Sequence[ContentVerdict], way: Way, found: Findings, *, shift: int = 0) -> str:
        """The same for verdicts on a part of a text that begins at `shift`."""
        blocked = ""
        for verdict in verdicts:
            rule = self._rules[way].get(verdict.category)
            if rule is None or verdict.score < min(rule.flag_at, rule.block_at):
                continue
            blocks = verdict.score >= rule.block_at
            blocked = blocked or (verdict.category if blocks else "")
            known = found.get((way, verdict.category))
            if known is None or verdict.score > known.score:
                found[way, verdict.category] = ContentFinding(
                    category=verdict.category,
                    direction=way,
                    score=verdict.score,
                    action="block" if blocks else "flag",
                    rule=verdict.rule,
                    book=self.engine.version,
                    start=verdict.start + shift,
                    end=verdict.end + shift,
                )
        return blocked

    def looks(self, way: Way) -> bool:
        """Whether the policy wants anything known about this direction."""
        return bool(self._rules[way])

    def blocks(self, way: Way) -> bool:
        """Whether the policy forbids anything in this direction."""
        return any(rule.block_at <= 1.0 for rule in self._rules[way].values())

    def stream(self, way: Way, found: Findings) -> "ContentStream":
        """Judges one text that arrives in pieces."""
        return ContentStream(self, way, found)


class ContentStream:
    """One text as it arrives. Not thread-safe.

    After `flush`, `blocked` says what `judge` says of the whole text, however it was split, and so does `found` where
    nothing blocks; `blocked` may be known earlier, and then stays.
    """

    def __init__(self, guard: ContentGuard, way: Way, found: Findings) -> None:
        self.blocked = ""
        self._guard = guard
        self._way = way
        self._found = found
        self._glances = guard.blocks(way)
        self._window = ""
        self._start = 0
        self._end = STEP  # of the window, once more text than that has come
        self._fresh = 0

    def feed(self, text: str) -> None:
        """`blocked` is set as soon as that is sure."""
        self._window += text
        self._fresh += len(text)
        while self._start + len(self._window) > self._end:
            self._look(self._window[: self._end - self._start])
            kept = self._end - OVERLAP
            self._window, self._start, self._end = self._window[kept - self._start :], kept, self._end + STEP
            self._fresh = 0
        if self._glances and self._fresh >= GLANCE:
            self._fresh = 0
            verdicts = self._guard.engine.glance(self._window)
            if blocked := self._guard.take(verdicts, self._way, self._found, shift=self._start):
                self.blocked = self.blocked or blocked

    def flush(self) -> None:
        """Nothing follows, or nothing that belongs to it."""
        if self._window:
            self._look(self._window)

    def _look(self, window: str) -> None:
        verdicts = self._guard.engine.look(window)
        blocked = self._guard.take(verdicts, self._way, self._found, shift=self._start)
        self.blocked = self.blocked or blocked


def _deciding(policy: ContentPolicy, category: str, way: str) -> ContentRule | None:
    group = f"{category.partition('.')[0]}.*"
    for rule in policy.rules:
        if rule.category in ("*", group, category) and rule.direction in ("both", way):
            return rule
    return None


def _check(rule: ContentRule, policy: ContentPolicy, categories: Sequence[str]) -> None:
    groups = {f"{category.partition('.')[0]}.*" for category in categories}
    if rule.category != "*" and rule.category not in categories and rule.category not in groups:
        raise BadContentPolicy(
            f"The content policy {policy.id} has a rule for {rule.category!r}, which nothing finds.",
            next_step=f"Use *, {', '.join(sorted(groups))} or one of: {', '.join(categories)}.",
        )
    if not all(0 < limit <= NEVER for limit in (rule.flag_at, rule.block_at)):
        raise BadContentPolicy(
            f"The content policy {policy.id} has a threshold of {rule.flag_at} or {rule.block_at}.",
            next_step="Use thresholds above 0; 2 is never reached.",
        )
