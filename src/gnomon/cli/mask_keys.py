"""`gnomon mask keys`: the keys of pseudonyms of the gateways, on the control plane."""

import click

_PATH = "/api/v1/privacy/pseudonym-keys"


@click.command()
@click.option("--new", is_flag=True, help="换一把新密钥 / Make a new key, which is used from now on.")
def keys(new: bool) -> None:
    """假名密钥 / keys of the gateways' pseudonyms, oldest first, by name; the last one is in use.

    The one verb here that asks the control plane. Gateways take a new key with their next start; what was masked under
    an older one stays restorable until it expires.
    """
    from gnomon.cli import session  # with its libraries 9 MB, which no other verb here needs

    with session.client() as client:
        told = client.post(_PATH) if new else client.get(_PATH)
    for number, name in enumerate(told["keys"], 1):
        click.echo(f"{name}{'  使用中 / in use' if number == len(told['keys']) else ''}")
