"""`python -m tests.journeys.seed_route UPSTREAM MODEL VERSION`: make a route to a server that is not ours, and publish.

A deployment's own way needs a model server of ours, which takes minutes; the demo goes it. What is written here is what
`deployments` would have written at go-live, but for the state: the supervisor must not start a server for it.
"""

import sys

from gnomon.app.wiring import build
from gnomon.contract.bundle import Target
from gnomon.control.deployments.tables import Deployment, RouteState
from gnomon.control.publishing import actions as publishing
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit.settings import Settings
from gnomon.kit.work import system


def main(upstream: str, model: str, version: str) -> None:
    platform = build(Settings())
    book = rulebook.load()
    target = Target(id="main", upstream="fake", model="m", weight=1.0, version=version)
    with platform.work(system("journey")) as work:
        work.session.add(
            Deployment(
                id="deploy_journey",
                number="BS-2026-900",
                title="journey",
                model=model,
                version_id=version,
                state="draft",
                mask_policy=book.default_mask_policy,
                requirements={},
                requirements_state="draft",
                environment={},
                probe={},
                plan={},
                tests={},
                server={"id": "fake", "url": upstream},
                target_id="main",
                author_id="journey",
                steps=[],
                created_at=work.now,
            )
        )
        work.session.add(
            RouteState(
                model=model,
                mask_policy=book.default_mask_policy,
                targets=[{name: getattr(target, name) for name in target.__struct_fields__}],
                canary=None,
                timeout_s=20.0,
                changed_at=work.now,
            )
        )
        work.session.flush()
        publishing.publish(work, "policy", book)
    platform.database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
