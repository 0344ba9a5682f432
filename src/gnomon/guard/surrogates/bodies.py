"""Organisations and addresses: what kind it is stays (大学, 队, 房地产, 路, 号), who and where does not."""

import re
import string
from pathlib import Path
from typing import Final

from gnomon.guard.names.places import CITIES, PROVINCES
from gnomon.guard.names.things import SHORT_TEXT
from gnomon.guard.surrogates.dice import Dice
from gnomon.guard.surrogates.people import AREAS, SYLLABLES, foreign

_KINDS_TEXT: Final = (
    "有限责任公司 股份有限公司 有限公司 分公司 子公司 集团公司 公司 集团 银行 支行 分行 证券 保险 基金 科技 网络 "
    "传媒 影业 汽车 电子 大学 学院 中学 小学 幼儿园 学校 研究院 研究所 医院 诊所 法院 检察院 公安局 派出所 税务局 "
    "教育局 委员会 办公室 政府 部 局 厅 署 院 处 科 所 站 队 俱乐部 协会 学会 联盟 联合会 基金会 出版社 报社 日报 "
    "晚报 电视台 通讯社 网 厂 店 馆 中心 机场 酒店 餐厅 超市 商场 党 军"
)
# What a body does, or which of several it is: said of many, so it names none.
_FIELDS_TEXT: Final = (
    "房地产 地产 置业 物业 建筑 建设 工程 水泥 钢铁 铝业 矿业 化工 石油 石化 能源 电力 燃气 水务 环保 材料 "
    "机械 重工 机电 电器 电气 电子 半导体 光电 通信 通讯 信息 软件 网络 互联网 科技 技术 数据 智能 汽车 轨道 "
    "铁路 航空 航天 船舶 港口 物流 快递 运输 交通 食品 饮料 乳业 酒业 餐饮 农业 林业 渔业 畜牧 种业 纺织 服装 "
    "家居 家具 百货 商业 商贸 贸易 进出口 零售 旅游 酒店 文化 传媒 广告 影视 电影 影业 音乐 娱乐 游戏 电竞 "
    "体育 足球 篮球 排球 短道 教育 培训 出版 医药 制药 药业 生物 医疗 健康 银行 证券 期货 基金 保险 信托 金融 "
    "投资 资本 租赁 控股 实业 产业 工业 企业 行业 师范 理工 医科 财经 政法 民族 外国语 中医药 艺术 美术 传播 "
    "海洋 地质 水利 职业 技工 技师 实验 中心 第一 第二 第三 附属 人民 民办 公立 国际 国家 男子 女子 青年 少年 "
    "儿童 妇幼 中医 口腔 肿瘤 计算机 经济 管理 研究 设计 开发 发展 服务 供应链 男篮 女篮 男足 女足 男排 女排 "
    "男团 女团 战队 大队 支队 党委 市委 省委 县委 纪委 旅游委 公安 税务 法院 检察 消防 交警 警方 大学生 中学生 "
    "小学生 学生 大学 学院 中学 小学 幼儿园 学校 医院 公司 集团 委员会 董事会 证券部 动物园 植物园 公园 "
    "博物馆 图书馆 体育馆 科技馆 美术馆 艺术馆 展览馆 景区 市区 开发区 中考 高考 数学 语文 英语"
)
_LEVEL: Final = (
    "省|自治区|自治州|地区|市|区|县|旗|镇|乡|村|街道|大道|公路|路|街|巷|弄|胡同|小区|花园|公寓|大厦|广场|新村|"
    "家园|苑|园|里|号院|号楼|号|栋|幢|座|单元|室|层|楼|组|户"
)
_SIZES_TEXT: Final = (
    "北京 上海 广州 深圳",
    "天津 重庆 成都 武汉 西安 南京 杭州 沈阳 郑州 长沙 青岛 济南 大连 宁波 厦门 苏州 合肥 福州 昆明 南宁 长春 南昌",
    "哈尔滨 石家庄 乌鲁木齐",
)


def _longest_first(text: str) -> str:
    return "|".join(sorted({*text.split()}, key=len, reverse=True))


_KINDS: Final = sorted(_KINDS_TEXT.split(), key=len, reverse=True)
_SIZES: Final = [line.split() for line in _SIZES_TEXT]
_COUNTRIES_TEXT: Final = (
    "美国 英国 法国 德国 日本 韩国 泰国 印度 巴西 埃及 越南 希腊 荷兰 瑞士 瑞典 挪威 波兰 古巴 俄罗斯 意大利 "
    "西班牙 加拿大 土耳其 墨西哥 阿根廷 新加坡 以色列 菲律宾"
)
_COUNTRIES: Final = _COUNTRIES_TEXT.split()
_PART: Final = re.compile(rf"([\u3400-\u9fff]{{1,8}}?)({_LEVEL})|(?<=[0-9])(?:{_LEVEL})")
_HANZI_RUN: Final = re.compile(r"[\u3400-\u9fff]+")
_KEPT: Final = re.compile(_longest_first(_FIELDS_TEXT))
_HOME: Final = re.compile(
    rf"(中国|{'|'.join(_COUNTRIES)})|({_longest_first(' '.join((*PROVINCES, *CITIES)))})(省|市|县|区)?"
)
_NUMBER: Final = re.compile(r"[0-9]+")
_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_ENGLISH_TEXT: Final = (
    "street st road rd avenue ave lane ln drive dr court ct boulevard blvd way square sq place pl suite apt box po "
    "floor inc ltd llc corp co company group bank university college school hospital institute of the and for"
)
_ENGLISH: Final = frozenset((*_ENGLISH_TEXT.split(), *SHORT_TEXT.lower().split()))
_BRANDS: Final = (
    "宏博恒瑞启鼎远泽信佳盛嘉润华丰通源泰昌和祥辉亿卓智创联云图数诚德益晟凯朗睿合众民安康颐景澜岳峰川海江禾木森林原"
)


def _read_kinds() -> dict[str, tuple[str, ...]]:
    """Who everybody knows → what may stand there instead."""
    known: dict[str, tuple[str, ...]] = {}
    for line in Path(__file__).with_name("kinds.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            forms, members = line.split(" : ")
            known.update(dict.fromkeys(members.split(), tuple(forms.split())))
    return known


_WELL_KNOWN: Final = _read_kinds()
_STAND_INS: Final = {
    "@": lambda dice: _brand(2, dice),
    "~": lambda dice: foreign(2 + dice.below(2), dice),
    "%": lambda dice: _city(2, dice),
}


def well_known(value: str, dice: Dice) -> str:
    """Another of its kind for one that everybody knows (a team, a bank); empty for all others."""
    forms = _WELL_KNOWN.get(value)
    if forms is None:
        return ""
    return "".join(_STAND_INS[sign](dice) if sign in _STAND_INS else sign for sign in dice.choice(forms))


def organisation(value: str, dice: Dice) -> str:
    """Another body of the same kind."""
    if known := well_known(value, dice):
        return known
    if not _HANZI_RUN.search(value):
        return _latin(value, dice)
    kind = next((kind for kind in _KINDS if value.endswith(kind) and len(value) > len(kind)), "")
    return _stem(value[: len(value) - len(kind)], dice) + kind


def _stem(stem: str, dice: Dice) -> str:
    """The homes that it begins with become others of their size; what says its trade stays."""
    made, at = "", 0
    while home := _HOME.match(stem, at):
        made, at = made + _home(home, dice), home.end()
    for kept in _KEPT.finditer(stem, at):
        made += _names(stem[at : kept.start()], dice) + kept[0]
        at = kept.end()
    return made + _names(stem[at:], dice)


def _names(text: str, dice: Dice) -> str:
    return _HANZI_RUN.sub(lambda run: _brand(len(run[0]), dice), _latin(text, dice))


def _brand(length: int, dice: Dice) -> str:
    return dice.text(_BRANDS, length) if length < 4 else dice.text(SYLLABLES, length)


def _home(match: re.Match[str], dice: Dice) -> str:
    if match[1]:
        return (
            dice.choice(("华夏", "神州", "中华")) if match[1] == "中国" else dice.choice(_others(_COUNTRIES, match[1]))
        )
    return _place(match[2], dice) + (match[3] or "")


def _others(places: list[str], place: str) -> list[str]:
    return [other for other in places if len(other) == len(place) and other != place] or list(places)


def _place(place: str, dice: Dice) -> str:
    """Another province, or a city of the same size, with as many characters where there is one."""
    if place in PROVINCES[4:]:
        return dice.choice(_others([*PROVINCES[4:28]], place))
    size = next((size for size in _SIZES if place in size), None)
    return dice.choice(_others(size, place)) if size else _city(len(place), dice)


def _city(length: int, dice: Dice) -> str:
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
            return _place(name, dice) + level
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
