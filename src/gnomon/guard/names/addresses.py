"""Chinese postal addresses by their grammar: province, city, district, town, road, number, building, unit, room.

An address is a row of parts, each a name with a suffix (…市, …路) or a number with a unit (12号, 3栋). One part alone
is a place, not an address: it takes a number, or a road or village within two districts.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from gnomon.guard.names.places import CITIES, PROVINCES
from gnomon.guard.view import Found

Part = NamedTuple("Part", [("start", int), ("end", int), ("kind", str)])  # noqa: UP014 - three words, one line

ENTITY: Final = "ADDRESS"
LONGEST: Final = 96

_HAN = "一-鿿"
_ADMIN = "自治区|特别行政区|自治州|自治县|自治旗|地区|省|(?<![股楼])市|盟|区|县|旗|州"
_TOWN = "街道办事处|街道|镇|乡|苏木|开发区|新区|园区|工业区|工业园|保税区|度假区|林场|农场"
_ROAD = "大道|大街|公路|国道|省道|路|街|巷|弄|胡同|里弄|条|干线|道|桥|浜|堤|交叉口|交汇处|路口"
_VILLAGE = "社区|居委会|村委会|行政村|自然村|新村|村|屯|庄|堡|寨|坞|岙|湾|坊|里|组|工业小区"
_PLACE = (
    "小区|花园|花苑|公寓|大厦|大楼|广场|中心|家园|名苑|雅苑|嘉园|苑|园|城|府|庭|轩|阁|居|邸|墅|宿舍|家属院|家属楼|综合楼|办公楼|厂房|院|"
    "酒店|宾馆|饭店|市场|商场|商城|超市|大学|学院|中学|小学|学校|幼儿园|医院|卫生院|银行|公司|集团|工厂|厂|店|馆|站|仓库|码头|机场|基地|门口|对面|旁边"
)
_UNIT = (
    "号楼|号院|号门|号库|号|弄|支弄|幢|栋|棟|座|楼|单元|单|室|户|层|组|队|门|房|铺|档|"
    "[Ff](?![A-Za-z])|区|期|排|库|车间|院|厅|梯|#|村|路"
)
_COUNT = (
    r"(?:[0-9]{1,5}[A-Za-z]?|[A-Za-z][0-9]{0,5}|[一二三四五六七八九十百零〇]{1,5}"
    r"|[甲乙丙丁东南西北中前后][一二三四五六七八九十0-9]{0,2})(?:[-—–/#.~][0-9A-Za-z]{1,5}){0,4}"
)
_NUMBER: Final = re.compile(
    rf"(?!(?:19|20)[0-9]{{2}}[-/.])(?:(?:第|附|地下|负)?{_COUNT}(?:{_UNIT})(?:之[0-9一二三四五六七八九十]{{1,2}})?(?![线年月日周])"
    rf"|[A-Za-z]?[0-9]{{1,5}}(?:[-—–/#][A-Za-z0-9]{{1,5}})+(?![0-9])"
    rf"|[A-Za-z]?[0-9]{{2,5}}[A-Za-z]?(?![0-9A-Za-z.%℃°‰]|(?![了的是])[{_HAN}]))"
)
# Words that stand in sentences, not in the names of places.
_PROSE = "的了是我你他她它们这那就也还很把被给着吗呢吧啊说及或但而请谁已"
_NAME = rf"[^\W_{_PROSE}]"
_NAMED: Final = re.compile(
    rf"{_NAME}{{1,9}}?(?:(?:(?P<town>{_TOWN})|(?P<admin>{_ADMIN}))(?:区|市|县|镇)?|(?P<road>{_ROAD})(?:街道)?"
    rf"|(?P<place>{_PLACE})|(?P<village>{_VILLAGE}))(?!大道|[路街巷弄])"
)
_KNOWN: Final = re.compile(
    rf"(?:中国)?(?:{'|'.join(sorted({*PROVINCES, *CITIES}, key=len, reverse=True))})"
    rf"(?:维吾尔自治区|壮族自治区|回族自治区|{_TOWN}|{_ADMIN}|{_ROAD})?"
)
_LOOSE: Final = re.compile(rf"(?![0-9]){_NAME}{{2,8}}?(?<![0-9])(?={_NUMBER.pattern})")
"""A name without suffix, before a number."""
_ROADLIKE: Final = re.compile(rf"(?:{_ROAD}|{_TOWN})\Z")
# What stands before an address. A few of the characters also begin the names of places.
_STRONG = (
    "住址|地址|位于|住在|家住|现住|寄到|寄往|寄至|送到|送往|送至|发到|发往|搬到|地点|"
    "籍贯|户籍地?|居住地?|坐落|住所|门牌"
)
_STRONG_LEAD: Final = re.compile(rf"(?:{_STRONG})[为是在于到至:：]?\Z")
_LEAD: Final = re.compile(
    rf"{_STRONG}|[住在到往址]|至(?![善诚德])|于(?![洪都田潜])|从(?![化江])|为(?!民)|寄|送|去|[:：]"
)
_STRETCH: Final = re.compile(rf"[{_HAN}A-Za-z0-9\-—–_·#/~ .:：]{{4,}}")
_BETWEEN: Final = re.compile(r"[ _\-—–#·.与]{0,2}")
_TAIL: Final = re.compile(rf"(?:{_NAME}|[_\-—–·]){{1,24}}(?=[{_PROSE} ]|\Z)")
_PEOPLE: Final = re.compile("收|先生|女士|小姐|电话|手机|联系|快递|订单|客户|发生|进行|举行|提供|获|等")
# What happens somewhere: an address says only where.
_DEEDS_TEXT: Final = (
    "举行 举办 举报 召开 开展 开放 开通 开工 开幕 开业 开始 启动 发布 发生 发现 宣布 公布 公示 公告 签署 "
    "签约 签订 走进 走访 走向 亮相 加强 加快 加大 推进 推动 推出 推行 打造 建成 成立 成为 实施 实现 完成 "
    "进行 提供 提升 提醒 参加 参与 参观 组织 制定 落幕 欢迎 交付 入选 获得 获奖 荣获 出台 出现 出席 通过 "
    "通报 招生 招聘 招标 演出 表演 上演 上映 上涨 下跌 增长 下降 减少 增加 引发 导致 遭遇 遭到 突袭 面临 "
    "迎来 迎接 来袭 来到 来自 前往 前来 抵达 致力 助力 探访 探索 调查 调研 考察 检查 抽查 整治 打击 破获 "
    "抓获 查处 拘留 受伤 死亡 身亡 失踪 失联 坠亡 起火 爆炸 救援 关注 表示 告诉 称赞 认为 应该 不能 不容 "
    "不得 再次 首次 今天 昨天 昨日 今日 如何 怎么 怎样 什么 为何 为啥 多少 哪些 哪里 逐步 正式 即将 已经 "
    "正在 共同 全面 重新 多措并举 有望 或将 方便 上线 涨停 跌停 敲定 复建 助推 领跑 研判 挂牌 收购 "
    "融资 投产 夺冠 战胜 击败 对阵 晋级 打过 打交道"
)
_WEATHER: Final = "多云|雷阵雨|阵雨|[小中大暴][雨雪]|[阴晴]转|转[阴晴]|将有"
_DEEDS: Final = re.compile(f"{'|'.join(_DEEDS_TEXT.split())}|{_WEATHER}")
_ROOM: Final = re.compile(r"[室户房]\Z")
_WHOLE: Final = re.compile(rf"\s*(?:{_NAME}|[ _\-—–#·()（）、./~*+?]){{4,{LONGEST}}}\s*\Z")
_PLAIN: Final = re.compile(rf"{_NAME}*")
_LEVELS: Final = frozenset(("known", "admin", "town", "village"))
_NEAR = 8
"""How many characters a name without suffix may have between the words that lead to an address and its first part."""


def find(text: str) -> Iterator[Found]:
    """The addresses in a sentence; all of it where it is nothing but an address."""
    if _WHOLE.match(text) and _is_all(text):
        stop = len(text.rstrip())
        yield Found(len(text) - len(text.lstrip()), stop, ENTITY, 0.9)
        return
    for stretch in _STRETCH.finditer(text):
        at, end = stretch.span()
        while run := _run(text, at, end):
            low = _start(text, at, run[0])
            at = run[-1].end
            if _is_address(run, is_led=low.is_led):
                at = _tail(text, run, end)
                yield Found(low.place, at, ENTITY, 0.9)


def parts(text: str) -> list[Part]:
    """The parts of an address, in order; separators and what has no suffix stand between them."""
    found: list[Part] = []
    at = 0
    while run := _run(text, at, len(text)):
        found += run
        at = run[-1].end
    return found


def _is_all(text: str) -> bool:
    """Nothing but an address: several parts, and no more besides than a name or two.

    One place and what stands there is a name: 苏州宏远纺织公司.
    """
    if _DEEDS.search(text) or (_LEAD.search(text) and not _KNOWN.match(text.lstrip())):
        return False
    found = parts(text)
    covered = sum(part.end - part.start for part in found)
    kinds = [part.kind for part in found]
    levels = sum(kind in _LEVELS for kind in kinds) + kinds.count("town")
    if levels < 2 and "road" not in kinds and not _NUMBER.search(text):
        return False
    return len(found) >= 2 and covered * 5 >= len(text.strip()) * 2


_Start = NamedTuple("_Start", [("place", int), ("is_led", bool)])  # noqa: UP014


def _start(text: str, at: int, first: Part) -> _Start:
    """Where an address begins whose first part is known: after the words that lead to it, if they are near."""
    lead = max(_LEAD.finditer(text, at, first.start + 1), key=re.Match.end, default=None)
    if lead is None or first.start - lead.end() > _NEAR or not _PLAIN.fullmatch(text, lead.end(), first.start):
        return _Start(first.start, False)
    return _Start(lead.end(), _STRONG_LEAD.search(text, at, lead.end()) is not None)


def _run(text: str, at: int, end: int) -> list[Part]:
    """The first row of parts at or after `at` that touch one another."""
    part = _first(text, at, end)
    run = []
    while part:
        run.append(part)
        gap = _BETWEEN.match(text, part.end, end)
        part = _next(text, gap.end() if gap else part.end, end)
    return run


def _first(text: str, at: int, end: int) -> Part | None:
    """The earliest named part; cut at its left where a known place begins or words lead to it."""
    known, named = _KNOWN.search(text, at, end), _NAMED.search(text, at, end)
    if known and (not named or known.start() < named.end()):
        return _known(known)
    if not named:
        return None
    start = named.start()
    for lead in _LEAD.finditer(text, start, named.end() - 1):
        start = lead.end()
    return Part(start, named.end(), _kind(named))


def _next(text: str, at: int, end: int) -> Part | None:
    if known := _KNOWN.match(text, at, end):
        return _known(known)
    number, named = _NUMBER.match(text, at, end), _NAMED.match(text, at, end)
    if number and not (named and named.end() > number.end() and named.lastgroup in ("town", "road", "admin")):
        return Part(*number.span(), "number")
    loose = _LOOSE.match(text, at, end)
    is_name = loose and not any(one.search(text, at, loose.end()) for one in (_LEAD, _DEEDS))
    if loose and is_name and not (named and named.end() <= loose.end()):
        return Part(*loose.span(), "place")
    if not named or any(one.search(text, at, named.end() - 1) for one in (_LEAD, _DEEDS)):
        return None
    return Part(*named.span(), _kind(named))


def _known(match: re.Match[str]) -> Part:
    """A known name with the suffix of a road is a road: 延安路."""
    return Part(*match.span(), "road" if _ROADLIKE.search(match.group()) else "known")


def _kind(match: re.Match[str]) -> str:
    return match.lastgroup or "place"


def _is_address(run: list[Part], *, is_led: bool) -> bool:
    kinds = [part.kind for part in run]
    numbers = kinds.count("number")
    districts = kinds.count("known") + kinds.count("admin")
    streets = kinds.count("road") + kinds.count("village") + kinds.count("town")
    if is_led:
        return len(run) >= 2 or streets > 0
    if numbers:
        return bool(streets or (districts and "place" in kinds)) or (numbers >= 2 and len(run) > numbers)
    return streets > 0 and districts + streets >= 3


def _tail(text: str, run: list[Part], end: int) -> int:
    """Where the address ends: a short name without suffix may follow, up to the next sign."""
    last = run[-1]
    rest = _TAIL.match(text, last.end, end)
    if not rest or any(one.search(rest.group()) for one in (_PEOPLE, _DEEDS, _LEAD)):
        return last.end
    if last.kind == "number" and _ROOM.search(text, last.start, last.end) and len(rest.group()) <= 4:
        return last.end  # 301室张伟: a person
    return rest.end()
