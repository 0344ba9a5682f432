"""What a tagger takes for a name and is none: games, currencies, abbreviations, kinds of people. Our own list."""

import re
from typing import Final

from gnomon.guard.view import Found

_THINGS_TEXT: Final = (
    "王者荣耀 英雄联盟 绝地求生 穿越火线 地下城与勇士 和平精英 守望先锋 炉石传说 魔兽世界 梦幻西游 我的世界 阴阳师 "
    "比特币 以太坊 莱特币 区块链 数字货币 安卓系统 安卓手机 大学生 中学生 小学生 研究生 毕业生 班主任 网约车 出租车 "
    "交通运输业 房地产业 制造业 服务业 公务员 业主 岳父 岳母 上联 下联 微信群 朋友圈 公众号 短视频"
)
_SHORT_TEXT: Final = (
    "SUV MPV GPS APP App VR AR AI CEO CFO CTO HR GDP CPI IPO PPP NBA CBA WTA ATP KTV ETC VIP PPT PDF LED LCD USB "
    "CPU GPU PC DNA CT MRI ICU DNF LOL CF MSI KPL LPL RPG FPS 4S iOS Android Windows Linux WiFi 4G 5G"
)
_THINGS: Final = re.compile(
    f"{'|'.join(_THINGS_TEXT.split())}|(?<![A-Za-z0-9])(?:{'|'.join(_SHORT_TEXT.split())})(?![A-Za-z0-9])"
)


_NO_NAME: Final = re.compile(r"[{}\[\]<>\"\\=|]")  # signs of JSON and code


def without(text: str, found: list[Found]) -> list[Found]:
    """The findings that are no part of a thing, and hold no sign that no name holds."""
    if not found:
        return found
    things = [match.span() for match in _THINGS.finditer(text)]
    return [
        item
        for item in found
        if not _NO_NAME.search(text, item.start, item.end)
        and not any(start <= item.start and item.end <= end for start, end in things)
    ]
