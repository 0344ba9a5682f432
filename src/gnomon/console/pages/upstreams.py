"""How gateways reach the model servers: address, certificates, names, and whether there is a secret."""

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from gnomon.console.pages import _loop
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.control.deployments import actions, queries, rules
from gnomon.control.deployments.schemas import UpstreamChange
from gnomon.control.deployments.tables import UpstreamSetting
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)

_WRONG: Final = {
    "url": mark("填 http:// 或 https:// 开头的地址，到 /chat/completions 之前为止，不含密钥、查询和空格"),
    "ca": mark("只用于 https://：填有效期内的 PEM 证书，不含私钥"),
    "server_name": mark("只用于 https://：填一个域名"),
    "http_host": mark("填主机名，可带端口"),
    "secret": mark("填不含空格的可见 ASCII 字符；发往本机以外的地址须用 https://"),
    "connect_timeout_s": mark("填 0.05 到 60 之间的秒数"),
    "reason": mark("需要填写理由。"),
}
_ELSEWHERE: Final = mark("地址变了：为新地址重新填写密钥，或清除密钥")


@router.get("/upstreams", dependencies=[allow("upstream.view")])
def upstreams(reader: ReaderDep) -> Response:
    """Every model server with how gateways reach it."""
    _ = reader.context.gettext
    rows = []
    for server in queries.servers(reader.session):
        id = str(server["id"])
        told = queries.told_upstream(reader.session, id)
        rows.append(
            [
                _loop.link(id, f"/upstreams/{quote(id)}", code=True),
                Cell(told["url"], code=True),
                Cell(_trust(reader, told)),
                Cell(_("已设置") if told["has_secret"] else _("没有设置")),
            ]
        )
    return reader.page("upstreams.html", rows=rows)


@router.get("/upstreams/{id}", dependencies=[allow("upstream.view")])
def upstream(id: str, reader: ReaderDep) -> Response:
    return _page(reader, id)


@router.post("/upstreams/{id}", dependencies=[allow("upstream.edit")])
def set_upstream(
    id: str,
    reader: ReaderDep,
    work: WorkDep,
    url: Annotated[str, Form()] = "",
    ca: Annotated[str, Form()] = "",
    server_name: Annotated[str, Form()] = "",
    http_host: Annotated[str, Form()] = "",
    connect_timeout_s: Annotated[str, Form()] = "",
    secret: Annotated[str, Form()] = "",
    remove_secret: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Gateways reach the server so from the next policy on; an empty secret leaves the one that is kept."""
    _ = reader.context.gettext
    typed = {
        "url": url,
        "ca": ca,
        "server_name": server_name,
        "http_host": http_host,
        "connect_timeout_s": connect_timeout_s,
        "reason": reason.strip(),
    }
    given = secret.strip() or ("" if remove_secret else None)
    try:
        change = UpstreamChange.model_validate({**typed, "secret": given})
        actions.set_upstream(work, id, change)
    except ValidationError as error:
        wrong = {str(one["loc"][0]) for one in error.errors()}
        return _page(reader, id, typed=typed, errors={name: _(_WRONG[name]) for name in _WRONG if name in wrong})
    except rules.UnfitUpstream as error:
        fields = error.facts["fields"]
        return _page(reader, id, typed=typed, errors={name: _(_WRONG[name]) for name in _WRONG if name in fields})
    except rules.SecretElsewhere:
        return _page(reader, id, typed=typed, errors={"secret": _(_ELSEWHERE)})
    return see_other(f"/upstreams/{quote(id)}", notice=("ok", _("连接已更新，网关正在接收")))


def _page(
    reader: Reader, id: str, *, typed: dict[str, Any] | None = None, errors: dict[str, str] | None = None
) -> HTMLResponse:
    told = queries.told_upstream(reader.session, id)
    setting = reader.session.get(UpstreamSetting, id)
    now = {
        "url": setting.url if setting else "",
        "ca": setting.ca if setting else "",
        "server_name": told["server_name"],
        "http_host": told["http_host"],
        "connect_timeout_s": f"{told['connect_timeout_s']:g}",
        "reason": "",
    }
    return reader.page(
        "upstream.html",
        status=400 if errors else 200,
        id=id,
        told=told,
        setting=setting,
        trust=_trust(reader, told),
        authorities=rules.authorities(setting.ca if setting else ""),
        typed=typed or now,
        errors=errors or {},
        edit_refused=reader.refusal("upstream.edit"),
    )


def _trust(reader: Reader, told: dict[str, Any]) -> str:
    """What a server's certificate is checked against."""
    _ = reader.context.gettext
    if not str(told["url"]).startswith("https:"):
        return _("未加密")
    return _("%(n)s 张指定的证书", n=len(told["ca"])) if told["ca"] else _("系统信任的证书")
