"""What a tagger takes for a name and is none: games, currencies, abbreviations, countries, kinds of people, code."""

import re
from collections.abc import Iterator
from typing import Final

from gnomon.guard.names.given import is_family, is_given, is_plain
from gnomon.guard.names.surroundings import ACTS, NAMED_BY
from gnomon.guard.view import Found

_THINGS_TEXT: Final = (
    "王者荣耀 英雄联盟 绝地求生 穿越火线 地下城与勇士 和平精英 守望先锋 炉石传说 魔兽世界 梦幻西游 我的世界 阴阳师 "
    "比特币 以太坊 莱特币 区块链 数字货币 安卓系统 安卓手机 大学生 中学生 小学生 研究生 毕业生 班主任 网约车 出租车 "
    "交通运输业 房地产业 制造业 服务业 公务员 业主 岳父 岳母 上联 下联 微信群 朋友圈 公众号 短视频 "
    "金山银山 绿水青山 保险公司 房地产企业 上市公司 开发商"
)
SHORT_TEXT: Final = (
    "CBD SUV MPV GPS APP App VR AR AI CEO CFO CTO HR GDP CPI IPO PPP NBA CBA WTA ATP KTV ETC VIP PPT PDF LED LCD USB "
    "CPU GPU PC DNA CT MRI ICU DNF LOL CF MSI KPL LPL RPG FPS 4S iOS Android Windows Linux WiFi 4G 5G "
    "Java JavaScript Python PHP SQL Excel Word JSON XML HTTP HTTPS API SDK ERP CRM ERROR WARN INFO DEBUG"
)
_COUNTRIES_TEXT: Final = (
    "美国 英国 法国 德国 日本 韩国 朝鲜 俄罗斯 乌克兰 白俄罗斯 意大利 西班牙 葡萄牙 荷兰 比利时 瑞士 瑞典 挪威 "
    "芬兰 丹麦 冰岛 爱尔兰 波兰 捷克 奥地利 匈牙利 希腊 土耳其 罗马尼亚 保加利亚 塞尔维亚 克罗地亚 加拿大 墨西哥 "
    "古巴 巴西 阿根廷 智利 秘鲁 哥伦比亚 委内瑞拉 澳大利亚 新西兰 印度 巴基斯坦 孟加拉国 斯里兰卡 尼泊尔 阿富汗 "
    "伊朗 伊拉克 叙利亚 以色列 巴勒斯坦 黎巴嫩 约旦 沙特 沙特阿拉伯 也门 阿联酋 卡塔尔 科威特 埃及 利比亚 苏丹 "
    "埃塞俄比亚 肯尼亚 尼日利亚 南非 摩洛哥 津巴布韦 越南 老挝 柬埔寨 泰国 缅甸 马来西亚 新加坡 印度尼西亚 印尼 "
    "菲律宾 蒙古 哈萨克斯坦"
)
_THINGS: Final = re.compile(
    f"{'|'.join((*_THINGS_TEXT.split(), *_COUNTRIES_TEXT.split()))}"
    f"|(?<![A-Za-z0-9])(?:{'|'.join(SHORT_TEXT.split())})(?![A-Za-z0-9])"
)


# What a record of an examination says that is no name, and how medicines and signs end.
_CLINICAL_TEXT: Final = (
    "平卧 神清 神清语利 律齐 律 腹 腹叩 腹软 叩鼓音 罗音 啰音 湿罗音 干罗音 项强 黄染 青紫 咽红 小梁 肉阜 双膝正 "
    "左膝正 右膝正 查体 查体双 查体后 左眉弓 右眉弓 中央沟 丹红 桑菊 清宣 知柏 安乃 银杏达莫 舒血宁 颈复康 鲜竹沥 "
    "康复科 子宫"
)
_MEDICINES_TEXT: Final = (
    "霉素 莫西林 拉西林 苄西林 唑西林 沙星 他汀 伐他丁 托洛尔 索洛尔 那普利 托普利 雷米普利 沙坦 氯地平 苯地平 拉唑 "
    "扎格雷 吡格雷 鲁斯特 鲁司特 卡特罗 美特罗 索罗辛 匹林 多肽 鹿瓜多 叶内多 单抗 胶囊 口服液 咀嚼片 颗粒"
)
_CLINICAL: Final = re.compile(
    f"{'|'.join(_CLINICAL_TEXT.split())}|.*(?:{'|'.join(_MEDICINES_TEXT.split())})[钠钙钾片]?"
    "|.*(?:脑梗塞|病毒|结节|压痛|臀部|大腿|腹腔|氏征)"
)
_EPONYM: Final = re.compile("[征针线点位]|结节|骨折|试验")
_SAID: Final = {"余": re.compile("未见|无异常|阴性"), "高敏": re.compile("感|反应|C反应|肌钙")}
"""And what follows such words as are names elsewhere."""
_NO_NAME: Final = re.compile(r"[{}\[\]<>\"\\=|]")  # signs of JSON and code
_KEY: Final = re.compile(r"[\"']\s?:|\s?=")
_IN_BRACES: Final = re.compile(r"[{,]\s?\Z")
_PROGRAM_TEXT: Final = (
    "字段 参数 变量 函数 接口 属性 数组 类型 返回值 请求头 请求体 配置项 常量 枚举 键名 命令 节点 线程 进程 注解 组件"
)
_PROGRAM: Final = re.compile(f"\\s?(?:{'|'.join(_PROGRAM_TEXT.split())})")
"""What programs are made of: a word that stands before one is what it is called."""
_CONTENT: Final = re.compile(r"\s?的(?:内容|格式|长度|大小|编码|字节|取值|默认值)")
"""What data have, and firms hardly."""
_PARTS: Final = re.compile(r"[a-z]+(?:[/.\-][a-z]+)*")
_HUMPED: Final = re.compile("[a-z]{3,}(?:[A-Z][a-z]+)+")
_HUMP: Final = re.compile("[A-Z]?[a-z]+")
_BEHIND: Final = re.compile(" (?!(?:and|or) )([a-z]+)(?![A-Za-z0-9_])")
_NAMING: Final = 24  # characters before a name that may say it is one
_LEAST: Final = 3  # letters of each of the two words that make one
_SHORT: Final = 6
"""Characters of an organisation up to which it may be a medicine."""
_AGAINST: Final = re.compile(r"(?<![A-Za-z])(?:vs|VS)(?![A-Za-z])")


def without(text: str, found: list[Found]) -> list[Found]:
    """The findings that are no part of a thing, and hold no sign that no name holds; 甲队vs乙队 are two."""
    if not found:
        return found
    things = [match.span() for match in _THINGS.finditer(text)]
    return [
        item
        for whole in found
        for item in _parted(text, whole)
        if not _NO_NAME.search(text, item.start, item.end)
        and not any(start <= item.start and item.end <= end for start, end in things)
        and not _is_code(text, item)
        and not _is_clinical(text, item)
    ]


def _is_code(text: str, item: Found) -> bool:
    """Whether this is a word of a program, or one of an English phrase that is no name.

    To a tagger that learnt Chinese all Latin letters are alike: it takes nearly every such word without company for a
    person or an organisation. A line among others may be one, in somebody's signature, if it begins with a capital.
    """
    name = text[item.start : item.end].strip("：:，, ")
    if not name.isascii():
        return False
    if name.islower() and _is_word(name, text, item) and not is_given(name.title()):
        return True
    if "_" in text[max(item.start - 1, 0) : item.end + 1] or _is_humped(name):
        return True
    if item.entity == "PERSON" and _is_idle(name, text, item) and not is_given(name.title()) and not is_family(name):
        return True
    words = text.split()
    alone = words[0].strip(",.;:()") if len(words) == 1 else ""
    is_line = "\n" in text and alone.isalpha() and alone.istitle()
    return text.isascii() and (name.islower() or bool(alone and not is_line))


def _is_humped(name: str) -> bool:
    """Whether plain words make a name of a program (userInfo)."""
    return bool(_HUMPED.fullmatch(name)) and all(map(is_plain, _HUMP.findall(name)))


def _is_idle(name: str, text: str, item: Found) -> bool:
    """Whether a word says nothing of a person where it stands: Payload 字段, Audit export verified."""
    return name.isalpha() and bool(_PROGRAM.match(text, item.end) or (is_plain(name) and _begins_a_phrase(text, item)))


def _begins_a_phrase(text: str, item: Found) -> bool:
    """Whether English goes on behind this with a plain word that says nothing of a person: Audit export verified."""
    behind = _BEHIND.match(text, item.end)
    if not behind or not is_plain(behind[1]) or ACTS.match(text, item.end):
        return False
    return not NAMED_BY.search(text, max(0, item.start - _NAMING), item.start)


def _is_word(name: str, text: str, item: Found) -> bool:
    """Whether what is written in small letters says something by itself, or is called something in a program."""
    if _KEY.match(text, item.end) or _PROGRAM.match(text, item.end):
        return True
    if text.startswith(":", item.end) and _IN_BRACES.search(text, 0, item.start) and "{" in text[: item.start]:
        return True
    if is_plain(name) or not _PARTS.fullmatch(name):
        return is_plain(name)
    parts = re.split(r"[/.\-]", name)
    is_data = item.entity == "PERSON" or bool(_CONTENT.match(text, item.end))
    return all(map(is_plain, parts)) or (is_data and all(map(_is_made_of_plain, parts)))


def _is_made_of_plain(word: str) -> bool:
    """Whether it is a plain word, or two in one: payload, checkbox. So are many families called, and many firms."""
    places = range(_LEAST, len(word) - _LEAST + 1)
    return is_plain(word) or (any(is_plain(word[:at]) and is_plain(word[at:]) for at in places) and not is_family(word))


def _is_clinical(text: str, item: Found) -> bool:
    """Whether this is what a record of an examination says: a sign, a medicine, a sign that bears a name (克氏征)."""
    name = text[item.start : item.end]
    if item.entity == "ORGANIZATION" and len(name) > _SHORT:
        return False
    is_sign = name.endswith("氏") and _EPONYM.match(text, item.end)
    is_said = name in _SAID and _SAID[name].match(text, item.end)
    return bool(is_sign or is_said or _CLINICAL.fullmatch(name))


def _parted(text: str, found: Found) -> Iterator[Found]:
    start = found.start
    for match in _AGAINST.finditer(text, found.start, found.end):
        if match.start() > start:
            yield found._replace(start=start, end=match.start())
        start = match.end()
    if start < found.end:
        yield found._replace(start=start)
