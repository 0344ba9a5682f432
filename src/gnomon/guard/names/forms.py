"""Chinese organisations that a legal form ends (有限公司, 专业合作社, 杭州分公司).

A reader is told where they end, and what it takes for one begins where a name may begin.
"""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from gnomon.guard.names.features import codes
from gnomon.guard.names.lexicon import LONGEST, Lexicon
from gnomon.guard.names.places import CITIES, PROVINCES
from gnomon.guard.names.surnames import SURNAMES
from gnomon.guard.names.tagger import TAGS, Floats
from gnomon.guard.view import Found

ENTITY: Final = "ORGANIZATION"
NATS: Final = 2.0
"""What speaks for each character of a form to be part of a name, and for the last to end it."""
_MIDDLE, _LAST = (TAGS.index(f"{place}-{ENTITY}") for place in "ME")
Form = tuple[int, int]

_HAN: Final = "一-鿿"
_WORKS_TEXT: Final = (
    "印刷 机械 五金 食品 服装 纺织 化工 家具 塑料 塑胶 制药 玩具 电子 电器 模具 加工 制造 水泥 钢铁 造纸 化肥 农药 "
    "修配 修理 包装 皮革 陶瓷"
)
_FORM: Final = (
    r"(?:(?:[(（](?:集团|控股)[)）]|集团|控股|股份)?有限(?:责任)?|股份|集团)公司"
    r"|专业合作社|合作联社|(?:律师|会计师|税务师)事务所|(?:中心|企业|事务所)(?=[(（][^()（）]{2,4}合伙[)）])"
    rf"|(?:{'|'.join(_WORKS_TEXT.split())})厂"
)
_BRANCH: Final = rf"(?:(?![与和及的在向])[{_HAN}]){{0,6}}?(?:分公司|分行|支行|营业部|办事处|分所)"
_END: Final = re.compile(rf"(?:{_FORM})(?:[(（](?:有限|普通|特殊普通)合伙[)）])?(?:{_BRANCH})?")
_MAYBE: Final = re.compile("公司|合伙|合作|事务所|厂")

_SIGNS: Final = re.compile(r"[\s【】\[\]“”‘’「」『』、，。：；！？,.:;!?·\-—_/|)）>》]+")
"""What no name begins with."""
_CUT: Final = re.compile(r"[(（](?![^()（）]*[)）])|[,，、;；:：\"“”]|(?<![A-Za-z])\s|\s(?![A-Za-z])")
_JOINED: Final = re.compile("[与和及、,，;；]")
_PERSON: Final = re.compile(f"[{''.join(sorted(set(SURNAMES[:360])))}][{_HAN}]{{1,2}}")
_LEADS_TEXT: Final = (
    "租户 经销商 客户 供应商 承包商 代理商 厂商 商家 卖家 买家 房东 雇主 甲方 乙方 丙方 贵司 我司 单位 抬头 原告 被告 "
    "出票人 收款人 付款人 承租人 出租人 投保人 委托人 受托人 担保人 发货人 收货人 申请人 发包人 承包人 "
    "上次 上周 上月 昨天 今天 明天 昨日 今日 近日 日前 目前 现任 现为 曾任 历任 入职 就职 任职 供职 来自 隶属 名为 "
    "名叫 叫做 原名 前身 以及 并且 由于 因为 关于 对于 根据 按照 通过 要求 同意 委托 授权 转给 寄给 发给 交给 卖给 "
    "付给 我是 这是 你好 您好 其中 包括 例如 比如 加入 出任 收购 起诉 投诉 联系 确认 告知 通知 感谢 欢迎"
)
_LEADS: Final = re.compile(
    f"{'|'.join(_LEADS_TEXT.split())}"
    "|(?<=[们我你他她方司])[和同]|(?<=[载写注证说表声])明|因(?!特)|从(?!化)|由|与|及|向(?![阳日上东荣])|被|把|给|跟|据"
    "|叫|让|称(?!心)|在|是|对|为(?!民)|(?<=[职位任属])于|(?<=抬头)开|(?<=[0-9])转|(?<=[入任])职|(?<=[就入])任"
)
"""What leads to a name and is no part of it."""
_LED: Final = re.compile(f"(?:{_LEADS.pattern})$")
_LETTER: Final = re.compile(rf"致(?=[{_HAN}()（）A-Za-z0-9]{{4,40}}[:：])")
"""How a letter begins."""
_ALONE: Final = frozenset(
    "的了着过在与和由向给被把对为是称经据将及或从因致于开到至去来之等各该本我你他她它其这那某第每此让请找叫见说讲问告送寄发付交收买卖入进"
    "出任职以并则也都还就又均未已曾现后前内上下中兼年月日号时"
)
"""Words of one character that stand before names."""
_VOTED: Final = frozenset("和同致经将到任职请找开明至于上")
"""Such as may also begin one: there a second reader decides."""
_WORDS: Final = frozenset((6, 7, 8, 9, 10))
_NOUN: Final = 5
"""Classes of the dictionary: what a name does not end in, and what it may."""
_MOST: Final = 3
"""Characters that a reader may have missed of a name's beginning."""
_LONGEST_LEAD: Final = 8
_ZONE: Final = re.compile("(?:开发|高新|经开|保税)区?$")
_HOME: Final = re.compile("|".join(sorted({*PROVINCES, *CITIES}, key=len, reverse=True)))


def ends(text: str) -> list[Form]:
    """Where the legal forms in a sentence begin and end."""
    return [match.span() for match in _END.finditer(text)] if _MAYBE.search(text) else []


def leaning(text: str) -> Floats | None:
    """What speaks for each tag at each character; nothing where there is no form."""
    if not (found := ends(text)):
        return None
    more = np.zeros((len(text), len(TAGS)), np.float32)
    for start, end in found:
        more[start : end - 1, _MIDDLE] += NATS
        more[end - 1, _LAST] += NATS
    return more


def shaped(text: str, found: list[Found], words: Lexicon) -> list[Found]:
    """The findings without signs before them; those with a legal form begin and end where such may."""
    formed = ends(text) if found else []
    whole: list[Found] = []
    for item in sorted(part for one in found for part in _parts(text, one, formed)):
        form = next((one for one in formed if item.start < one[1] <= item.end), None)
        if form is None or item.entity != ENTITY:
            whole.append(item)
            continue
        item = _with_last(text, item, whole, formed)
        if item.start < form[0]:
            least = whole[-1].end if whole else 0
            whole.append(item._replace(start=_begin(text, item.start, form[0], least, words)))
        elif item.end > form[1] or not _is_edge(text, item.start, words):
            whole.append(item)  # and nothing but a form is none
    return whole


def voted(text: str, longer: Found, others: list[Found]) -> Found:
    """The longer of two readings, without what another left out that may stand before a name."""
    for one in others:
        begins_later = one.end == longer.end and one.start == longer.start + 1 and text[longer.start] in _VOTED
        if begins_later and not _is_led(text, longer.start):
            return one
    return longer


def _parts(text: str, item: Found, formed: list[Form]) -> Iterator[Found]:
    """What a finding consists of: one that ends inside a form ends with it, and none goes on behind a comma."""
    sign = _SIGNS.match(text, item.start, item.end)
    start = sign.end() if sign else item.start
    if item.entity == ENTITY:
        item = item._replace(end=next((end for begin, end in formed if begin < item.end < end), item.end))
        for begin, end in formed:
            if not start < end <= item.end:
                continue
            for cut in _CUT.finditer(text, start, begin):
                if cut.start() > start:
                    kind = "PERSON" if _PERSON.fullmatch(text, start, cut.start()) else ENTITY
                    yield item._replace(start=start, end=cut.start(), entity=kind)
                start = cut.end()
            if joined := _JOINED.match(text, end, item.end):
                yield item._replace(start=start, end=end)
                start = joined.end()
    if start < item.end:
        yield item._replace(start=start)


def _with_last(text: str, item: Found, whole: list[Found], formed: list[Form]) -> Found:
    """The finding with the last one, where that is its beginning; a word that leads to it is taken back."""
    last = whole[-1] if whole else None
    if not last or last.entity != ENTITY or last.end != item.start or any(end == last.end for _, end in formed):
        return item
    whole.pop()
    is_lead = _LEADS.fullmatch(text, last.start, last.end) or text[last.start : last.end] in _ALONE
    return item if is_lead else item._replace(start=last.start)


def _begin(text: str, start: int, form: int, least: int, words: Lexicon) -> int:
    """Where the name begins that was read from `start`: behind what leads to it, or before, where that was missed."""
    if start == 0 and (letter := _LETTER.match(text)):
        return letter.end()
    begin = start
    while (lead := _LEADS.match(text, begin, form)) and form - lead.end() >= 2:
        begin = lead.end()
    if begin > start or _HOME.match(text, start):
        return begin
    if zone := _ZONE.search(text, max(least, start - 4), start):
        return zone.start()
    for at in range(start, max(least, start - _MOST) - 1, -1):
        if at == least or _is_edge(text, at, words, is_number=text[start].isdigit()):
            return at
    return start


def _is_edge(text: str, at: int, words: Lexicon, *, is_number: bool = False) -> bool:
    """Whether a name may begin there: behind a sign, or a word that is none of a name's."""
    if at == 0 or not "一" <= text[at - 1] <= "鿿" or text[at - 1] in _ALONE or _is_led(text, at):
        return True
    for length in range(2, min(LONGEST, at) + 1):
        kind = int(words.classes(codes(text[at - length : at]), length)[0])
        if kind in _WORDS or (kind == _NOUN and not is_number):
            return True
    return False


def _is_led(text: str, at: int) -> bool:
    return _LED.search(text, max(0, at - _LONGEST_LEAD), at) is not None
