"""How gateways reach a model server: address, certificates, names, and a secret that only they can open."""

from collections.abc import Callable
from typing import cast

from gnomon.contract.sealing import sealed, secret_of
from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.schemas import RoutesChanged, UpstreamChange
from gnomon.control.deployments.tables import UpstreamSetting
from gnomon.kit import services
from gnomon.kit.work import Work, action


@action("upstream.edit")
def set_upstream(work: Work, id: str, change: UpstreamChange) -> UpstreamSetting:
    """Gateways reach the model server so, and are told. The secret is sealed to them before it is stored.

    Raises UnfitUpstream where something does not fit, SecretElsewhere where the address changes and the secret that
    is kept would go to the new one.
    """
    server = queries.server(work.session, id)
    found = work.session.get(UpstreamSetting, id)
    before = queries.told_upstream(work.session, id)
    url = change.url or str(server["url"])
    keeps = bool(found and found.secret) and change.secret is None
    given = change.secret.get_secret_value() if change.secret is not None else None
    asked = rules.Connection(url, change.ca, change.server_name, change.http_host, given, keeps)
    problems = rules.connection_problems(asked, work.now)
    if problems:
        raise rules.UnfitUpstream(
            f"The connection to {id} cannot be so: {'; '.join(f'{n}: {why}' for n, why in problems.items())}.",
            next_step="Correct what is named.",
            fields=problems,
        )
    if found is None:
        found = UpstreamSetting(id=id, secret="", secret_set_at=None)
        work.session.add(found)
    elif keeps and secret_of(id, url) != secret_of(id, found.url or str(server["url"])):
        raise rules.SecretElsewhere(
            f"The secret of {id} was given for another address.",
            next_step="Give the secret for the new address, or remove it.",
        )
    found.url, found.ca, found.server_name, found.http_host = (
        change.url,
        change.ca,
        change.server_name,
        change.http_host,
    )
    found.connect_timeout_s = change.connect_timeout_s
    if given is not None:
        found.secret = _sealed(given, about=secret_of(id, url)) if given else ""
        found.secret_set_at = work.now if given else None
    found.changed_at, found.changed_by, found.reason = work.now, work.actor.id, change.reason
    work.session.flush()
    after = queries.told_upstream(work.session, id)
    deed = "kept" if given is None else "set" if given else "removed"
    work.about("upstream", id, before=before, after=after, secret=deed, reason=change.reason)
    work.emit(RoutesChanged(""))
    return found


def _sealed(text: str, *, about: str) -> str:
    key = cast(Callable[[], bytes], services.get("gateway_key"))()
    return sealed(text, public_key=key, about=about)
