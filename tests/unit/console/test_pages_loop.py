"""The pages of the loop on a company that went round it once: what each shows, whom it refuses, what a form does."""

import csv
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gnomon.control.evaluation import queries as runs
from tests.fakes.client import TestClient
from tests.fakes.console import cookie
from tests.fakes.loop import make_world
from tests.fakes.loop_plans import MODEL
from tests.fakes.loop_world import World

HTML = {"accept": "text/html", "accept-language": "zh"}
PAGES = [
    "/slo",
    "/slo?range=7d",
    "/slo/live",
    f"/slo/services/{MODEL}",
    "/alerts",
    "/deployments",
    "/deployments/{deployment}",
    "/deployments/{draft}",
    f"/deployments/routes/{MODEL}",
    "/releases",
    "/releases/{release}",
    "/models",
    f"/models/{MODEL}",
    f"/models/{MODEL}/{{base}}",
    f"/models/{MODEL}/{{lora}}",
    "/datasets",
    "/datasets/{dataset}",
    "/evaluations",
    "/evaluations/{baseline}",
    "/evaluations/{baseline}/slices",
    "/evaluations/{baseline}/failures",
    "/evaluations/compare",
    "/evaluations/compare?a={baseline}&b={after}",
    "/evaluations/masking/{trial}",
    "/evaluations/masking/{trial}/live",
    "/evaluations/{trial_side}",
    "/suites/{suite}",
    "/suites/{suite_phones}",
    "/findings",
    "/findings/{finding}",
    "/findings/{finding_new}",
    "/cases",
    "/cases?as=board",
    "/cases/{case}",
    "/cases/{case_2}",
    "/training",
    "/training/{training}",
    "/training/{training}/live",
    "/reports",
    "/traffic",
]
LISTS = [
    "/deployments",
    "/releases",
    "/models",
    "/datasets",
    "/evaluations",
    "/findings",
    "/cases",
    "/training",
    "/reports",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    patch = pytest.MonkeyPatch()
    made = make_world(Path(tmp_path_factory.mktemp("loop")), patch.setattr, papers=False)
    with made.platform.read() as session:
        made.ids["proof"] = runs.run(session, made.ids["baseline"]).evidence_ids[0]
        made.ids["after"] = next(run.id for run in runs.runs(session) if run.purpose == "verification")
    yield made
    made.close()
    patch.undo()


@pytest.fixture(scope="module")
def cookies(world: World) -> dict[str, dict[str, str]]:
    return {login: cookie(world.platform, login) for login in ("lin", "wei", "rong", "shen", "bai", "admin")}


class Visitor:
    def __init__(self, world: World, cookies: dict[str, dict[str, str]]) -> None:
        self.world, self.cookies = world, cookies
        self.client = TestClient(world.app, base_url="http://gnomon.test", headers=HTML, follow_redirects=False)

    def get(self, path: str, login: str = "lin", **headers: str) -> tuple[int, str]:
        self.client.cookies.clear()
        self.client.cookies.update(self.cookies[login])
        answer = self.client.get(path.format(**self.world.ids), headers=headers)
        return answer.status_code, answer.text

    def post(self, path: str, login: str = "lin", /, **form: Any) -> tuple[int, str]:
        self.client.cookies.clear()
        self.client.cookies.update(self.cookies[login])
        answer = self.client.post(path.format(**self.world.ids), data=form)
        return answer.status_code, answer.headers.get("location", "") or answer.text


@pytest.fixture
def visit(world: World, cookies: dict[str, dict[str, str]]) -> Visitor:
    return Visitor(world, cookies)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_in_both_languages_without_inline_style_or_script(visit: Visitor, path: str) -> None:
    for language in ("zh", "en"):
        status, text = visit.get(path, **{"accept-language": language})
        assert status == 200, text[-600:]
        assert " style=" not in text
        assert not re.search(r"\son\w+=", text)
        assert "<script>" not in text


@pytest.mark.parametrize("path", LISTS)
def test_an_export_is_what_the_screen_shows(visit: Visitor, path: str) -> None:
    _, page = visit.get(path)
    ask = f"{path}{'&' if '?' in path else '?'}export=csv"
    status, text = visit.get(ask)
    assert status == 200
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    table = re.search(r"<table class=\"table\" data-rows>.*?</table>", page, re.S)
    assert table is not None
    assert len(rows) - 1 == table[0].count("<tr>") - 1
    head = [re.sub(r"<[^>]+>|[↑↓↕]", "", cell) for cell in re.findall(r'<th scope="col".*?</th>', table[0], re.S)]
    assert rows[0] == head


def test_the_address_filters_the_list_and_can_be_taken_off(visit: Visitor) -> None:
    _, text = visit.get("/findings?state=open")
    assert text.count('name="pick" value=') == 1
    assert "状态：待处理" in text
    _, none = visit.get("/findings?state=open&q=nowhere")
    assert "没有符合条件的记录" in none


def test_what_was_not_measured_is_never_green(visit: Visitor) -> None:
    """No streamed request was made: the objective about first tokens has no value and no verdict."""
    _, text = visit.get("/slo")
    part = text[text.index("流式首词元延迟") - 600 : text.index("流式首词元延迟")]
    assert "未测量" in part
    assert "没有请求可供测量" in part
    assert "badge ok" not in part


def test_a_board_without_collector_says_so(visit: Visitor, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from gnomon.kit.errors import Unavailable

    def down(*_: object, **__: object) -> None:
        raise Unavailable("no collector")

    monkeypatch.setattr(world.records, "query", down)
    for path in (f"/slo/services/{MODEL}", "/traffic", f"/deployments/routes/{MODEL}", "/releases/{release}"):
        status, text = visit.get(path)
        assert status == 200
        assert path.startswith("/deployments") or "流量采集器没有响应" in text


def test_the_case_tells_goal_before_target_and_now(visit: Visitor) -> None:
    _, text = visit.get("/cases/{case}")
    for said in ("第 1 轮结论：达标", "50.0% → 88.3%", "≥ 75.0%", "与冻结时一致", "（关键路径）", "荣主任"):
        assert said in text


def test_the_evaluation_can_be_recomputed_from_the_page(visit: Visitor) -> None:
    assert "重算一致" in visit.get("/evaluations/{baseline}?verify=1")[1]
    assert "绝密评论原文" not in visit.get("/evaluations/{baseline}/failures")[1]


def test_two_runs_are_compared_and_the_comparison_is_kept_with_evidence(visit: Visitor) -> None:
    _, text = visit.get("/evaluations/compare?a={baseline}&b={after}&metric=accuracy&to=75")
    assert "目标达成" in text
    assert "McNemar" in text
    status, to = visit.post("/evaluations/compare", a=visit.world.ids["baseline"], b=visit.world.ids["after"], to="75")
    assert (status, to.startswith("/evaluations/comparisons/")) == (303, True)
    assert "重算一致" in visit.get(f"{to}?verify=1")[1]


def test_what_masking_costs_is_shown_with_its_verdict_and_can_be_recomputed(visit: Visitor) -> None:
    _, text = visit.get("/evaluations/masking/{trial}?verify=1")
    assert "脱敏后得分保持达标" in text
    assert "重算一致" in text
    assert "13812345" not in text
    _, english = visit.get("/evaluations/masking/{trial}", **{"accept-language": "en"})
    assert "Masking keeps enough of the score" in english
    assert "/evaluations/masking/{trial}".format(**visit.world.ids) in visit.get("/suites/{suite_phones}")[1]


def test_a_masking_trial_is_a_right_of_the_leads(visit: Visitor) -> None:
    form = {"suite_id": visit.world.ids["suite_phones"], "target": f"{MODEL}@lora-1", "policy": "default"}
    assert visit.post("/evaluations/masking", "wei", **form)[0] == 403
    assert "需要「测脱敏影响评测」权限" in visit.get("/suites/{suite_phones}", "wei")[1]
    status, to = visit.post("/evaluations/masking", "lin", **form)
    assert (status, to.startswith("/evaluations/masking/masking_")) == (303, True)
    assert "两侧共已答 0 / 600 条" in visit.get(to)[1]


def test_a_button_is_off_with_the_reason_and_whom_to_ask(visit: Visitor) -> None:
    _, text = visit.get("/cases/{case_2}")
    assert "需要「监督整改单」权限" in text
    assert 'aria-disabled="true"' in text
    _, auditor = visit.get("/evaluations", "shen")
    assert "需要「运行评测」权限" in auditor


def test_rights_hold_for_reading_too(visit: Visitor) -> None:
    assert visit.get("/cases", "admin")[0] == 403
    sample = visit.world.records.query("recent", caller="desk")[0]["id"]
    assert "没有查看内容的权限" in visit.get(f"/traffic/{sample}", "lin")[1]
    assert "&lt;phone_1&gt;" in visit.get(f"/traffic/{sample}", "wei")[1]
    assert visit.get("/traffic?export=csv", "lin")[0] == 403
    assert visit.get("/traffic?export=csv", "bai")[0] == 200


def test_a_roll_back_wants_the_version_typed_and_is_timed(visit: Visitor) -> None:
    path = f"/deployments/routes/{MODEL}/roll-back"
    status, text = visit.post(path, reason="演练", confirm="lora-1")
    assert status == 400
    assert "输入的版本与要回滚到的不一致" in text
    assert visit.post(path, reason="演练", confirm="base-1")[0] == 303
    assert "base-1 100%" in visit.get(f"/deployments/routes/{MODEL}")[1]
    assert visit.post(f"/deployments/routes/{MODEL}/roll-forward", reason="恢复")[0] == 303


def test_the_rules_of_a_route_are_set_by_the_lead_and_shown(visit: Visitor) -> None:
    path = f"/deployments/routes/{MODEL}"
    assert visit.post(f"{path}/rules", options='{"retries": 99}', reason="试行")[0] == 400
    assert visit.post(f"{path}/rules", "wei", options="{}", reason="试行")[0] == 403
    assert visit.post(f"{path}/rules", "lin", options='{"retries": 1, "cache": {"ttl_s": 60}}', reason="试行")[0] == 303
    page = visit.get(path)[1]
    assert "回复缓存" in page
    assert "ttl_s" in page


def test_a_finding_becomes_a_case_in_two_steps(visit: Visitor) -> None:
    finding = visit.world.ids["finding_new"]
    status, to = visit.post("/findings/batch", pick=[finding])
    assert (status, to) == (303, f"/cases/new?finding={finding}")
    _, form = visit.get(to)
    assert f'value="{finding}" checked' in form
    given: dict[str, Any] = {
        "title": "应答偏慢整改",
        "level": "general",
        "model": MODEL,
        "owner_id": "wei",
        "finding": [finding],
    }
    status, to = visit.post("/cases", **given)
    assert status == 303
    assert "已立项" in visit.get(to)[1]


def test_a_form_that_lacks_something_is_told_in_the_readers_words(visit: Visitor) -> None:
    status, text = visit.post("/findings", title="x")
    assert status == 400
    assert "这些项没有填或填得不对" in text
    status, text = visit.post("/releases/{release}/full")
    assert status == 409
    assert "不能" in text or "不允许" in text


def test_a_run_on_a_sealed_set_is_a_counted_look_with_a_right_of_its_own(visit: Visitor) -> None:
    asked = {"suite_id": visit.world.ids["suite"], "target": f"{MODEL}@base-1", "purpose": "baseline"}
    assert visit.post("/evaluations", **asked)[0] == 409  # the form for open sets does not open a sealed one
    assert visit.post("/evaluations/sealed", "shen", **asked)[0] == 403
    status, to = visit.post("/evaluations/sealed", **asked)
    assert status == 303
    assert "已答 0 / 120 条" in visit.get(to)[1]
    assert "已答 0 / 120 条" in visit.get(f"{to}/live")[1]


def test_a_report_is_asked_for_and_waits_for_its_file(visit: Visitor) -> None:
    status, to = visit.post("/reports", kind="remediation_register", subject_id="", language="en")
    assert (status, to) == (303, "/reports")
    assert "正在生成" in visit.get("/reports")[1]


def test_a_plan_is_checked_whole_before_it_is_frozen(visit: Visitor) -> None:
    finding = {"title": "再次抽查", "severity": "low", "subject_kind": "model", "subject_id": MODEL}
    proof = visit.world.ids["proof"]
    _, to = visit.post("/findings", **finding, evidence_ids=proof)
    given: dict[str, Any] = {
        "title": "抽查整改",
        "level": "general",
        "model": MODEL,
        "owner_id": "wei",
        "finding": [to.split("/")[-1]],
    }
    _, case = visit.post("/cases", **given)
    aims = dict.fromkeys(("accuracy", "data_security", "user_experience", "trade_standards"), "如实说明")
    assert visit.post(f"{case}/assess", **aims, run=[visit.world.ids["baseline"]])[0] == 303
    status, form = visit.get(f"{case}/plan", "wei")
    assert status == 200
    sketch = html.unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", form, re.S)[1])  # type: ignore[index]
    status, text = visit.post(f"{case}/plan", "wei", plan=sketch)
    assert status == 400
    assert "需要修改" in text
    assert "trade_off.cost" in text
    assert "还没有方案" in visit.get(case)[1]
