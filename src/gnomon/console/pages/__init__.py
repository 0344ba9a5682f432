"""The pages: one module for each domain, each with its `router`."""
