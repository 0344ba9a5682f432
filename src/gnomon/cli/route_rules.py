"""What a route's rules make a gateway do, a line each; only of those that are set."""

from collections.abc import Iterator

from gnomon.contract.bundle import Breaker, Cascade, Experiment, Route, Target, Upstream


def lines(route: Route) -> Iterator[str]:
    """In the order in which they come to bear on a request."""
    sticky = "a caller stays with a target" if route.sticky else "each request anew"
    yield f"{sticky}; at most {route.timeout_s:g} s of silence{_if(route.total_s, ', {:g} s in all')}"
    if route.unscanned:
        yield f"lets pass unread: {', '.join(route.unscanned)}"
    if route.cache:
        yield f"cache {route.cache.ttl_s:g} s, {route.cache.max_bytes / 1e6:g} MB a worker, never across teams"
    if route.cascade:
        yield _cascade(route.cascade)
    if route.experiment:
        yield _experiment(route.experiment)
    if route.first_byte_s:
        yield f"asks the next target after {route.first_byte_s:g} s of silence"
    if route.hedge_after_ms:
        yield f"hedges: asks the next target as well after {route.hedge_after_ms:g} ms of silence"
    if route.fallback:
        yield f"falls back to {' → '.join(route.fallback)}"
    if route.retries:
        yield f"tries {route.retries} more times where that is safe"
    if route.breaker:
        yield breaker(route.breaker)
    if route.shadow:
        rule = route.shadow
        yield f"shadow {rule.target} {rule.share:g}, at most {rule.max_in_flight} at once a worker"
    if not route.keep_content:
        yield "keeps no content"


def target(found: Target) -> str:
    told = f"{found.id}  weight {found.weight:g}  {found.model} @ {found.upstream}"
    if found.price_in or found.price_out:
        told += f"  {found.price_in:g}/{found.price_out:g} a million tokens in/out"
    return told


def upstream(found: Upstream) -> str:
    told = [f"upstream {found.id}  {found.url}  connects within {found.connect_timeout_s:g} s"]
    if found.secret:
        told.append("secret sealed")
    elif found.secret_env:
        told.append(f"secret ${found.secret_env}")
    if found.url.startswith("https:"):
        trusted = "the certificates here" if found.ca else "the system's certificates"
        told.append(f"trusts {trusted}{_if(found.server_name, ', name {}')}")
    if found.host:
        told.append(f"host {found.host}")
    if found.breaker:
        told.append(breaker(found.breaker))
    return "  ".join(told)


def breaker(rule: Breaker) -> str:
    """When a target is left alone, and for how long."""
    causes = []
    if rule.unreachable:
        causes.append(f"{rule.unreachable} failed connections in a row")
    if rule.failure_ratio:
        causes.append(f"{rule.failure_ratio:g} of at least {rule.min_requests} failing in {rule.window_s:g} s")
    slow = _if(rule.slow_ms, " (slower than {:g} ms fails)")
    return f"leaves a target alone {rule.open_s:g}-{rule.max_open_s:g} s after {' or '.join(causes) or 'nothing'}{slow}"


def _cascade(rule: Cascade) -> str:
    limits = [f"finish reason {', '.join(rule.escalate_on)}"] if rule.escalate_on else []
    if rule.min_mean_logprob is not None:
        limits.append(f"mean log-probability below {rule.min_mean_logprob:g}")
    if rule.min_margin is not None:
        limits.append(f"margin below {rule.min_margin:g}")
    return f"asks {rule.small} first; escalates on {' or '.join(limits) or 'errors only'}"


def _experiment(rule: Experiment) -> str:
    arms = ", ".join(f"{arm.target} {arm.share:g}" for arm in rule.arms)
    return f"experiment {rule.id} by {rule.unit}: {arms}"


def _if(value: float | str, text: str) -> str:
    return text.format(value) if value else ""
