"""Step 7, verify: the same sealed set, paired; then canary, watch window, full release, back and forward once."""

import asyncio
import threading
import time
from datetime import datetime
from typing import Any

from gnomon.cli.demo import operate, traffic
from gnomon.cli.demo.world import MODEL, RECIPE, SEED, World

SHARE = 0.3
WATCH_S = 20.0
MIN_REQUESTS = 20
RULES = [{"indicator": "error_ratio", "limit": 0.05, "min_requests": MIN_REQUESTS}]


def run(world: World) -> None:
    target = load_candidate(world)
    judge(world, target)
    release(world, target)
    rehearse(world)


def load_candidate(world: World) -> str:
    """The adapter answers at weight 0, after a functional test of its own; returns its target."""
    wei, body = world.as_("wei"), {"version_id": world.state["adapter"]}
    id = world.once("candidate", lambda: wei.post(f"/api/v1/models/{MODEL}/candidates", body)["id"])
    found = world.until(
        "装载候选并做功能测试 load and test the candidate",
        lambda: _when(wei.get(f"/api/v1/candidates/{id}"), ("tested", "test_failed", "load_failed", "failed")),
    )
    world.require(found["state"] == "tested", f"The candidate is {found['state']}.")
    return str(found["target_id"])


def judge(world: World, target: str) -> None:
    """The verdict on the goal and every guard, from paired answers."""
    lin, at = world.as_("lin"), f"/api/v1/cases/{world.state['case']}"
    if lin.get(at)["state"] == "implementing":
        run = lin.post(f"{at}/verification", {"target_id": target, "concurrency": 16})
        world.state["run_after"] = run["id"]
    id = world.state["run_after"]
    what = "同卷验证 the same sealed set"

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = lin.get(f"/api/v1/evaluation/runs/{id}")
        world.stage.progress(what, found["n_done"], found.get("n") or 600)
        return _when(found, ("completed", "failed"))

    world.require(world.until(what, ended, timeout_s=900)["state"] == "completed", "The verification run failed.")
    search(world)
    if lin.get(at)["state"] == "verifying":
        world.state["verdict"] = world.stage.do("判定 verdict", lambda: lin.post(f"{at}/verdict", {}))
    told = world.state["verdict"]
    compared = told["comparisons"][0]
    world.stage.tell(str(compared["result"]["sentence"]["zh-CN"]))
    world.stage.tell(str(compared["result"]["sentence"]["en"]))
    world.require(told["verdict"] == "met", f"The verdict is {told['verdict']}: {told['verification']['states']}")
    again = lin.get(f"/api/v1/evaluation/comparisons/{compared['id']}/verify")
    world.require(bool(again["equal"]), "The comparison is not what the stored answers give.")


def search(world: World) -> None:
    """A search of every stored byte: for what the platform plants itself, and for what the demo's callers sent."""
    ren = world.as_("ren")
    wanted = operate.asks(world, operate.REQUESTS, seed=SEED)
    values = [ask.plant.value for ask in wanted if ask.plant]
    asked = ren.post("/api/v1/privacy/searches", {"values": values, "model": MODEL})
    ended = world.follow("平台植入并查找全部存储字节 plant, and search all stored bytes", asked["job"], login="ren")
    proof = ren.get(f"/api/v1/evidence/{ended['progress']['evidence']}")
    facts = proof["facts"]
    searched = facts["values_sent"] + facts["extra_values"]
    world.stage.tell(f"{facts['values_found']}/{searched} 个被发现 found，{facts['bytes'] >> 20} MB")
    world.require(facts["values_found"] == 0, f"Planted personal data is stored: {facts['where']}")
    world.require(proof["state"] == "met", f"The search proves nothing: {facts}")


def release(world: World, target: str) -> None:
    """Canary by approval, watched under traffic, then all of it."""
    if "roll-back" in world.state:
        return  # it was released, and the rehearsal that follows has begun
    wei, lin = world.as_("wei"), world.as_("lin")
    body = {
        "model": MODEL,
        "to_target": target,
        "evidence_id": world.state["verdict"]["verification"]["evidence_id"],
        "share": SHARE,
        "watch_s": WATCH_S,
        "min_requests": MIN_REQUESTS,
        "rules": RULES,
    }
    id = world.once("release", lambda: wei.post("/api/v1/releases", body)["id"])
    at = f"/api/v1/releases/{id}"
    found = wei.get(at)
    if found["state"] == "requested":
        world.stage.do(
            "上线审批 approve the release",
            lambda: world.approve(found["approval"]["id"], ["lin", "bai"], "验证达标，同意灰度"),
        )
    if wei.get(at)["state"] == "approved":
        world.stage.do(f"灰度 canary, {SHARE:.0%} of the traffic", lambda: wei.post(f"{at}/canary"))
    if wei.get(at)["state"] == "canary":
        _watch(world, at)
        world.stage.do("全量 full release", lambda: lin.post(f"{at}/full"))
    state = wei.get(at)["state"]
    world.require(state == "full", f"The release is {state}, not full.")


def rehearse(world: World) -> None:
    """Back to the version before and forward again, each timed until the gateway serves it."""
    world.state["back_s"] = _switch(world, "roll-back", "回滚 roll back")
    world.state["forward_s"] = _switch(world, "roll-forward", "前滚 roll forward")


def _switch(world: World, verb: str, what: str) -> float:
    wei, body = world.as_("wei"), {"reason": "演练：回滚与前滚各一次"}
    id = world.once(verb, lambda: wei.post(f"/api/v1/models/{MODEL}/{verb}", body)["id"])
    seconds = float(world.until(what, lambda: _timed(wei.get(f"/api/v1/releases/{id}"), verb.replace("-", "_"))))
    world.stage.tell(f"{what}: {seconds:.2f} s")
    return seconds


def _watch(world: World, at: str) -> None:
    """Traffic flows while the window is open."""
    stop, keys = threading.Event(), world.state["keys"]

    def flow() -> None:
        seed = SEED + 1
        while not stop.is_set():
            seed += 1
            batch = operate.asks(world, 60, seed=seed, plant_share=0.0)
            asyncio.run(
                traffic.send(
                    world.settings.gateway_url,
                    keys,
                    batch,
                    recipe=RECIPE,
                    model=MODEL,
                    concurrency=4,
                    progress=lambda _done: None,
                )
            )

    thread = threading.Thread(target=flow, daemon=True)
    thread.start()
    try:
        world.until(
            f"观察期 {WATCH_S:.0f} s watch window",
            lambda: _is_over(world, at),
            timeout_s=WATCH_S + 60,
        )
    finally:
        stop.set()
        thread.join()


def _is_over(world: World, at: str) -> bool:
    """Whether the watch window is over; a canary that retreated ends the demo."""
    found = world.as_("wei").get(at)
    world.require(found["state"] == "canary", f"The canary became {found['state']}.")
    return time.time() > datetime.fromisoformat(found["watch_until"]).timestamp()


def _timed(release: dict[str, Any], verb: str) -> float | None:
    """Seconds until the gateway served the other target, once the job has seen it."""
    return next((float(line["seconds"]) for line in reversed(release["timings"]) if line["verb"] == verb), None)


def _when(found: dict[str, Any], states: tuple[str, ...]) -> dict[str, Any] | None:
    return found if found["state"] in states else None
