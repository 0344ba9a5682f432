"""How one model's route asks its targets: the rules that are set, and setting them."""

import json
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import ValidationError

from gnomon.console.pages import _loop, _releases
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.control.deployments import actions, queries
from gnomon.control.deployments.rules import UNJUDGED
from gnomon.control.deployments.schemas import RouteOptions
from gnomon.control.deployments.tables import RouteState
from gnomon.kit.errors import BadInput
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)

_NAMES = {
    "sticky": mark("同一调用方固定目标"),
    "timeout_s": mark("静默上限（秒）"),
    "total_s": mark("总时限（秒）"),
    "first_byte_s": mark("首字节等待（秒）"),
    "fallback": mark("备用目标"),
    "retries": mark("重试次数"),
    "hedge_after_ms": mark("对冲等待（毫秒）"),
    "keep_content": mark("保存脱敏内容"),
    "unscanned": mark("允许未检查的内容"),
    "breaker": mark("熔断"),
    "experiment": mark("A/B 实验"),
    "shadow": mark("影子流量"),
    "cascade": mark("小模型优先"),
    "cache": mark("回复缓存"),
    "prices": mark("每百万令牌价格"),
    "content_policy": mark("内容安全策略"),
}


def rules(reader: Reader, found: RouteState) -> dict[str, Any]:
    """The rules as rows, as JSON to be edited, and why they may not be."""
    _ = reader.context.gettext
    rows = [
        [Cell(_(_NAMES[name])), Cell(_plain(found.options[name]), code=True)]
        for name in _NAMES
        if name in found.options
    ]
    written = json.dumps(found.options, ensure_ascii=False, indent=2)
    off = _loop.refused(reader, "route.configure")
    return {"rows": rows, "json": written, "off": off, "content": _content(reader, found)}


def _content(reader: Reader, found: RouteState) -> dict[str, Any]:
    """The content policies that a route can have, the one it has, and what it is called."""
    _ = reader.context.gettext
    titles = {policy.id: reader.say(policy.title) for policy in reader.book.content_shapes}
    options = [
        ("", _("按规则库默认（%(title)s）", title=titles[reader.book.default_content_policy])),
        *titles.items(),
        (UNJUDGED, _("不检查")),
    ]
    now = found.options.get("content_policy", "")
    return {"options": options, "now": now, "title": dict(options).get(now, now)}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@router.post("/deployments/routes/{model}/content", dependencies=[allow("route.configure")])
def judge_by(
    model: str,
    reader: ReaderDep,
    work: WorkDep,
    content_policy: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Attacks and unsafe matter are looked for by this policy; the other rules stay as they are."""
    asked = RouteOptions.model_validate(queries.route(reader.session, model).options)
    asked = asked.model_copy(update={"content_policy": content_policy})
    actions.configure_route(work, model, asked, reason=_releases.reason_of(reader, reason))
    said = reader.context.gettext("内容安全策略已更新，网关正在接收")
    return see_other(f"/deployments/routes/{quote(model)}", notice=("ok", said))


@router.post("/deployments/routes/{model}/rules", dependencies=[allow("route.configure")])
def configure(
    model: str,
    reader: ReaderDep,
    work: WorkDep,
    options: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """The route has the rules that were written; what is left out is as it is by default."""
    _ = reader.context.gettext
    try:
        asked = RouteOptions.model_validate_json(options or "{}")
    except ValidationError as error:
        fields = ", ".join(sorted({str(item["loc"][0]) if item["loc"] else "JSON" for item in error.errors()}))
        raise BadInput(
            _("这些值不在允许的范围：%(fields)s。", fields=fields), next_step=_("返回上一页修改。")
        ) from error
    actions.configure_route(work, model, asked, reason=_releases.reason_of(reader, reason))
    return see_other(f"/deployments/routes/{quote(model)}", notice=("ok", _("路由规则已更新，网关正在接收")))
