"""What is generalised says less than the value, of whatever form the value is."""

import pytest

from gnomon.guard.operators.base import Subject
from gnomon.guard.operators.generalise import OPERATOR


def generalised(value: str, entity: str, format: str = "") -> str:
    assert OPERATOR.replace is not None
    return OPERATOR.replace(Subject(value, entity, "某", (0, 0), b"k" * 32, None), format)


@pytest.mark.parametrize(
    "value", ["朝阳区建国路88号沃尔玛超市3楼", "广州天河区棠下菜市场3号", "周庄镇全福超市旁", "江南路12号省人民医院"]
)
def test_a_shop_in_a_road_is_no_city_and_a_hospital_no_province(value: str) -> None:
    assert generalised(value, "ADDRESS") == generalised(value, "ADDRESS", "province") == "⟦某⟧"


@pytest.mark.parametrize(
    ("value", "city", "province"),
    [
        ("浙江省杭州市西湖区文三路1号", "浙江省杭州市", "浙江省"),
        ("北京市朝阳区建国路88号", "北京市", "北京市"),
        ("内蒙古自治区呼和浩特市新城区", "内蒙古自治区呼和浩特市", "内蒙古自治区"),
        ("延边朝鲜族自治州延吉市", "延边朝鲜族自治州", "⟦某⟧"),
        ("景德镇市珠山区1号", "景德镇市", "⟦某⟧"),
        ("香港特别行政区九龙", "⟦某⟧", "香港特别行政区"),
    ],
)
def test_an_address_keeps_its_city_or_its_province_and_nothing_smaller(value: str, city: str, province: str) -> None:
    assert (generalised(value, "ADDRESS"), generalised(value, "ADDRESS", "province")) == (city, province)


@pytest.mark.parametrize(
    ("value", "month"),
    [
        ("March 5, 2015 10:30", "2015-03"),
        ("5 March 2015 8pm", "2015-03"),
        ("Thu, 5 Mar 2015 10:30:00 +0000", "2015-03"),
        ("2015年 10:30", "2015年"),
        ("2015-03-05 10:30", "2015-03"),
        ("二零二五年十二月二十日", "2025年12月"),
        ("2025年十月", "2025年10月"),
    ],
)
def test_the_month_of_a_moment_is_that_of_its_date_and_not_its_hour(value: str, month: str) -> None:
    assert generalised(value, "DATE_TIME") == generalised(value, "DOB") == month


@pytest.mark.parametrize(
    ("value", "net"),
    [
        ("fe80::ab12:3", "fe80:0:0:*"),
        ("2400::1:2", "2400:0:0:*"),
        ("::ffff:1.2.3.4", "0:0:0:*"),
        ("2001:0db8:1:2:3:4:5:6", "2001:db8:1:*"),
    ],
)
def test_zeros_that_an_address_leaves_out_count_to_its_net(value: str, net: str) -> None:
    assert generalised(value, "IP") == net


@pytest.mark.parametrize(
    ("value", "band"),
    [("三十五岁", "30-39岁"), ("十二岁", "10-19岁"), ("一百零二岁", "100-109岁"), ("廿五", "20-29"), ("两岁", "0-9岁")],
)
def test_an_age_in_chinese_numerals_has_its_band(value: str, band: str) -> None:
    assert generalised(value, "AGE") == band


def test_a_short_postcode_keeps_less_than_all_of_it() -> None:
    assert [generalised(code, "POSTCODE") for code in ("101", "8001", "100080")] == ["1**", "80**", "100***"]
