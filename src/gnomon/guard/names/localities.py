"""Bare names of places in Chinese text: what is known of them, and what a tagger's reading needs before it is one.

Only a policy that asks for LOCATION has them looked for. A tagger reads the sentence once more, leaning to the places
that are known here (`leaning`); what it then takes for places is trimmed, prolonged or dropped by what they consist of
(`settled`). A place gives way to every other name that it meets, but for a person who is part of it: 邓小平故居.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from babel import Locale

from gnomon.guard.names import english_places
from gnomon.guard.names.places import CITIES, PROVINCES
from gnomon.guard.names.tagger import PLACE as ENTITY
from gnomon.guard.names.tagger import TAGS
from gnomon.guard.view import Found

_CORPUS: Final = Path(__file__).with_name("corpus")
_HAN: Final = "一-鿿"
_CHINESE: Final = re.compile(f"[{_HAN}]")
_NAME: Final = re.compile(f"[{_HAN}]{{2,}}")
_ABOUT: Final = re.compile(r"（.*）|-.*")
# Places of CLDR that are none, or mostly something else: 中非 is also China and Africa, 昭和 a reign, 戴维斯 a person.
_NOT_TEXT: Final = "世界 欧盟 欧元区 联合国 未知地区 伪地区 伪双向语言地区 未知城市 中非 昭和 戴维斯 凤凰城 利马"
_NOT: Final = frozenset(_NOT_TEXT.split())
_SURE: Final = 3
"""Characters from which on a known name is hardly anything else; of two, countries and provinces."""
_MORE: Final = (1.5, 3.0)
"""What speaks for a known name to be a place, in nats: for one that may be something else, and for the others."""
_KNOWN_SCORE: Final = 0.85
_SCORE: Final = 0.7
_TITLED: Final = 0.9
"""A person whose title stands beside the name is no place."""
_BEGIN, _MIDDLE, _END = (TAGS.index(f"{place}-{ENTITY}") for place in "BME")

# 昨日中美…: the first of a pair may be the end of another word; 中美洲, 欧美味: its last the beginning of one.
_NO_PAIR: Final = "[来昨今当每周整终某穿超优其集]"
_NO_NAME: Final = "[洲东西部国食元好妙女味律庭官语文式军午旬间期前常后士来黎度尼夏秋裔阳鲜加及贡典纪古代]"
_LINE: Final = "高铁|地铁|高速|铁路|线|通行证|居民|台"
_TWO: Final = (
    "两|[三四五]国|关系|双方|双边|合作|贸易|友好|边境|边界|联合|之间|建交|战争|谈判|首脑|元首|领导|人民|经贸|交流|协定|高层|"
    "战略|对话"
)
# One character for a country or a city, where what stands beside it says so: 访华, 在京, 美方, 台商, 俄外长.
_ALONE: Final = re.compile(
    "(?<=[访赴驻旅抵离返来在对侨回进晋飞])[华京沪](?![盛夏人侨北东南中裔润为山丽贵清西泰尔纳剧戏味城华九津派族郊深市灯沙])"
    "|(?<=[访赴驻旅侨])[美日英法德俄韩朝印欧澳港台粤津渝藏]"
    "(?![国洲丽容好食元术妙女味满学感常前益夜后期报本程子渐历湾北中南州风上下口珠城阳盟雄语律院官罗鲜廷度尼])"
    rf"|(?:(?<![{_HAN}])|(?<=[与和同向对由使被让是的及]))[中美日俄英法德韩朝印巴欧以伊埃]方(?![面法向式针案程便形圆位才])"
    "|(?<![平柜吧舞讲站前后阳电擂月灶塔炮])台(?=[商胞独资])|港(?=[股府督商胞资])"
    "|(?<![今昨明近当终])[俄美英法日德韩朝印](?=外长|总统|政府|首相|国防部)"
    f"|(?<![{_HAN}])[美日英法德俄韩](?=军)"
    "|[美英法德日俄韩加澳印华](?=籍)|(?<!中)华(?=[人侨裔](?![民居]))"
)
_NATIONS: Final = "中美日英法德俄意韩朝印加澳港台巴以伊埃葡西塞越泰芬"
# Countries by one character each: 中、美、日; 中葡两国, 澳葡当局, but 厄、埃塞两国.
_LISTED: Final = re.compile(
    f"[{_NATIONS}](?:[、和与][{_NATIONS}]){{2,}}"
    f"|(?!埃塞)[{_NATIONS}]{{2}}(?=两国|建交|双边|边境|边界|首脑会|经贸|当局|双方)"
)
# 发展中国家: no China.
_OTHER: Final = re.compile("(?<=发展)中国家")
_PAPER: Final = re.compile("通行证|居民(?:身份|居住|来往)")
# What makes a known name a longer one: 山东省, 黔西南布依族苗族自治州; not 上海市民, 天津市场.
_RANK: Final = re.compile(
    rf"(?:[{_HAN}]{{1,5}}?族){{1,4}}自治[州县区旗]|特别行政区|自治[州县区旗]|省(?![级委会长])|市(?![民场长委值价面政中内级直])"
    "|[县州](?![长委域级])|(?<![国洲太])区(?![长委域级])"
)
_LAW: Final = "法|条例|条约|公约|协定|协议|办法|规定|规划|纲要|声明|公报|计划|意见|通知|决定"
_WORK: Final = re.compile(f"(?:《|^)(?![^《》]*(?:{_LAW})》)[^《》]{{1,40}}》|《[^《》]{{1,40}}$")
"""Titles of works other than laws, of which the sentence may have been cut off a part."""
# What follows a place and is not part of its name.
_REST: Final = re.compile(
    "(?:地区|[东西南北中]部|流域|沿岸|一带|境内|各地|各市|全境|政府|两国|大陆|世界|山麓|人民|国家|之间)$"
)
_ENDS: Final = frozenset(
    "省市县区州镇乡村屯庄寨路街巷道桥湾港岛湖河江山峰岭海洋洲峡沟谷泉溪池潭洞滩坡塘城园苑宫寺庙塔楼馆场站厦厅关门口堡院居邦郡府坊营"
)
# 本报巴黎五月三日电: who tells it from where.
_AGENCIES: Final = ("本报", "华社", "新社")
_DATE: Final = re.compile("[0-9一二三四五六七八九十]{1,3}月")
_WEATHER: Final = re.compile("(?:多云|[晴阴](?![^转])|(?:雷阵|阵|[小中大暴])[雨雪]).*")
_DOUBTED: Final = 2
"""Characters behind a known name that LAC may take for part of it without a reason."""
_KINDS: Final = frozenset("省市县区州盟旗山河江湖海岛原廊")
_SITE = (
    "空军基地|球场|广场|步行街|小区|金融商务区|商务区|艺术区|艺术村|度假区|开发区|工业区|工业园|产业园|园区|新区|小镇|大桥|大厦|火车站|"
    "公园|体育场|体育馆|半岛|群岛|海峡|海域|海滩|沙滩|雪山|山脉|火山|峡谷|峡湾|瀑布|高原|平原|盆地|草原|沙漠"
)
_PROSE = "的了是在和与及或从到向将被把等"
_NO_FIRM = "(?!公司|集团|大学|学院|银行)"
# What may follow a place within its name, a few characters between; and what a person's name beside it is part of.
_SITES: Final = re.compile(
    rf"(?:(?![{_PROSE}])[{_HAN}]){{0,5}}?(?:{_SITE}|古镇|古城|高新区|科技园|保税区|新城|国际机场|机场|高铁站|车站|地铁站|体育中心|会议中心|会展中心|"
    rf"购物中心|商业街|文化街|批发市场|海岸|雨林|市区|县城|城区)(?![{_HAN}]?(?:公司|集团|大学|学院|银行))"
)
_CALLED: Final = re.compile(
    rf"(?:(?:国际)?(?:{_SITE}|机场|中心|片区|热带雨林|大道|大街)|[岛湖河湾州郡县镇村路街](?![{_HAN}])){_NO_FIRM}"
)
_NOBODY: Final = re.compile("(?:[村镇乡县屯寨湾沟]|新城|大道|[^大小][路街])$")
"""How no person's name ends."""

Known = NamedTuple("Known", [("start", int), ("end", int), ("is_sure", bool)])  # noqa: UP014 - three words, one line


class _Words(NamedTuple):
    """What is known: names and whether they are sure, general words, and places of one character beside one another."""

    names: dict[str, bool]
    longest: int
    general: frozenset[str]
    beside: re.Pattern[str]


@cache
def _words() -> _Words:
    parts = re.split(
        r"^\[(\w+)\]\n",
        re.sub(r"^#.*\n", "", (_CORPUS / "localities.txt").read_text(encoding="utf-8"), flags=re.M),
        flags=re.M,
    )
    read = {title: text.split() for title, text in zip(parts[1::2], parts[2::2], strict=True)}
    names = {name: len(name) >= _SURE for name in (*read["known"], *_cities(), *CITIES, *_districts())}
    names |= dict.fromkeys((*_countries(), *PROVINCES), True)
    beside, between = ("|".join(sorted(read[title], key=len, reverse=True)) for title in ("beside", "between"))
    pattern = rf"(?<!{_NO_PAIR})(?:(?:{beside})(?!{_NO_NAME}|{_LINE})|(?:{between})(?={_TWO}))"
    return _Words(names, max(map(len, names)), frozenset(read["general"]), re.compile(pattern))


def _countries() -> list[str]:
    """Countries and continents, as CLDR calls them in Chinese."""
    return _chinese(Locale("zh", script="Hans").territories.values())


def _cities() -> list[str]:
    """The cities that time zones are called after."""
    return _chinese(zone.get("city", "") for zone in Locale("zh", script="Hans").time_zones.values())


def _districts() -> list[str]:
    return (_CORPUS / "districts.txt").read_text(encoding="utf-8").split()


def _chinese(names: Iterable[str]) -> list[str]:
    bare = (_ABOUT.sub("", name) for name in names)
    return [name for name in bare if _NAME.fullmatch(name) and name not in _NOT]


def known(text: str) -> list[Known]:
    """The known names in a text from the left, at each place the longest. All are Chinese characters alone."""
    return [name for run in _NAME.finditer(text) for name in _within(text, run.start(), run.end())]


def _within(text: str, at: int, stop: int) -> Iterator[Known]:
    """Those in a run of Chinese characters."""
    words = _words()
    while at < stop - 1:
        for length in range(min(words.longest, stop - at), 1, -1):
            is_sure = words.names.get(text[at : at + length])
            if is_sure is not None and not _OTHER.match(text, at):
                rank = _RANK.match(text, at + length)
                end = rank.end() if rank else at + length
                yield Known(at, end, is_sure or rank is not None)
                at = end
                break
        else:
            at += 1


def leaning(text: str) -> npt.NDArray[np.float32]:
    """What speaks for each tag at each character of a text that names known places, and may be longer names."""
    more = np.zeros((len(text), len(TAGS)), np.float32)
    for start, end, is_sure in known(text):
        nats = _MORE[is_sure]
        more[start, (_BEGIN, _MIDDLE)] += nats
        more[end - 1, (_END, _MIDDLE)] += nats
        more[start + 1 : end - 1, _MIDDLE] += nats
    return more


def settled(text: str, names: list[Found], read: list[Found], *, is_wary: bool) -> list[Found]:
    """`names`, and the places among them: of what was `read` as places, and what is known.

    `is_wary`: who read takes more for places than there are, so that what nothing speaks for is none.
    """
    latin = [item for item in read if not _CHINESE.search(text, item.start, item.end)]
    works = [Found(*work.span(), "") for work in _WORK.finditer(text)]
    taken = [item for item in names if _is_place(text, item) and not _meets(item, works)]
    names = [item for item in names if item not in taken]
    sure = [item._replace(entity=ENTITY) for item in taken]
    people = [item for item in names if item.entity == "PERSON"]
    places = _apart(list(_of_people(text, people)), _found(text, [one for one in read if one not in latin], is_wary))
    places = _apart(sure, places)
    others = [item for item in names if item.entity != "PERSON" and not _is_pair(places, item)] + works
    places = [place for place in places if not _meets(place, others)]
    found = [item for item in names if not _is_all_of(places, item)] + places
    return found + [item for item in latin if item.score >= english_places.SURE or not _meets(item, found)]


def _found(text: str, read: list[Found], is_wary: bool) -> list[Found]:
    """What was read as places, each place once; those of one character; and what is known for sure besides."""
    names = known(text)
    alone = list(_alone(text))
    kept = [
        place
        for item in _joined(read)
        if not _is_of(alone, item, names) and (place := _place(text, item, names, is_wary))
    ]
    whole = [item._replace(score=_KNOWN_SCORE if _is_sure(item, names) else _SCORE) for item in _joined(sorted(kept))]
    sure = [Found(one.start, one.end, ENTITY, _KNOWN_SCORE) for one in names if one.is_sure]
    return _apart(_apart(whole, alone), sure)


def _place(text: str, item: Found, names: list[Known], is_wary: bool) -> Found | None:
    """What is the name of a place in it, with what follows and belongs to it; None where it is no name."""
    start, end = item.start, item.end
    if text.startswith("日电", start - 1) and end - start > 2:
        start += 1  # 5月3日电, of an agency
    while (rest := _REST.search(text, start, end)) and rest.start() - start >= 2:
        end = rest.start()
    if (weather := _WEATHER.search(text, start + 2, end)) is not None:
        end = weather.start()
    if (of := text.find("的", start + 2, end)) > 0:
        end = of
    if text[start:end] in _words().general or _PAPER.match(text, end):
        return None
    within = [one for one in names if one.start < end and start < one.end]
    if end - start <= 2 or text[end - 1] not in _ENDS:
        if is_wary and not within and end - start <= 2:
            return None
        end = _spoken_for(start, end, within, end if is_wary else _DOUBTED)
    if is_wary and len(within) == 1 and within[0].is_sure and within[0].end == end and within[0].start - start <= 3:
        start = within[0].start  # 距西湖
    site = _SITES.match(text, end)
    return Found(start, site.end() if site else end, ENTITY, item.score)


def _spoken_for(start: int, end: int, within: list[Known], most: int) -> int:
    """Where a known name ends that it begins with, if nothing speaks for the few characters behind: 大阪乘."""
    first = max((one.end for one in within if one.start == start and one.end < end), default=0)
    is_more = end - first > most or any(one.start >= first for one in within)
    return end if is_more or not first else first


def _alone(text: str) -> Iterator[Found]:
    """Places that one character stands for."""
    for match in _words().beside.finditer(text):
        yield from (Found(at, at + 1, ENTITY, _KNOWN_SCORE) for at in range(*match.span()))
    for match in _ALONE.finditer(text):
        yield Found(match.start(), match.start() + 1, ENTITY, _KNOWN_SCORE)
    for match in _LISTED.finditer(text):
        yield from (Found(at, at + 1, ENTITY, _KNOWN_SCORE) for at in range(*match.span()) if text[at] in _NATIONS)


def _of_people(text: str, people: list[Found]) -> Iterator[Found]:
    """Places that were taken for people, whole or by their beginning."""
    for item in people:
        if (
            item.end - item.start >= 3
            and _NOBODY.search(text, item.start, item.end)
            and "·" not in text[item.start : item.end]
        ):
            yield Found(item.start, item.end, ENTITY, 1)
        elif called := _CALLED.match(text, item.end):
            yield Found(item.start, called.end(), ENTITY, _KNOWN_SCORE)


def _is_of(alone: list[Found], item: Found, names: list[Known]) -> bool:
    """Whether a short reading is nothing but places of one character each, and a letter: 中美, 美方."""
    inside = sum(item.start <= one.start < item.end for one in alone)
    return inside > 0 and item.end - item.start - inside < 2 and not _is_sure(item, names)


def _is_all_of(places: list[Found], item: Found) -> bool:
    """Whether someone who has no title is nothing but places (印巴), or what was taken for an organisation is."""
    is_untitled = item.entity == "PERSON" and item.score < _TITLED
    return (is_untitled and _covers(places, item)) or _is_pair(places, item)


def _is_pair(places: list[Found], item: Found) -> bool:
    """Whether what was taken for an organisation is two places, of one character each: 中葡."""
    return item.entity == "ORGANIZATION" and item.end - item.start == 2 and _covers(places, item)


def _covers(places: list[Found], item: Found) -> bool:
    within = {at for one in places if _meets(one, [item]) for at in range(one.start, one.end)}
    return within == set(range(item.start, item.end))


def _is_place(text: str, item: Found) -> bool:
    """Whether an organisation is nothing but a known place that says what it is: 河北省, 河西走廊."""
    if item.entity != "ORGANIZATION":
        return False
    is_dated = text.startswith(_AGENCIES, item.start - 2) and _DATE.match(text, item.end)
    if not is_dated and (item.end - item.start < _SURE or text[item.end - 1] not in _KINDS):
        return False
    return any((one.start, one.end) == (item.start, item.end) and (one.is_sure or is_dated) for one in known(text))


def _is_sure(item: Found, names: list[Known]) -> bool:
    return any(one.start <= item.start and item.end <= one.end and one.is_sure for one in names)


def _joined(read: list[Found]) -> list[Found]:
    """Places that touch are one, as an address is; in order."""
    found: list[Found] = []
    for item in sorted(read):
        if found and item.start <= found[-1].end:
            found[-1] = found[-1]._replace(end=max(item.end, found[-1].end))
        else:
            found.append(item)
    return found


def _apart(first: list[Found], others: list[Found]) -> list[Found]:
    """The first, and of the others those that meet none of them."""
    found = list(first)
    found += [item for item in others if not _meets(item, first)]
    return found


def _meets(item: Found, others: list[Found]) -> bool:
    return any(item.start < other.end and other.start < item.end for other in others)
