"""How gateways may reach a model server: which address, whose certificates, under which names, with which secret."""

import ipaddress
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from gnomon.kit.errors import BadInput

MAX_CA_BYTES = 262_144  # a company's own authorities; the system's whole list has about 200 KB
MAX_SECRET = 8_192
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*", re.I
)
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_SECRET = re.compile(r"[\x21-\x7e]+")


class UnfitUpstream(BadInput):
    code = "upstream_unfit"


class SecretElsewhere(BadInput):
    """The secret was given for another address."""

    code = "upstream_secret_elsewhere"


@dataclass(frozen=True, slots=True)
class Connection:
    """What is asked for. `secret` None: the one that is kept."""

    url: str
    ca: str
    server_name: str
    http_host: str
    secret: str | None
    keeps_secret: bool


@dataclass(frozen=True, slots=True)
class Authority:
    """One certificate that a model server's is checked against."""

    subject: str
    ends: datetime
    sha256: str


def connection_problems(asked: Connection, now: datetime) -> dict[str, str]:
    """What keeps this connection from being set, by field; empty when nothing does. No value of a secret is told."""
    found = {"url": _url_problem(asked.url)}
    url = _split(asked.url)
    is_tls = url is not None and url.scheme == "https"
    found["ca"] = _ca_problem(asked.ca, now) if is_tls or not asked.ca else "certificates are for https:// only"
    found["server_name"] = _name_problem(asked.server_name, is_tls)
    found["http_host"] = _host_problem(asked.http_host)
    found["secret"] = _secret_problem(asked, url)
    return {field: problem for field, problem in found.items() if problem}


def authorities(pem: str) -> list[Authority]:
    """The certificates of a PEM text. Raises ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of serial numbers that no authority should give and many give
        found = x509.load_pem_x509_certificates(pem.encode()) if pem.strip() else []
    return [
        Authority(one.subject.rfc4514_string(), one.not_valid_after_utc, one.fingerprint(SHA256()).hex())
        for one in found
    ]


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _url_problem(url: str) -> str:
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii():
        return f"{url[:200]!r} is neither http:// nor https:// with a host"
    if parts.username or parts.password:
        return "a secret does not belong into the address"
    if parts.query or parts.fragment or re.search(r"[\s\\]", url):
        return "the address has a query, a fragment or a space"
    if not (_NAME.fullmatch(parts.hostname) or _is_address(parts.hostname)):
        return f"{parts.hostname[:100]!r} is no host"
    if parts.path.rstrip("/").endswith("/chat/completions"):
        return "the address ends before /chat/completions"
    return ""


def _ca_problem(pem: str, now: datetime) -> str:
    if not pem:
        return ""
    if len(pem.encode("utf-8", "replace")) > MAX_CA_BYTES:
        return f"more than {MAX_CA_BYTES} bytes of certificates"
    if _PRIVATE.search(pem):
        return "a private key does not belong here: take it out, and replace the key, for it was shown"
    try:
        found = authorities(pem)
    except ValueError:
        found = []
    if not found:
        return "no certificates in PEM"
    ended = [one.subject for one in found if one.ends <= now]
    return f"expired: {', '.join(ended)[:200]}" if ended else ""


def _name_problem(name: str, is_tls: bool) -> str:
    if not name:
        return ""
    if not is_tls:
        return "a name to be checked is for https:// only"
    return "" if _NAME.fullmatch(name) else f"{name[:100]!r} is no DNS name"


def _host_problem(host: str) -> str:
    name, _, port = host.partition(":")
    fits = not host or (_NAME.fullmatch(name) and (not port or (port.isdigit() and 0 < int(port) < 65_536)))
    return "" if fits else f"{host[:100]!r} is no host with or without a port"


def _secret_problem(asked: Connection, url: SplitResult | None) -> str:
    if asked.secret and (len(asked.secret) > MAX_SECRET or not _SECRET.fullmatch(asked.secret)):
        return f"a secret is at most {MAX_SECRET} visible ASCII characters without spaces"
    has_one = bool(asked.secret) if asked.secret is not None else asked.keeps_secret
    if has_one and url is not None and url.scheme == "http" and not _is_loopback(url.hostname or ""):
        return "over http:// everybody on the way could read it: use https://"
    return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
