"""Attacks by words and unsafe matter: text in; category, score and place out.

The rules are data (`book`): concepts, and which of them stand close together. A text is read in every way in which it
may be meant (`readings`), scanned for concepts (`lexicon`), judged (`rules`, `engine`) and held against a policy.
What a sentence asks for is judged beside it by a small model (`meant`).
"""

from gnomon.guard.content.engine import Engine, default_engine
from gnomon.guard.content.policy import ContentGuard, ContentStream

__all__ = ["ContentGuard", "ContentStream", "Engine", "default_engine"]
