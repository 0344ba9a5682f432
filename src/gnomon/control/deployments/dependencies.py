"""Are the model server's packages the pinned ones? Reads what is installed in this environment and writes it down."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from gnomon.control.deployments import rules
from gnomon.kit.canonical import digest, digest_bytes


@dataclass(frozen=True, slots=True)
class DependencyCheck:
    """`log` is the whole protocol, a line per package; `wrong` names those that are not as pinned."""

    log: str
    lock_sha256: str
    packages: dict[str, str]
    wrong: list[str]


def check(pinned: Mapping[str, str]) -> DependencyCheck:
    """Each pinned package with the version found, who installed it, and the digest of its own list of files."""
    lines = [
        f"python {sys.version.split()[0]} in {'its own' if sys.prefix != sys.base_prefix else 'the system'} environment"
    ]
    packages, wrong = {}, []
    for name, wanted in sorted(pinned.items()):
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            wrong.append(name)
            lines.append(f"{name}: pinned {wanted}, not installed")
            continue
        packages[name] = found.version
        fits = rules.same_version(wanted, found.version)
        if not fits:
            wrong.append(name)
        installer = (found.read_text("INSTALLER") or "unknown").strip()
        record = digest_bytes((found.read_text("RECORD") or "").encode())
        verdict = "ok" if fits else "WRONG VERSION"
        lines.append(f"{name}: pinned {wanted}, found {found.version}, by {installer}, record {record}: {verdict}")
    lines.append(f"{len(pinned) - len(wrong)} of {len(pinned)} packages are as pinned")
    return DependencyCheck("\n".join(lines) + "\n", digest(dict(pinned)), packages, wrong)
