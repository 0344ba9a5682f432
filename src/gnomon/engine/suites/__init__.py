"""Suites of test items: where items come from, how they become prompts, and how they are split without leaks."""
