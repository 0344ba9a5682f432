"""What a route's rules make a gateway do, a line each and in both languages; only of those that are set."""

from collections.abc import Iterator

from gnomon.contract.bundle import Breaker, Cascade, Experiment, Route, Target, Upstream


def lines(route: Route) -> Iterator[str]:
    """In the order in which they come to bear on a request."""
    yield _waiting(route)
    if route.unscanned:
        kinds = ", ".join(route.unscanned)
        yield f"不检查即放行：{kinds} / lets pass unread: {kinds}"
    if route.cache:
        cache = f"{route.cache.ttl_s:g} s, {route.cache.max_bytes / 1e6:g} MB"
        yield f"缓存 {cache}（每个工作进程），不跨团队 / cache {cache} a worker, never across teams"
    if route.cascade:
        yield _cascade(route.cascade)
    if route.experiment:
        yield _experiment(route.experiment)
    yield from _others(route)
    if route.shadow:
        rule = route.shadow
        yield (
            f"影子流量 {rule.target} {rule.share:g}，每个工作进程同时最多 {rule.max_in_flight} 个"
            f" / shadow {rule.target} {rule.share:g}, at most {rule.max_in_flight} at once a worker"
        )
    if not route.keep_content:
        yield "不保留内容 / keeps no content"


def target(found: Target) -> str:
    told = f"{found.id}  权重 weight {found.weight:g}  {found.model} @ {found.upstream}"
    if found.price_in or found.price_out:
        told += f"  {found.price_in:g}/{found.price_out:g} a million tokens in/out（每百万令牌，输入/输出）"
    return told


def upstream(found: Upstream) -> str:
    told = [
        f"上游 upstream {found.id}  {found.url}",
        f"{found.connect_timeout_s:g} s 内连接 / connects within {found.connect_timeout_s:g} s",
    ]
    if found.secret:
        told.append("密钥已封装 / secret sealed")
    elif found.secret_env:
        told.append(f"密钥 secret ${found.secret_env}")
    if found.url.startswith("https:"):
        name = f", name {found.server_name}" if found.server_name else ""
        if found.ca:
            told.append(f"信任此处的证书 / trusts the certificates here{name}")
        else:
            told.append(f"信任系统证书 / trusts the system's certificates{name}")
    if found.host:
        told.append(f"host {found.host}")
    if found.breaker:
        told.append(breaker(found.breaker))
    return "  ".join(told)


def breaker(rule: Breaker) -> str:
    """When a target is left alone, and for how long."""
    causes, in_english = [], []
    if rule.unreachable:
        causes.append(f"连续 {rule.unreachable} 次连接失败")
        in_english.append(f"{rule.unreachable} failed connections in a row")
    if rule.failure_ratio:
        causes.append(f"{rule.window_s:g} s 内至少 {rule.min_requests} 个请求中 {rule.failure_ratio:g} 失败")
        in_english.append(f"{rule.failure_ratio:g} of at least {rule.min_requests} failing in {rule.window_s:g} s")
    slow = f"（慢于 {rule.slow_ms:g} ms 算失败）" if rule.slow_ms else ""
    slow_in_english = f" (slower than {rule.slow_ms:g} ms fails)" if rule.slow_ms else ""
    spell = f"{rule.open_s:g}-{rule.max_open_s:g} s"
    return (
        f"{'或'.join(causes) or '任何情况都不'}{slow}熔断 {spell}"
        f" / leaves a target alone {spell} after {' or '.join(in_english) or 'nothing'}{slow_in_english}"
    )


def _waiting(route: Route) -> str:
    sticky = (
        ("同一调用方固定部署", "a caller stays with a target") if route.sticky else ("逐次选择", "each request anew")
    )
    in_all = (f"，总计最多 {route.total_s:g} s", f", {route.total_s:g} s in all") if route.total_s else ("", "")
    return (
        f"{sticky[0]}；静默最多 {route.timeout_s:g} s{in_all[0]}"
        f" / {sticky[1]}; at most {route.timeout_s:g} s of silence{in_all[1]}"
    )


def _others(route: Route) -> Iterator[str]:
    """Who else is asked, and when."""
    if route.first_byte_s:
        silence = f"{route.first_byte_s:g} s"
        yield f"静默 {silence} 后改问下一个部署 / asks the next target after {silence} of silence"
    if route.hedge_after_ms:
        silence = f"{route.hedge_after_ms:g} ms"
        yield f"静默 {silence} 后同时问下一个部署 / hedges: asks the next target as well after {silence} of silence"
    if route.fallback:
        chain = " → ".join(route.fallback)
        yield f"后备 {chain} / falls back to {chain}"
    if route.retries:
        yield f"安全时再试 {route.retries} 次 / tries {route.retries} more times where that is safe"
    if route.breaker:
        yield breaker(route.breaker)


def _cascade(rule: Cascade) -> str:
    limits, in_english = [], []
    if rule.escalate_on:
        reasons = ", ".join(rule.escalate_on)
        limits.append(f"结束原因为 {reasons}")
        in_english.append(f"finish reason {reasons}")
    if rule.min_mean_logprob is not None:
        limits.append(f"平均对数概率低于 {rule.min_mean_logprob:g}")
        in_english.append(f"mean log-probability below {rule.min_mean_logprob:g}")
    if rule.min_margin is not None:
        limits.append(f"领先不足 {rule.min_margin:g}")
        in_english.append(f"margin below {rule.min_margin:g}")
    return (
        f"先问 {rule.small}；{'或'.join(limits) or '仅出错'}时升级"
        f" / asks {rule.small} first; escalates on {' or '.join(in_english) or 'errors only'}"
    )


def _experiment(rule: Experiment) -> str:
    arms = ", ".join(f"{arm.target} {arm.share:g}" for arm in rule.arms)
    unit = {"user": "用户"}.get(rule.unit, "调用方")
    return f"A/B 试验 {rule.id}，按{unit} / experiment {rule.id} by {rule.unit}: {arms}"
