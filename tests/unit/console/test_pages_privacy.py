"""De-identification on pages: tried without a trace, measured or said not to be, changed by proposal and comparison."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gnomon.app.wiring import subscribe
from gnomon.console.pages.privacy_try import MOST_BODY
from gnomon.control.approvals import actions as approvals
from gnomon.control.privacy import actions, checks
from gnomon.control.privacy.schemas import MaskPolicyChanged
from gnomon.control.rulebook import actions as rulebook
from gnomon.control.rulebook.rules import load
from gnomon.kit.work import Bus, Platform
from tests.fakes.client import TestClient
from tests.fakes.console import cookie, make_console
from tests.fakes.platform import do
from tests.unit.rulebook_board.asking import ask

HTML = {"accept": "text/html", "accept-language": "zh"}
PHONE = "13812345678"
SITE = tuple[TestClient, Platform]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SITE:
    folder: Path = tmp_path_factory.mktemp("console")
    app, platform = make_console(folder)
    platform.bus = Bus()
    subscribe(platform)
    platform.bus._handlers[MaskPolicyChanged].clear()  # publishing has its own tests
    do(platform, "system", actions.put_policy, load().mask_policy())
    return TestClient(app, base_url="http://gnomon.test", headers=HTML, follow_redirects=False), platform


def as_person(site: SITE, login: str) -> TestClient:
    client, platform = site
    client.cookies.clear()
    client.cookies.update(cookie(platform, login))
    return client


def everything(platform: Platform) -> str:
    """All that the database holds, as text."""
    with platform.read() as session:
        tables = session.scalars(text("select name from sqlite_master where type = 'table'")).all()
        return str([session.execute(text(f'select * from "{name}"')).all() for name in tables])


def test_a_text_is_tried_and_nothing_of_it_is_kept(site: SITE) -> None:
    client = as_person(site, "wei")
    before = everything(site[1])
    answer = client.post("/privacy/try", data={"text": f"请回电{PHONE}，谢谢", "direction": "input"}, files={"x": b""})
    assert answer.status_code == 200
    assert re.search(rf'<mark class="hit ok">{PHONE}<span class="tag">手机号 · 假名</span></mark>', answer.text)
    assert "⟦手机_" in answer.text
    assert "no-store" in answer.headers["cache-control"]
    assert everything(site[1]) == before


def test_the_purpose_and_the_way_decide_what_is_shown(site: SITE) -> None:
    client = as_person(site, "wei")
    out = client.post("/privacy/try", data={"text": PHONE, "direction": "output"}, files={"x": b""}).text
    assert "手机号 · 删除" in out
    wrong = client.post("/privacy/try", data={"text": ""}, files={"x": b""})
    assert wrong.status_code == 400
    assert 'role="alert"' in wrong.text


def test_a_file_is_shown_as_a_difference_and_comes_back_masked_without_its_name(site: SITE) -> None:
    client = as_person(site, "wei")
    sheet = {"file": ("张三.csv", f"姓名,电话\n李四,{PHONE}\n".encode())}
    shown = client.post("/privacy/try", data={}, files=sheet).text
    assert f"<del>{PHONE}</del>" in shown
    assert "文件种类 csv" in shown
    taken = client.post("/privacy/try", data={"want": "file"}, files=sheet)
    assert taken.headers["content-disposition"] == 'attachment; filename="gnomon-masked.csv"'
    assert PHONE not in taken.text
    assert taken.text.startswith("姓名,电话\n李四,⟦手机_")
    bad = client.post("/privacy/try", data={}, files={"file": ("a.pdf", b"%PDF")})
    assert bad.status_code == 400
    assert "A file of kind" in bad.text


def test_half_a_surrogate_pair_breaks_no_page(site: SITE) -> None:
    client = as_person(site, "wei")
    half = {"file": ("a.jsonl", b'{"\\ud800": "\\ud800 13812345678 \\ud800"}')}
    assert f"<del>{PHONE}</del>" in client.post("/privacy/try", data={}, files=half).text
    span = b'{"text": "13812345678", "spans": [{"start": 0, "end": 11, "label": "\\ud800"}]}'
    assert client.post("/privacy/measure", data={}, files={"file": ("a.jsonl", span)}).status_code == 200
    csv = client.post("/privacy/measure", data={"want": "csv"}, files={"file": ("a.jsonl", span)})
    assert csv.status_code == 200


def test_what_would_not_stay_in_memory_is_not_taken(site: SITE) -> None:
    client = as_person(site, "wei")
    large = client.post("/privacy/try", files={"file": ("a.txt", b"x" * MOST_BODY)})
    assert large.status_code == 413
    parts = [b"--x\r\n", b'Content-Disposition: form-data; name="text"\r\n\r\nx\r\n--x--\r\n']
    head = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/privacy/try", content=iter(parts), headers=head).status_code == 413, "of unknown length"


def test_without_evidence_it_says_not_measured_and_with_it_every_entity_has_its_n(site: SITE) -> None:
    client, platform = as_person(site, "rong"), site[1]
    assert "未测量" in client.get("/privacy/measure").text
    assert "未测量" in client.get("/privacy").text
    answer = ask(platform, "privacy.leak_measured")
    assert answer is not None
    do(platform, "system", rulebook.keep, load().control("CTL-leak-ratio"), answer)
    page = client.get("/privacy/measure").text
    assert "达标：泄漏最多的策略漏检 0 / " in page
    assert re.search(r'title="CN_MOBILE">手机号</th><td class="num">\d+</td>', page)
    rows = client.get("/privacy/measure?export=csv").text.splitlines()
    mobile = next(row.split(",") for row in rows if ",CN_MOBILE," in row)
    assert (int(mobile[2]) > 10, mobile[3], float(mobile[6]) < 0.3) == (True, "0", True)
    assert "<td" in client.get("/privacy").text


def test_each_policy_that_was_measured_is_a_link_by_its_name(site: SITE) -> None:
    client, platform = as_person(site, "rong"), site[1]
    answer = ask(platform, "privacy.leak_measured")
    assert answer is not None
    tables = {name: answer.facts[name] for name in ("by_policy", "by_entity", "by_way")}
    twice = {name: [*rows, *({**row, "policy": "staff 2"} for row in rows)] for name, rows in tables.items()}
    facts = {**answer.facts, **twice}
    do(platform, "system", rulebook.keep, load().control("CTL-leak-ratio"), replace(answer, facts=facts))

    page = client.get("/privacy/measure").text
    assert re.findall(r'<a class="view" href="([^"]+)">([^<]+)</a>', page) == [
        ("/privacy/measure?policy=staff+2", "staff 2")
    ]
    assert "策略 staff 2" in client.get("/privacy/measure?policy=staff+2").text


def test_labelled_data_of_ones_own_are_measured_with_names(site: SITE) -> None:
    client = as_person(site, "rong")
    lines = [
        {"text": f"电话{PHONE}", "spans": [{"start": 2, "end": 13, "label": "CN_MOBILE", "variant": "plain"}]},
        {"text": "无人", "spans": []},
    ]
    data = "\n".join(json.dumps(line) for line in lines).encode()
    page = client.post("/privacy/measure", data={}, files={"file": ("a.jsonl", data)}).text
    assert "2 篇、15 个字符；负样本误改 0%" in page
    taken = client.post("/privacy/measure", data={"want": "csv"}, files={"file": ("a.jsonl", data)}).text
    assert ",CN_MOBILE,1,0,0.000000," in taken
    wrong = client.post("/privacy/measure", files={"file": ("a.jsonl", b"{")})
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (400, True)


def form_of(page: str) -> dict[str, Any]:
    """What a browser would send of the form for a policy."""
    form: dict[str, Any] = dict(re.findall(r'<input[^>]* id="(\w+)" value="([^"]*)"', page))
    for name, block in re.findall(r'<select name="([\w-]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.findall(r'value="([^"]*)" selected', block)
        form[name] = chosen[0] if chosen else re.findall(r'value="([^"]*)"', block)[0]
    form |= dict(re.findall(r'name="((?:order|format|fields)-\d+)" value="([^"]*)"', page))
    for name, value in re.findall(r'name="(purposes-\d+)" value="(\w+)" checked', page):
        form.setdefault(name, []).append(value)
    return form | {"speed": "structured"}


def test_a_policy_is_changed_by_comparison_proposal_and_two_seats(site: SITE) -> None:
    client, platform = as_person(site, "wei"), site[1]
    form = form_of(client.get("/privacy/edit?policy=default").text)
    spare = max(int(name.removeprefix("order-")) for name in form if name.startswith("order-"))
    form |= {
        f"entity-{spare}": "CN_MOBILE", f"operator-{spare}": "mask", f"format-{spare}": "3*4", f"order-{spare}": "0.5",
        f"direction-{spare}": "input", "samples": f"我的电话{PHONE}",
    }  # fmt: skip
    same = everything(platform)
    compared = client.post("/privacy/edit/compare", data=form, files={"x": b""}).text
    assert "138****5678" in compared
    assert '<ins class="code">CN_MOBILE mask(3*4) input</ins>' in compared
    assert everything(platform) == same, "a comparison leaves nothing"
    assert client.post("/privacy/edit", data=form, files={"x": b""}).status_code == 400, "without a reason"
    sent = client.post("/privacy/edit", data=form | {"reason": "客服要看尾号"}, files={"x": b""})
    assert sent.status_code == 303
    shown = client.get(sent.headers["location"]).text
    assert "客服要看尾号" in shown
    assert "部分遮盖（3*4）" in shown
    request = sent.headers["location"].rpartition("/")[2]
    assert f'href="/privacy/proposals/{request}"' in client.get(f"/approvals/{request}").text
    for login in ("rong", "lin"):
        do(platform, login, approvals.vote, request, approve=True, comment="同意")
    page = client.get("/privacy/policies/default").text
    assert "mask(3*4) input</ins>" in page
    assert re.search(r"手机号</span></th><td>.*?部分遮盖（3\*4）", page)
    old = load().mask_policy().version
    assert "这是旧版本" in client.get(f"/privacy/policies/default?version={old}").text


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "Not An Id"},
        {"version": ""},
        {"terms": "no entity"},
        {"patterns": "X x: (a+)+"},
        {"format-0": "nonsense"},
    ],
)
def test_a_form_that_means_no_policy_comes_back_with_words(site: SITE, changes: dict[str, str]) -> None:
    client = as_person(site, "wei")
    form = form_of(client.get("/privacy/edit").text) | {"id": "other", "reason": "试一试看"} | changes
    answer = client.post("/privacy/edit", data=form, files={"x": b""})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_who_may_not_propose_sees_why_and_cannot(site: SITE) -> None:
    client = as_person(site, "bai")
    assert "需要「" in client.get("/privacy/policies/default").text
    assert client.get("/privacy/edit").status_code == 403
    assert client.post("/privacy/edit", data={"id": "x"}, files={"x": b""}).status_code == 403
    assert client.get("/privacy").status_code == 200


assert checks  # registers its check
