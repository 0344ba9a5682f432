"""Where a model is weaker than elsewhere: simple features and pairs of them, tested and corrected for many looks."""

from gnomon.engine.slices.discovery import Slice, discover
from gnomon.engine.slices.features import features_of, language_of

__all__ = ["Slice", "discover", "features_of", "language_of"]
