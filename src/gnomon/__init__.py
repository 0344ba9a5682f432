"""Gnomon (圭臬): operate vertical language models by policy, put them right, and prove it."""

__version__ = "0.1.0"
