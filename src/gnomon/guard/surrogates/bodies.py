"""Organisations and addresses: what kind it is stays (大学, 路, 号), who and where does not."""

import re
import string
from typing import Final

from gnomon.guard.names.places import CITIES, PROVINCES
from gnomon.guard.surrogates.dice import Dice
from gnomon.guard.surrogates.people import AREAS, SYLLABLES

_KINDS_TEXT: Final = (
    "有限责任公司 股份有限公司 有限公司 分公司 子公司 集团公司 公司 集团 银行 支行 分行 证券 保险 基金 科技 网络 "
    "传媒 影业 汽车 电子 大学 学院 中学 小学 幼儿园 学校 研究院 研究所 医院 诊所 法院 检察院 公安局 派出所 税务局 "
    "教育局 委员会 办公室 政府 部 局 厅 署 院 处 科 所 站 队 俱乐部 协会 学会 联盟 联合会 基金会 出版社 报社 日报 "
    "晚报 电视台 通讯社 网 厂 店 馆 中心 机场 酒店 餐厅 超市 商场 党 军"
)
_KINDS: Final = sorted(_KINDS_TEXT.split(), key=len, reverse=True)
_LEVEL: Final = (
    "省|自治区|自治州|地区|市|区|县|旗|镇|乡|村|街道|大道|公路|路|街|巷|弄|胡同|小区|花园|公寓|大厦|广场|新村|"
    "家园|苑|园|里|号院|号楼|号|栋|幢|座|单元|室|层|楼|组|户"
)
_PART: Final = re.compile(rf"([\u3400-\u9fff]{{1,8}}?)({_LEVEL})|(?<=[0-9])(?:{_LEVEL})")
_HANZI_RUN: Final = re.compile(r"[\u3400-\u9fff]+")
_NUMBER: Final = re.compile(r"[0-9]+")
_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_ENGLISH_TEXT: Final = (
    "street st road rd avenue ave lane ln drive dr court ct boulevard blvd way square sq place pl suite apt box po "
    "floor inc ltd llc corp co company group bank university college school hospital institute of the and for"
)
_ENGLISH: Final = frozenset(_ENGLISH_TEXT.split())
_BRANDS: Final = (
    "宏博恒瑞启鼎远泽信佳盛嘉润华丰通源泰昌和祥辉亿卓智创联云图数诚德益晟凯朗睿合众民安康颐景澜岳峰川海江禾木森林原"
)


def organisation(value: str, dice: Dice) -> str:
    """Another body of the same kind, as long as the real one."""
    if not _HANZI_RUN.search(value):
        return _latin(value, dice)
    kind = next((kind for kind in _KINDS if value.endswith(kind) and len(value) > len(kind)), "")
    return _stem(value[: len(value) - len(kind)], dice) + kind


def _stem(stem: str, dice: Dice) -> str:
    home = next((place for place in (*PROVINCES, *CITIES) if stem.startswith(place)), "")
    other = _place(len(home), dice) if home else ""
    return other + _HANZI_RUN.sub(lambda run: _brand(len(run[0]), dice), _latin(stem[len(home) :], dice))


def _brand(length: int, dice: Dice) -> str:
    return dice.text(_BRANDS, length) if length < 4 else dice.text(SYLLABLES, length)


def _place(length: int, dice: Dice) -> str:
    same = [place for place in CITIES if len(place) == length]
    return dice.choice(same or CITIES)


def address(value: str, dice: Dice) -> str:
    """The same parts with other names and numbers in them."""

    def part(match: re.Match[str]) -> str:
        name, level = match[1], match[2]
        if name is None:
            return match[0]  # of a number: 3号楼
        if level in ("省", "自治区"):
            return dice.choice(PROVINCES[4:28]) + level
        if level in ("市", "自治州", "地区"):
            return _place(len(name), dice) + level
        return _area(len(name), dice) + level

    made, at = [], 0
    for match in _PART.finditer(value):
        made += [_rest(value[at : match.start()], dice), part(match)]
        at = match.end()
    made.append(_rest(value[at:], dice))
    return _NUMBER.sub(lambda match: _number(len(match[0]), dice), "".join(made))


def _area(length: int, dice: Dice) -> str:
    if length == 2:
        return dice.choice(AREAS)
    return dice.text(_BRANDS, length)


def _rest(text: str, dice: Dice) -> str:
    """What has no level: a bare name of a place, a building, English."""
    return _HANZI_RUN.sub(lambda run: _area(len(run[0]), dice), _latin(text, dice))


def _number(length: int, dice: Dice) -> str:
    return dice.choice("123456789") + dice.text(string.digits, length - 1)


def _latin(text: str, dice: Dice) -> str:
    """Words that can be spoken, in the case of the real ones; what says which kind it is stays."""

    def other(match: re.Match[str]) -> str:
        said = match[0]
        if said.lower() in _ENGLISH:
            return said
        made = "".join(dice.choice("bdfgklmnprstv" if at % 2 == 0 else "aeiou") for at in range(len(said)))
        return made.upper() if said.isupper() else made.title() if said[0].isupper() else made

    return _WORD.sub(other, text)
