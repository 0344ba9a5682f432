"""Fixtures for all unit tests."""

import gc

import pytest

from gnomon.guard import compiled
from tests.fakes.databases import database_url

__all__ = ["database_url"]

# Modules and tests are a million objects that stay. The default looks through them for garbage again and again: an
# eighth of the suite's time.
gc.set_threshold(50_000)


def pytest_configure(config: pytest.Config) -> None:
    """What the guard looks for is compiled once a checkout, not in every process of every run: two seconds each."""
    compiled.keep_in(config.rootpath / ".pytest_cache" / "patterns", b"tests")


def pytest_collection_finish() -> None:
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # libraries in C++ count what is left at the end
