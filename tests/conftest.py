"""What holds for all tests."""

import os
import sys

import pytest
import structlog
from hypothesis import HealthCheck, settings

from gnomon.native import modules

if os.environ.get("GNOMON_TEST_COMPILED") == "1" and not modules.prefer():  # before any of them is loaded
    raise pytest.UsageError("GNOMON_TEST_COMPILED=1, but nothing is built: python -m gnomon.native.translate")

# As `./gnomon` does: where writing it is forbidden every process compiles every test anew, five seconds each.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what tests start would compile the product anew

# How long a machine that others use takes says nothing of what is tested.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

# Where nothing configures the log, errors are told with their sources in colours: a tenth of a second each.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback
