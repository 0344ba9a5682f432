"""The words that a paper has whatever it says, in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    number: str
    version: str
    date: str
    issuer: str
    content_hash: str
    contents: str
    figure: str
    table: str
    data_of: str
    none: str
    approvals: str
    role: str
    name: str
    decision: str
    at: str
    comment: str
    seal: str
    item: str
    value: str
    issue: str
    page: str  # with {page}


_ZH = Words(
    number="编号",
    version="版次",
    date="日期",
    issuer="签发部门",
    content_hash="内容校验值（SHA-256）",
    contents="目录",
    figure="图 {n}",
    table="表 {n}",
    data_of="数据：{name}",
    none="无",
    approvals="审批与签字",
    role="岗位",
    name="姓名",
    decision="意见",
    at="时间",
    comment="说明",
    seal="（盖章）",
    item="项目",
    value="内容",
    issue="第 {n} 版",
    page="— {page} —",
)
_EN = Words(
    number="Number",
    version="Issue",
    date="Date",
    issuer="Issued by",
    content_hash="Content digest (SHA-256)",
    contents="Contents",
    figure="Figure {n}",
    table="Table {n}",
    data_of="Data: {name}",
    none="None",
    approvals="Approvals and signatures",
    role="Post",
    name="Name",
    decision="Decision",
    at="Time",
    comment="Comment",
    seal="(seal)",
    item="Item",
    value="Value",
    issue="{n}",
    page="Page {page}",
)


def words(locale: str) -> Words:
    """The words of `locale`; Chinese where the locale is not English."""
    return _EN if locale == "en" else _ZH
