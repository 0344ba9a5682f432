"""护照、港澳台证件、驾驶证、军官证 / travel, driving and officer documents, after their key words."""

from gnomon.guard.detectors.base import Detector, keyed, matching
from gnomon.guard.scan import literal

_PASSPORT = ("护照", "passport")
_PERMIT = (
    "港澳通行证",
    "港澳居民来往内地通行证",
    "来往内地通行证",
    "往来港澳通行证",
    "回乡证",
    "台胞证",
    "台湾居民来往大陆通行证",
    "来往大陆通行证",
    "往来台湾通行证",
    "大陆通行证",
    "通行证",
)
_LICENCE = (
    "驾驶证",
    "驾照",
    "驾驶执照",
    "档案编号",
    "driver licence",
    "driver license",
    "driving licence",
    "driver's license",
    "driver's licence",
)
_OFFICER = ("军官证", "士兵证", "士官证", "警官证", "文职干部证", "军人证")
_END = r"(?![A-Za-z0-9])"
SIGNS = "军士文警武官兵海空陆南北沈兰成济广参政后装联战"

PASSPORT = Detector(
    "PASSPORT",
    "护照",
    tuple(map(literal, _PASSPORT)),
    keyed("PASSPORT", _PASSPORT, rf"(?ai:[A-Z]{{1,2}}[0-9]{{6,9}}|[0-9]{{8,9}}|(?=[A-Z]*[0-9])[A-Z0-9]{{8,9}}){_END}"),
    visible=(1, 2),
)
PERMIT = Detector(
    "HMT_PERMIT",
    "通行证",
    tuple(map(literal, _PERMIT)),
    keyed("HMT_PERMIT", _PERMIT, rf"(?ai:[A-Z]{{1,2}}[0-9]{{7,10}}|[0-9]{{8,10}}(?:\([A-Z0-9]\))?){_END}"),
    visible=(1, 2),
)
LICENCE = Detector(
    "DRIVER_LICENCE",
    "驾驶证",
    tuple(map(literal, _LICENCE)),
    keyed("DRIVER_LICENCE", _LICENCE, rf"(?ai:(?=[A-Z]*[0-9])[A-Z0-9](?:[A-Z0-9]|-(?=[A-Z0-9])){{5,19}}){_END}"),
    visible=(2, 2),
)
OFFICER = Detector(
    "OFFICER_ID",
    "军官证",
    (literal("字第"),),
    matching("OFFICER_ID", rf"[{SIGNS}]字第\s?[0-9]{{5,10}}(?:\s?号)?(?![0-9])", first=f"[{SIGNS}]字第"),
    visible=(3, 1),
)
