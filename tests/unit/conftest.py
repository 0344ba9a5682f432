"""Fixtures for all unit tests."""

from tests.fakes.databases import database_url

__all__ = ["database_url"]
