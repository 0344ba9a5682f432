"""Names that are put together from our own lists: as long as the real one, and of no gender where that can be had."""

import re
from typing import Final

from gnomon.guard.names.inventing import read_words
from gnomon.guard.names.surnames import COMPOUND, SURNAMES
from gnomon.guard.surrogates.dice import Dice

GIVEN: Final = "文宁安清佳瑞嘉思远林江川云山青明平元晓新成齐向南春阳学华海永东世正中光立少金玉继庆"
"""Characters that are given to girls and boys alike."""
# How foreign names begin and end in Chinese, and characters that hardly stand in Chinese names.
_FIRST_SOUNDS: Final = (
    "阿艾安奥巴贝比博布查戴丹迪杜法菲弗福甘格哈赫霍吉加杰卡凯康科克库拉莱兰劳雷里罗洛"
    "马梅米莫纳内尼诺帕佩皮萨塞沙史索塔泰坦特托瓦威维韦沃西雅尤扎"
)
_LAST_SOUNDS: Final = "斯尔森顿特诺利曼克德尼逊奇纳拉罗迪恩格姆瓦多蒂洛兹"
_SOUNDS: Final = frozenset(
    "阿艾埃安昂奥巴拜班邦鲍贝本比彼毕宾波勃伯博布查茨达戴丹道德登邓迪蒂丁东杜顿多厄恩尔法凡范菲费芬丰冯佛弗夫福富盖甘冈高戈哥格葛根古瓜圭哈海汉豪赫黑亨胡华怀惠霍基吉"
    "加贾简杰捷金津卡凯坎康考科克肯孔库夸拉莱兰朗劳勒雷黎里理利立丽莉廉列林龙隆卢鲁路伦罗洛吕马玛迈麦曼芒梅门蒙米密明摩莫默姆木穆拿纳娜乃南内尼涅宁纽农努诺欧帕潘庞培"
    "佩彭皮平泼普珀奇齐恰乔切琴琼丘热仁日荣茹瑞若萨塞赛桑瑟森沙莎山尚绍舍申圣施什史士舒斯思斯松苏索塔泰坦汤唐陶特滕提廷通图托瓦万旺威韦维为魏温文翁沃乌武西希锡辛雄休"
    "许逊雅亚延扬耶叶伊易因英永尤于约宰赞扎詹章哲泽珍芝治朱卓兹祖佐汀库萊詹"
)
_FOREIGN_SIGN: Final = frozenset("尔斯特姆克普巴卡洛拉里尼勒迪德塞森顿逊弗霍奥伊耶莱雷努库哈萨莫罗诺蒂兹内佩皮阿瓦夫汉")
_FOREIGN_ENDS: Final = frozenset("斯尔特姆普顿逊弗勒迪塞")
_COMMON: Final = SURNAMES[:100]
_HANZI: Final = re.compile(r"[\u3400-\u9fff]")
_LATIN: Final = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]+")
_FIRST_TEXT: Final = (
    "Alex Robin Jordan Taylor Casey Morgan Jamie Riley Avery Quinn Rowan Sage Drew Reese Skyler Hayden Emerson Finley "
    "Parker Remy Blake Charlie Dakota Elliot Frankie Harper Jesse Kendall Lane Marley Noel Oakley Payton River Sidney"
)
_FIRST: Final = _FIRST_TEXT.split()
_LAST_TEXT: Final = (
    "Ashford Birch Calder Dunmore Eastley Fenwick Garland Holloway Ingram Kestrel Langley Marsden Norwood Oakes "
    "Penrose Quimby Redfern Stanwick Thornby Underhill Vance Westbrook Yarrow Ellwood Farrow Hadleigh Lockhart Merrow"
)
_LAST: Final = _LAST_TEXT.split()
_WELL_KNOWN: Final = ("欧阳", "司马", "上官", "诸葛", "慕容", "司徒", "夏侯", "皇甫", "尉迟", "令狐", "南宫")
_WORDS: Final = read_words()
SYLLABLES: Final = _WORDS["syllables"]
AREAS: Final = _WORDS["areas"]


def latin_word(dice: Dice) -> str:
    return dice.choice(_FIRST if dice.below(2) else _LAST)


def person(value: str, dice: Dice) -> str:
    """A name in the same script, of as many characters or words."""
    if _LATIN.search(value):
        return _latin(value, dice)
    parts = re.split(r"([·•・．.\s]+)", value)
    if len(parts) > 1:
        return "".join(foreign(len(part), dice) if _HANZI.match(part) else part for part in parts)
    return _chinese(value, dice)


def _chinese(value: str, dice: Dice) -> str:
    length = len(value)
    if length > 4 or (value[:1] not in SURNAMES and value[:2] not in COMPOUND) or _is_foreign(value):
        return foreign(length, dice)
    if length == 4 or value[:2] in COMPOUND:
        return dice.choice(_WELL_KNOWN) + dice.text(GIVEN, max(0, length - 2))
    return dice.choice(_COMMON) + dice.text(GIVEN, length - 1)


def _is_foreign(value: str) -> bool:
    """Written for its sound, all of it such characters as foreign names have: 詹姆斯."""
    if not _SOUNDS.issuperset(value):
        return False
    if len(value) < 3:
        return value[:1] not in _COMMON
    return not _FOREIGN_ENDS.isdisjoint(value) or len(_FOREIGN_SIGN.intersection(value)) > 1


def foreign(length: int, dice: Dice) -> str:
    """What foreign names of so many characters sound like."""
    if length < 2:
        return dice.text(_FIRST_SOUNDS, length)
    return dice.choice(_FIRST_SOUNDS) + dice.text(SYLLABLES, length - 2) + dice.choice(_LAST_SOUNDS)


def _latin(value: str, dice: Dice) -> str:
    words = list(_LATIN.finditer(value))

    def other(match: re.Match[str]) -> str:
        said = match[0]
        if len(said) == 1:
            return dice.choice("ABCDEFGHJKLMNPRSTVW")  # an initial
        made = dice.choice(_LAST if match.start() == words[-1].start() and len(words) > 1 else _FIRST)
        return made.upper() if said.isupper() else made.lower() if said.islower() else made

    return "".join(char if not _HANZI.match(char) else dice.choice(GIVEN) for char in _LATIN.sub(other, value))
