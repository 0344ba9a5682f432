"""Counters of one server, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "modelserver_requests",
            "Answered requests by path and status.",
            ["path", "status"],
            registry=self.registry,
        )
        self.tokens = Counter(
            "modelserver_tokens", "Tokens read (prompt) and written (completion).", ["kind"], registry=self.registry
        )
        self.waiting = Gauge("modelserver_waiting", "Requests accepted and not yet answered.", registry=self.registry)
        self.adapters = Gauge("modelserver_adapters", "Loaded adapters.", registry=self.registry)
        self.batch_size = Histogram(
            "modelserver_batch_size", "Requests a batch.", buckets=(1, 2, 4, 8, 16, 32), registry=self.registry
        )
        self.seconds = Histogram(
            "modelserver_request_seconds",
            "Seconds from request to last byte.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
