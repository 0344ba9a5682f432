"""Sign and open bundle parts. Pure functions over bytes; keys come from the caller."""

import base64
from typing import Any, Literal, overload

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gnomon.contract.bundle import Part, Policy, Roster, SignedPart
from gnomon.kit.canonical import canonical_bytes, digest_bytes
from gnomon.kit.errors import BadInput


class BadBundle(BadInput):
    code = "bad_bundle"


def public_key(data: bytes) -> Ed25519PublicKey:
    """The key that a `key.pub` holds (base64 of 32 bytes). Raises BadInput."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(data.strip(), validate=True))
    except ValueError as error:
        raise BadInput(
            f"This is not a public key: {error}", next_step="Name the gateway's bundle/key.pub with --key."
        ) from error


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of the raw public key."""
    return digest_bytes(key.public_bytes_raw())[:16]


def sign_part(part: Part, content: Policy | Roster, key: Ed25519PrivateKey) -> bytes:
    """The part as signed JSON bytes, ready to be written to disk by rename."""
    payload = msgspec.to_builtins(content)
    signature = key.sign(_signed(part, payload))
    signed = SignedPart(
        part=part, payload=payload, key_id=key_id(key.public_key()), signature=base64.b64encode(signature).decode()
    )
    return msgspec.json.encode(signed)


@overload
def open_part(part: Literal["policy"], data: bytes, key: Ed25519PublicKey) -> Policy: ...
@overload
def open_part(part: Literal["roster"], data: bytes, key: Ed25519PublicKey) -> Roster: ...


def open_part(part: Part, data: bytes, key: Ed25519PublicKey) -> Policy | Roster:
    """The verified content. Raises BadBundle when bytes, part, signature or shape are wrong."""
    try:
        signed = msgspec.json.decode(data, type=SignedPart)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBundle(f"The {part} is not readable: {error}", next_step="Publish the bundle again.") from error
    if signed.part != part:
        raise BadBundle(f"This is a {signed.part}, not a {part}.", next_step="Give the right file.")
    try:
        key.verify(base64.b64decode(signed.signature), _signed(part, signed.payload))
    except (InvalidSignature, ValueError) as error:
        raise BadBundle(
            f"The signature of the {part} does not fit the key {key_id(key)} (signed by {signed.key_id}).",
            next_step="Check which control plane published it.",
        ) from error
    try:
        if part == "policy":
            return msgspec.convert(signed.payload, type=Policy)
        return msgspec.convert(signed.payload, type=Roster)
    except msgspec.ValidationError as error:
        raise BadBundle(f"The {part} has a wrong field: {error}", next_step="Publish the bundle again.") from error


def _signed(part: Part, payload: Any) -> bytes:
    return f"gnomon-bundle/{part}\n".encode() + canonical_bytes(payload)
