"""Whose address a request has: the peer's, or what trusted proxies say stands before them."""

import ipaddress
from collections.abc import Iterable
from typing import Final, TypeAlias

from gnomon.kit.errors import BadInput

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST: Final = 32  # hops that are looked at


class Proxies:
    """The networks (CIDR) whose X-Forwarded-For is believed; with none, nobody's. Raises BadInput on a wrong one."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = tuple(_network(text) for text in networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trust(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in n for n in self._networks if n.version == found.version)

    def client(self, peer: str, forwarded: bytes) -> str:
        """The rightmost address that is not a proxy's: what stands further left, the caller may have written.

        `peer` is trusted already. Where an entry is no address, the proxy that passed it on is the caller.
        """
        nearest = peer
        for entry in reversed(forwarded.decode("latin-1").split(",")[-_MOST:]):
            found = _address(entry.strip())
            if found is None:
                return nearest
            nearest = str(found)
            if not self.trust(nearest):
                return nearest
        return nearest


def network(address: str) -> str:
    """What a ban covers and a record names: the address, or for IPv6 its /64, of which one host owns every address."""
    if ":" not in address:
        return address
    found = _address(address)
    if found is None or found.version == 4:
        return str(found or address)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address with or without brackets, port and zone; a mapped IPv4 address is itself."""
    text = text.strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise BadInput(
            f"{text!r} is no network: {error}", next_step="Name trusted proxies as CIDR, such as 10.0.0.0/8."
        ) from error
