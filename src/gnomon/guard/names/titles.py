"""Names that a title gives away: 王先生, 李医生, 张总, Mr Smith. And titles that a tagger took for part of a name."""

import re
from collections.abc import Iterator
from typing import Final

from gnomon.guard.names.surnames import COMPOUND, SURNAMES
from gnomon.guard.view import Found

_TITLES: Final = (
    "先生|女士|小姐|太太|夫人|老师|教授|博士|院士|医生|大夫|护士|律师|法官|警官|检察官|师傅|阿姨|叔叔|同学|同志|总经理|经理|董事长|总裁|主任|主席|"
    "局长|处长|科长|部长|厅长|省长|市长|县长|区长|镇长|乡长|村长|书记|校长|院长|所长|厂长|站长|行长|馆长|会长|秘书长|司令|将军|连长|班长|排长|队长|"
    "教练|记者|编辑|导演|工程师|会计|秘书|老板|总理|总统|某某|某"
)
_SHORT: Final = "总|工|董|姐|哥|嫂|婶|爷爷|奶奶"
# Surnames that are mostly something else; their bearers need a tagger or a dictionary.
_COMMON: Final = frozenset(
    "和成时于何向常平方安应于任全从是有为高万强但所能关管单明水年公文国商牛马龙包车连门古习干占双"
)
_ONE: Final = "".join(sorted(set(SURNAMES[:360]) - _COMMON))
_TWO: Final = "|".join(sorted(COMPOUND))
_BEFORE: Final = rf"(?<![{'一-鿿'}])|(?<=[的了和与及是找给请让对向由跟把在被问叫姓该位名代为听据])"
_CHINESE: Final = re.compile(
    rf"(?:{_BEFORE})(?P<v>{_TWO}|[{_ONE}])(?:(?:{_TITLES})|(?:{_SHORT})(?![{'一-鿿'}]|\Z)|(?:{_SHORT})\Z)"
)
_AFTER: Final = re.compile(rf"(?<=.)(?:{_TITLES})\Z")
_ENGLISH: Final = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Sir|Madam|Judge|Captain|Sergeant|Officer)\b\.?\s+"
    r"(?P<v>[^\W\d_][\w’-]*(?: (?:[A-Z]\.|[A-Z][\w’-]+)){0,2})"
)


def find(text: str) -> Iterator[Found]:
    """Names beside a title, the title left out."""
    for pattern in (_CHINESE, _ENGLISH):
        for match in pattern.finditer(text):
            if pattern is _CHINESE or match["v"][0].isupper():
                yield Found(match.start("v"), match.end("v"), "PERSON", 0.9)


def trimmed(text: str, found: Found) -> Found:
    """The same finding without a title at its end."""
    if found.entity != "PERSON" or not (title := _AFTER.search(text, found.start, found.end)):
        return found
    return found._replace(end=title.start())
