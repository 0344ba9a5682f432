"""Addresses by their grammar."""

import pytest

from gnomon.guard.names.addresses import find, parts

WHOLE = (
    "浙江省杭州市余杭区五常街道文一西路969号3号楼5层",
    "北京市朝阳区建国路88号院6号楼1单元1203室",
    "海曙区集士港镇集横路45弄12号402室",
    "翡翠湾花园9-5-2970",
    "温州市鹿城区时代海景c栋1162",
    "柳市镇前市街853号",
    "新疆维吾尔自治区喀什地区疏勒县巴仁乡12村3组18号",
)


@pytest.mark.parametrize("address", WHOLE)
def test_an_address_alone_is_covered_whole(address: str) -> None:
    assert [(item.start, item.end) for item in find(address)] == [(0, len(address))]


@pytest.mark.parametrize("address", WHOLE[:3] + WHOLE[4:])
@pytest.mark.parametrize("sentence", ["我家住在{}，请准时上门。", "发票请寄到{}，谢谢。", "收货地址：{}。"])
def test_an_address_in_a_sentence_is_found_at_its_place(address: str, sentence: str) -> None:
    text = sentence.format(address)
    assert [text[item.start : item.end] for item in find(text)] == [address]


@pytest.mark.parametrize(
    "text",
    [
        "他在北京工作。",
        "地铁2号线明天延长运营。",
        "公司2号文件已经下发。",
        "检查：承德市医院2012-10-22胸部CT。",
        "江苏、浙江、广东等省份的产量都有增长。",
        "会议决定在上海召开。",
        "杭州小学举行秋季运动会",
        "东海县石榴镇加强冬季消防检查",
        "天气：昆明多云转小雨17℃，昆山阴转晴21℃，明天海口将有4级风。",
        "我跟苏州市禾木林有限公司打过交道。",
        "西安大雁塔今日免费开放",
        "苏州宏远纺织股份有限公司",
        "艺术市场冷暖自知",
        "",
    ],
)
def test_a_place_is_no_address(text: str) -> None:
    assert not list(find(text))


def test_an_address_ends_where_something_happens() -> None:
    text = "昨天在青阳县杜村乡新河村举办了庙会"
    assert [text[item.start : item.end] for item in find(text)] == ["青阳县杜村乡新河村"]


def test_an_address_has_parts() -> None:
    address = "浙江省杭州市西湖区文三路100号2幢301室"
    named = [(address[part.start : part.end], part.kind) for part in parts(address)]
    assert named == [
        ("浙江省", "known"),
        ("杭州市", "known"),
        ("西湖区", "known"),
        ("文三路", "road"),
        ("100号", "number"),
        ("2幢", "number"),
        ("301室", "number"),
    ]


def test_time_grows_with_length_only() -> None:
    for unit in ("市", "路路", "1号", "住在", "东西南北", "一二三-", "区县镇"):
        assert isinstance(list(find(unit * 4000)), list)
