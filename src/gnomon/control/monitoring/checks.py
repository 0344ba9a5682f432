"""Checks of monitoring itself: were the rules looked at, were hosts and model servers sampled."""

from datetime import UTC, datetime

from gnomon.contract.verdicts import State
from gnomon.control.access import queries as access
from gnomon.control.monitoring import queries, rules, sampling
from gnomon.control.monitoring.rules import Topic
from gnomon.control.monitoring.tables import HostSample
from gnomon.control.rulebook.checks import CheckContext, CheckResult, check
from gnomon.kit.clock import iso

LATE = 3  # rules that were not looked at for a third of their evidence's life are overdue


@check("monitoring.latency_rules_evaluated")
def latency_rules(ctx: CheckContext) -> CheckResult | None:
    return _evaluated(ctx, Topic.LATENCY)


@check("monitoring.success_rules_evaluated")
def success_rules(ctx: CheckContext) -> CheckResult | None:
    return _evaluated(ctx, Topic.SUCCESS)


@check("monitoring.exhaustion_rules_evaluated")
def exhaustion_rules(ctx: CheckContext) -> CheckResult | None:
    return _evaluated(ctx, Topic.EXHAUSTION)


@check("monitoring.frequency_rules_evaluated")
def frequency_rules(ctx: CheckContext) -> CheckResult | None:
    """The collector's watch saw every record of the window that is stored. None while none was."""
    stored = ctx.service("records").query("recent", before=ctx.now.timestamp(), limit=1)
    if not stored or stored[0]["at"] < ctx.since.timestamp():
        return None
    watch = ctx.service("records").health()["defence"]
    reached = max(watch["last_at"], watch["since"])
    unseen_s = max(stored[0]["at"] - reached, 0.0)
    broken = bool(watch["problem"]) or unseen_s > ctx.rulebook.threshold("frequency_watch_delay_s").limit
    answered = [ban for ban in access.bans(ctx.session) if ban.source == "watch"]
    facts = {
        "rules": watch["rules"],
        "evaluated_at": iso(datetime.fromtimestamp(reached, UTC)),
        "firing": sorted(f"{ban.grade} {ban.id}" for ban in answered if access.is_in_force(ban, ctx.now)),
        "last_signal": iso(answered[0].at) if answered else None,
        "watched": watch["watched"],
        "baselines": watch["baselines"],
        "unseen_s": unseen_s,
        "problem": watch["problem"],
    }
    return CheckResult(n=max(watch["watched"], 1), state=State.NOT_MET if broken else State.MET, facts=facts)


@check("monitoring.resources_sampled")
def resources_sampled(ctx: CheckContext) -> CheckResult | None:
    """Every host without a long gap since its first sample of the window, and every model server readable now."""
    seen = queries.samples(ctx.session, since=ctx.since)
    if not seen:
        return _stopped(ctx)
    late = {host: _gap_s(ctx, samples) for host, samples in seen.items()}
    overdue = sorted(host for host, gap in late.items() if gap > (ctx.window / LATE).total_seconds())
    unread = sorted(_unread(ctx, seen))
    minutes = sum(rules.minutes_seen(sample.at for sample in samples) for samples in seen.values())
    possible = sum(_minutes_since(ctx, samples) for samples in seen.values())
    return CheckResult(
        n=sum(len(samples) for samples in seen.values()),
        value=minutes / possible,
        numerator=minutes,
        denominator=possible,
        state=State.NOT_MET if overdue or unread else State.MET,
        facts={"hosts": sorted(seen), "longest_gap_s": late, "overdue": overdue, "servers_not_read": unread},
    )


def _evaluated(ctx: CheckContext, topic: Topic) -> CheckResult | None:
    runs = queries.rule_runs(ctx.session, topic, since=ctx.since)
    if not runs and not queries.has_rule_runs(ctx.session, topic):
        return None
    last = max((run.at for run in runs), default=None)
    in_time = last is not None and ctx.now - last <= ctx.window / LATE
    signal = queries.last_signal(ctx.session, topic)
    facts = {
        "rules": sorted({run.rule for run in runs}),
        "evaluated_at": iso(last) if last else None,
        "firing": sorted(f"{run.rule} {run.model or run.host}" for run in runs if run.state == State.NOT_MET),
        "last_signal": iso(signal) if signal else None,
    }
    return CheckResult(n=max(len(runs), 1), state=State.MET if in_time else State.NOT_MET, facts=facts)


def _stopped(ctx: CheckContext) -> CheckResult | None:
    """Sampling that has stopped is not met; sampling that never began is nothing to measure."""
    known = queries.hosts(ctx.session)
    if not known:
        return None
    facts = {"hosts": [sample.host for sample in known], "last": [iso(sample.at) for sample in known]}
    return CheckResult(n=len(known), value=0.0, numerator=0, denominator=1, state=State.NOT_MET, facts=facts)


def _gap_s(ctx: CheckContext, samples: list[HostSample]) -> float:
    gap = rules.longest_gap((sample.at for sample in samples), until=ctx.now)
    assert gap is not None, "a host is listed only with a sample"
    return gap.total_seconds()


def _unread(ctx: CheckContext, seen: dict[str, list[HostSample]]) -> set[str]:
    """Model servers that the supervisor keeps here and whose last sample has no figures."""
    newest = [server for samples in seen.values() for server in samples[-1].servers]
    wanted = set(sampling.model_servers(ctx.service("settings").home)) | {server["id"] for server in newest}
    return wanted - {server["id"] for server in newest if server["rss_bytes"] is not None}


def _minutes_since(ctx: CheckContext, samples: list[HostSample]) -> int:
    first = samples[0].at.replace(second=0, microsecond=0)
    return int((ctx.now - first).total_seconds() // 60) + 1
