"""How a route asks its targets: fallback, retries, shadow, experiment, cascade, cache and their like."""

from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.actions import shared
from gnomon.control.deployments.schemas import RouteOptions
from gnomon.control.deployments.tables import RouteState
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit.work import Work, action


@action("route.configure")
def configure_route(work: Work, model: str, options: RouteOptions, *, reason: str) -> RouteState:
    """The route has these options and no others, and the gateways are told.

    Raises UnfitOptions where callers would be answered by a target that was never released, a shadow cast on one
    that was never tested, or texts judged by a policy that the rulebook does not have.
    """
    route = queries.route(work.session, model)
    plain = options.model_dump(mode="json", exclude_defaults=True)
    targets = queries.targets(route)
    problems = rules.options_problems(
        plain,
        targets=[target.id for target in targets],
        tested=queries.tested_targets(work.session, model),
        released=queries.released_targets(work.session, model),
        content_policies=[policy.id for policy in rulebook.load().content_policies],
    )
    if problems:
        raise rules.UnfitOptions(
            f"The options of {model} do not fit: {'; '.join(problems)}.",
            next_step="Name released targets; a release goes through approval and canary.",
        )
    work.about("route", model, before=route.options, after=plain, reason=reason)
    route.options = plain
    shared.set_route(work, route, canary=shared.canary_of(route))
    return route
