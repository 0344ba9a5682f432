"""In tests a text without its English is an error, not a log line."""

import os

os.environ.setdefault("GNOMON_STRICT_TEXTS", "1")
