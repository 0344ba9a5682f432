"""UUID: of a record, a device or a session. Looked for only where a policy names them: most name nobody."""

from gnomon.guard.detectors.base import Detector, matching

_HEX = "[0-9a-fA-F]"

DETECTOR = Detector(
    "UUID",
    "UUID",
    (rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-",),
    matching(
        "UUID",
        rf"(?<![0-9A-Za-z\-])(?P<v>{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}})(?![0-9A-Za-z\-])",
        first=_HEX,
    ),
    reach=2,
)
