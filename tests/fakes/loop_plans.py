"""What the people of `tests.fakes.loop` plan and ask for."""

from datetime import date, datetime, timedelta
from typing import Any

from gnomon.control.deployments.schemas import Plan as DeploymentPlan
from gnomon.control.deployments.schemas import ReleaseRequest, RetreatRuleIn
from gnomon.control.remediation.schemas import Plan
from tests.fakes.deployments import PLAN
from tests.unit.evaluation.gateway import RECIPE
from tests.unit.tuning.trainer import STEPS

MODEL = "reviews-zh"
AIMS = {
    "accuracy": "准确率约一半，负面评论漏判多。",
    "data_security": "入口与出口均已脱敏，抽样无漏出。",
    "user_experience": "应答及时，但结论常被业务改判。",
    "trade_standards": "分类口径与行业口径一致。",
}


def deployment_plan(start: datetime, *, accepted: list[str]) -> DeploymentPlan:
    names = ("核对环境", "安装与初始化", "功能测试", "上线观察")
    steps = [
        {
            "title": name,
            "owner": "wei" if place % 2 else "lin",
            "start": start + timedelta(days=place),
            "end": start + timedelta(days=place + 1),
            "verification": "记录留证",
        }
        for place, name in enumerate(names)
    ]
    times = {"start": start, "end": start + timedelta(days=4), "steps": steps}
    return DeploymentPlan.model_validate(PLAN | times | {"accepted_mismatches": accepted})


def case_plan(today: date, ids: dict[str, str]) -> Plan:
    def task(key: str, title: str, first: int, last: int, owner: str, *after: str) -> dict[str, Any]:
        start, end = today + timedelta(days=first), today + timedelta(days=last)
        return {
            "key": key, "title": title, "owner_id": owner, "start": start, "end": end,
            "depends_on": list(after), "check": "有记录",
        }  # fmt: skip

    graded = dict.fromkeys(("importance", "urgency"), 5) | dict.fromkeys(("difficulty", "effect"), 4)
    return Plan.model_validate(
        {
            "baseline_run_id": ids["baseline"],
            "goals": [
                {"metric": "accuracy", "to_value": 0.75, "by": today + timedelta(days=30), "recipe": RECIPE["id"]}
            ],
            "guards": [{"metric": "accuracy"}],
            "live_guards": [{"indicator": "success_ratio"}],
            "criteria": ["准确率区间下限不低于 75%", "应答率不下降"],
            "measures": [
                {
                    "key": "lora", "kind": "algorithm", "method": "lora", "title": "LoRA 微调",
                    "params": {
                        "base_version_id": ids["base"], "dataset_ids": [ids["dataset"]],
                        "recipe": RECIPE, "parameters": {"steps": STEPS},
                    },
                    **graded,
                },
                {
                    "key": "labels", "kind": "data", "method": "by_hand", "title": "复核标签",
                    **dict.fromkeys(("importance", "urgency", "difficulty", "effect"), 2),
                },
            ],
            "tasks": [
                task("data", "整理训练数据", 0, 2, "wei"),
                task("train", "训练候选版本", 3, 5, "lin", "data"),
                task("verify", "复测与对比", 6, 8, "wei", "train"),
                task("docs", "更新使用说明", 2, 6, "wei"),
            ],
            "budget": [
                {"kind": "person_days", "title": "人力", "unit": "d", "planned": 5},
                {"kind": "compute", "title": "训练", "unit": "CPU min", "planned": 10, "measure_key": "lora"},
                {"kind": "purchase", "title": "标注", "unit": "CNY", "planned": 800},
            ],
            "trade_off": dict.fromkeys(("performance", "security", "cost", "time"), "可接受")
            | {"reason": "适配器小，训练快，可随时回退。"},
        }
    )  # fmt: skip


def release_request(evidence_id: str) -> ReleaseRequest:
    """The tuned version for a tenth of the requests, watched for an hour."""
    rule = RetreatRuleIn(indicator="error_ratio", limit=0.05, latency_ms=0.0, min_requests=20)
    return ReleaseRequest(
        model=MODEL,
        to_target="lora-1",
        evidence_id=evidence_id,
        share=0.1,
        watch_s=3600,
        min_requests=20,
        rules=[rule],
    )
