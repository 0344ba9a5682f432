"""Step 8, close: a second person confirms; reports, audit chain, and the board of clauses."""

from collections import Counter
from typing import Any

from gnomon.cli.audit import NDJSON, VERIFICATION
from gnomon.cli.demo.world import World

REPORTS = (
    ("remediation_report", "case"),
    ("remediation_plan", "case"),
    ("requirements", "deployment"),
    ("deployment_record", "deployment"),
)


def run(world: World) -> None:
    at = f"/api/v1/cases/{world.state['case']}"
    _finish_tasks(world, at)
    if world.as_("lin").get(at)["state"] == "verified":
        asked = world.stage.do(
            "申请销号 ask for closure",
            lambda: world.as_("lin").post(f"{at}/closure-request", {"comment": "目标达到，已全量上线"}),
        )
        world.stage.do(
            "第二人复核销号 a second person closes", lambda: world.approve(asked["approval_id"], ["bai"], "效果属实")
        )
    state = world.as_("bai").get(at)["state"]
    world.require(state == "closed", f"The case is {state}, not closed.")
    world.state["reports"] = [path for kind, subject in REPORTS for path in _report(world, kind, subject)]
    verdict = world.stage.do("校验审计链 verify the audit chain", lambda: world.as_("shen").get("/api/v1/audit/verify"))
    world.require(bool(verdict["ok"]), f"The audit chain is broken: {verdict['problem']}")
    world.stage.tell(f"{verdict['length']} 条 entries，{verdict['head'][:16]}")
    _verify_export(world)
    board(world)


def _verify_export(world: World) -> None:
    """The auditor exports the trail, keeps the file beside the papers, and has it verified from the file alone."""
    shen, path = world.as_("shen"), world.settings.home / "reports" / "audit.jsonl"
    path.write_bytes(shen.download("/api/v1/audit/export"))
    found = world.stage.do(
        "导出并独立校验 verify the export from the file alone",
        lambda: shen.upload(VERIFICATION, path.read_bytes(), method="POST", headers=NDJSON),
    )
    world.require(found["state"] == "met", f"The exported trail does not verify: {found['problem']}")


def board(world: World) -> None:
    """How many of the 58 clauses are met, each with its evidence."""
    found = world.stage.do("条款看板 the clause board", lambda: world.as_("rong").get("/api/v1/clauses"))
    world.state["board"] = found["counts"]
    world.require(found["total"] == 58, f"The board shows {found['total']} clauses.")
    counts = Counter(clause["state"] for clause in found["clauses"])
    world.stage.tell("，".join(f"{state} {n}" for state, n in sorted(counts.items())))
    bare = [clause["id"] for clause in found["clauses"] if clause["state"] == "met" and not clause["evidence"]]
    world.require(not bare, f"Clauses are met without evidence: {bare}")


def _finish_tasks(world: World, at: str) -> None:
    logins = {id: login for login, id in world.state["people"].items()}
    for task in world.as_("wei").get(f"{at}/gantt"):
        if task["progress"] < 100:
            update = {"progress": 100, "note": "完成"}
            world.as_(logins[task["owner_id"]]).put(f"/api/v1/tasks/{task['id']}", update)


def _report(world: World, kind: str, subject: str) -> list[str]:
    """The paper in both languages, written beside the demo's data; returns the paths."""
    bai, body = world.as_("bai"), {"kind": kind, "subject_id": world.state[subject], "languages": ["zh-CN", "en"]}
    asked: dict[str, Any] = world.once(f"report_{kind}", lambda: bai.post("/api/v1/reports", body))
    world.follow(f"生成文件 {kind}", asked["job"], login="bai")
    folder = world.settings.home / "reports"
    folder.mkdir(exist_ok=True)
    paths = []
    for report in bai.get("/api/v1/reports", issue_id=asked["issue_id"]):
        world.require(report["state"] == "ready", f"{report['file_name']} is {report['state']}: {report['error']}")
        world.require(
            bool(bai.get(f"/api/v1/reports/{report['id']}/verify")["genuine"]), f"{report['file_name']} is not genuine."
        )
        path = folder / report["file_name"]
        path.write_bytes(bai.download(f"/api/v1/reports/{report['id']}/file"))
        paths.append(str(path))
    world.require(len(paths) >= 2, f"The {kind} was not made in both languages.")
    return paths
