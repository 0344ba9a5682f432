"""Step 3, operate: requirements, probe, plan, joint approval, upload, functional test, go-live, real traffic, a ban."""

import asyncio
import random
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

from gnomon.cli.client import ApiError
from gnomon.cli.demo import planted, traffic
from gnomon.cli.demo.world import MODEL, RECIPE, SEED, World

CALLERS = (("review-ops", "business"), ("service-desk", "business"), ("data-team", "technical"))
REQUESTS = 520
PLANTED_SHARE = 0.2
GUESSER = "127.0.0.66"
SERVER_PACKAGES = ("torch", "transformers", "peft", "safetensors", "tokenizers", "fastapi", "uvicorn")


def run(world: World) -> None:
    register(world)
    deploy(world)
    world.stage.do("分发密钥 issue keys", lambda: world.once("keys", lambda: issue_keys(world)))
    world.until(
        "网关认得密钥 the gateway knows them",
        lambda: traffic.are_known(world.settings.gateway_url, world.state["keys"]),
    )
    send_traffic(world)
    catch_guesser(world)


def register(world: World) -> None:
    """The model is in the register, its files are uploaded and checked."""
    wei = world.as_("wei")
    world.stage.do("登记模型 register the model", lambda: world.once("model", lambda: _register_model(world)))
    version = world.once("base_version", lambda: _new_version(world))
    files = sorted(path for path in world.model_folder.iterdir() if path.is_file())
    total = sum(path.stat().st_size for path in files)

    def upload() -> None:
        sent = 0
        for path in files:
            status = wei.get(f"/api/v1/models/{MODEL}/versions/{version}/uploads/{path.name}")
            if not status["complete"]:
                _upload(wei, version, path, status["received"])
            sent += path.stat().st_size
            world.stage.progress("上传权重 upload", sent >> 20, total >> 20, note="MB")

    world.stage.do(f"上传权重 upload {total >> 20} MB", upload)
    job = world.once("check_job", lambda: wei.post(f"/api/v1/models/{MODEL}/versions/{version}/check")["job"])
    world.follow("核验权重 check every byte", job)
    state = wei.get(f"/api/v1/models/{MODEL}/versions/{version}")["state"]
    world.require(state == "checked", f"The uploaded version is {state}, not checked.")


def deploy(world: World) -> None:
    """Papers, probe, approval by both leads, installation, functional test, go-live."""
    lin, stage = world.as_("lin"), world.stage
    id = world.once("deployment", lambda: _open(world))
    at = f"/api/v1/deployments/{id}"
    found = lin.get(at)
    if found["requirements_state"] in ("", "draft"):
        stage.do("需求分析报告 requirements report", lambda: _requirements(world, at))
    _approve_latest(world, at, "requirements_report", ["bai"], "业务目标与验收标准属实")
    if not lin.get(at)["probe"]:
        lin.put(f"{at}/environment", _environment())
        world.follow("环境探测 environment probe", lin.post(f"{at}/probe")["job"])
    if "deployment_plan" not in lin.get(at)["approvals"]:
        stage.do("部署方案 deployment plan", lambda: _plan(world, at))
    stage.do(
        "技术、业务负责人联合审批 joint approval",
        lambda: _approve_latest(world, at, "deployment_plan", ["lin", "bai"], "方案、回退与分工可行"),
    )
    if lin.get(at)["state"] == "approved":
        _refuse_stranger(world, at)
        world.state["install_job"] = world.as_("wei").post(f"{at}/start")["job"]
    if "install_job" in world.state:
        world.follow("安装并初始化 install and initialise", world.state["install_job"])
    world.until("功能测试 functional test", lambda: lin.get(at)["state"] in ("tested", "test_failed", "live"))
    state = lin.get(at)["state"]
    world.require(state != "test_failed", "The functional test failed.")
    if state == "tested":
        stage.do("上线 go live", lambda: lin.post(f"{at}/go-live"))
    world.state["base_target"] = lin.get(at)["target_id"]


def issue_keys(world: World) -> dict[str, str]:
    qi = world.as_("qi")
    return {
        caller: qi.post("/api/v1/keys", {"caller": caller, "team": team, "models": [MODEL]})["secret"]
        for caller, team in CALLERS
    }


def asks(world: World, n: int, *, seed: int, plant_share: float = PLANTED_SHARE) -> list[traffic.Ask]:
    """`n` reviews that are in no suite and no training set's test, every fifth with planted personal data."""
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    texts = [row["text"] for row in [*world.reviews.train, *world.reviews.validation]]
    rng.shuffle(texts)
    plants = planted.plants(seed, round(n * plant_share))
    every = round(1 / plant_share) if plant_share else n + 1
    return [
        traffic.Ask(
            text=texts[place % len(texts)],
            caller=CALLERS[place % len(CALLERS)][0],
            plant=plants[place // every] if place % every == 0 and place // every < len(plants) else None,
            stream=place % 10 == 3,
        )
        for place in range(n)
    ]


def send_traffic(world: World) -> None:
    """At least 500 real reviews by three callers; planted personal data is masked in what is stored."""
    if "traffic" not in world.state:
        wanted = asks(world, REQUESTS, seed=SEED)
        started = datetime.now(UTC)

        def send() -> traffic.Sent:
            return asyncio.run(
                traffic.send(
                    world.settings.gateway_url,
                    world.state["keys"],
                    wanted,
                    recipe=RECIPE,
                    model=MODEL,
                    concurrency=8,
                    progress=lambda done: world.stage.progress("真实流量 real traffic", done, len(wanted)),
                )
            )

        sent = world.stage.do(f"真实流量 {len(wanted)} requests by {len(CALLERS)} callers", send)
        world.state["traffic"] = {
            "acknowledged": sent.acknowledged,
            "planted": sum(1 for ask in wanted if ask.plant),
            "since": started.timestamp(),
            "seconds": round(sent.seconds, 1),
        }
    told = world.state["traffic"]
    answered, with_data = len(told["acknowledged"]), told["planted"]
    world.stage.tell(f"{answered} 条得到答复 answered, {with_data} 条含个人信息 with personal data")
    if "recorded" not in world.state:
        world.until("每条都有记录 every answer has its record", lambda: _all_recorded(world), timeout_s=60)
        world.state["recorded"] = True


def catch_guesser(world: World) -> None:
    """Somebody guesses keys from another address and is banned by the gateway; risk control confirms."""
    if "guesser" not in world.state:
        tries, status = world.stage.do(
            "猜测密钥 somebody guesses keys",
            lambda: traffic.guess_keys(world.settings.gateway_url, from_address=GUESSER),
        )
        world.require(status == 403, f"{tries} guessed keys did not lead to a ban (status {status}).")
        world.state["guesser"] = {"tries": tries}
    ren = world.as_("ren")
    bans = world.until(
        f"第 {world.state['guesser']['tries']} 次时封禁 banned and on the roster",
        lambda: [ban for ban in ren.get("/api/v1/bans") if ban["source"] == "gateway"],
    )
    if not bans[0]["confirmed_by"]:
        world.stage.do("风控复核 risk control confirms", lambda: ren.post(f"/api/v1/bans/{bans[0]['id']}/confirm"))


def _register_model(world: World) -> str:
    body = {
        "name": MODEL,
        "title": "评论情感分类",
        "task": "classification",
        "owner_id": world.state["people"]["lin"],
    }
    try:
        world.as_("wei").post("/api/v1/models", body)
    except ApiError as error:
        if error.status != 409:
            raise
    return MODEL


def _new_version(world: World) -> str:
    body = {"label": "base-1", "kind": "base", "source": "Gemma 3 270M (GGUF)", "licence": "Gemma Terms of Use"}
    wei = world.as_("wei")
    try:
        return str(wei.post(f"/api/v1/models/{MODEL}/versions", body)["id"])
    except ApiError as error:
        if error.status != 409:
            raise
    versions = wei.get(f"/api/v1/models/{MODEL}")["versions"]
    return str(next(found["id"] for found in versions if found["label"] == "base-1"))


def _upload(wei: Any, version: str, path: Path, received: int) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(received)
        pieces = iter(lambda: file.read(1 << 20), b"")
        headers = {"content-range": f"bytes {received}-{size - 1}/{size}"} if received else {}
        headers["content-length"] = str(size - received)
        wei.upload(f"/api/v1/models/{MODEL}/versions/{version}/files/{path.name}", pieces, headers=headers)


def _open(world: World) -> str:
    body = {"model": MODEL, "version_id": world.state["base_version"], "title": "评论情感分类上线"}
    return str(world.as_("wei").post("/api/v1/deployments", body)["id"])


def _requirements(world: World, at: str) -> None:
    wei = world.as_("wei")
    wei.put(
        f"{at}/requirements",
        {
            "sections": {
                "background": "点评运营每日人工判读评论情感，积压且口径不一。",
                "business_goal": "自动判读评论情感，供客服当日跟进负面评论。",
                "task_type": "classification",
                "scenarios": "点评运营批量判读；客服工单打标；数据团队统计。",
                "users": "点评运营、客服、数据团队。",
                "functions": "输入一条中文评论，输出“正面”或“负面”。",
                "metrics": "准确率不低于 0.75（保密评测集，附 95% 区间）。",
                "performance": "端到端时延 500 毫秒内的请求不少于 95%，成功率不低于 99.5%。",
                "data": "评论文本，可能含手机号、身份证号、银行卡号、邮箱，须脱敏。",
                "security": "经网关调用；输入输出脱敏；密钥分发到调用方；操作全部留痕。",
                "acceptance": "功能测试全部通过；保密评测集达到指标；由业务负责人确认。",
            },
            "items": [
                {
                    "id": "R1",
                    "text": "每条评论给出一个标签",
                    "criterion": "覆盖两个标签的正常用例全部返回标签",
                    "tests": ["functional:normal"],
                },
                {
                    "id": "R2",
                    "text": "异常输入不致服务出错",
                    "criterion": "边界用例返回标签或明确的 4xx 错误",
                    "tests": ["functional:boundary"],
                },
                {
                    "id": "R3",
                    "text": "判读准确",
                    "criterion": "保密评测集准确率不低于 0.75",
                    "tests": ["evaluation:accuracy"],
                },
            ],
        },
    )
    wei.put(
        f"{at}/tests",
        {
            "labels": list(RECIPE.choices),
            "prompt": RECIPE.prompt_template,
            "request": {"structured_outputs": {"choice": list(RECIPE.choices)}, "max_tokens": 4, "temperature": 0},
            "normal": [{"text": row["text"], "covers": row["label"]} for row in world.reviews.validation[:12]],
        },
    )
    wei.post(f"{at}/requirements/submission")


def _environment() -> dict[str, Any]:
    return {
        "os": "Linux",
        "python": "3.11",
        "cpu_cores": 2,
        "memory_gb": 4,
        "disk_gb": 3,
        "packages": {name: metadata.version(name) for name in SERVER_PACKAGES},
    }


def _plan(world: World, at: str) -> None:
    people, now = world.state["people"], datetime.now(UTC).replace(microsecond=0)
    steps = (
        ("安装并核对依赖", "wei", "依赖版本与清单一致，日志留存"),
        ("下发权重并启动模型服务", "wei", "服务就绪并能答复"),
        ("经网关做功能测试", "wei", "正常与边界用例全部通过"),
        ("切换流量上线", "lin", "新请求由该目标答复"),
    )
    length = timedelta(minutes=30)
    world.as_("wei").put(
        f"{at}/plan",
        {
            "start": now.isoformat(),
            "end": (now + length * len(steps)).isoformat(),
            "executor": people["wei"],
            "steps": [
                {
                    "title": title,
                    "owner": people[owner],
                    "start": (now + length * place).isoformat(),
                    "end": (now + length * (place + 1)).isoformat(),
                    "verification": verification,
                }
                for place, (title, owner, verification) in enumerate(steps)
            ],
            "resources": [{"name": "CPU", "amount": "2 核"}, {"name": "内存", "amount": "2 GiB"}],
            "rollback": {
                "trigger": "功能测试不通过，或上线后成功率低于 95%",
                "decider": people["lin"],
                "steps": ["网关权重切回原目标", "停止新模型服务", "复核请求成功率"],
                "limit_minutes": 15,
            },
            "accepted_mismatches": _accepted(),
        },
    )
    world.as_("wei").post(f"{at}/plan/submission")


def _accepted() -> list[str]:
    """An environment that the script `gnomon` did not install has no record of it; the plan says that it knows."""
    recorded = any(Path(sys.prefix).glob("gnomon-install-*.json"))
    return [] if recorded else ["packages.install_record"]


def _approve_latest(world: World, at: str, kind: str, logins: list[str], comment: str) -> None:
    request = world.as_("lin").get(at)["approvals"].get(kind)
    world.require(request is not None, f"No approval of {kind} was asked for.")
    if request["state"] == "pending":
        world.approve(request["id"], logins, comment)


def _refuse_stranger(world: World, at: str) -> None:
    """The deploy call is refused for who has no right to it: the matrix is enforced, not only shown."""
    try:
        world.as_("he").post(f"{at}/start")
    except ApiError as error:
        world.require(error.status == 403, f"A business user's deploy call gave {error.status}, not 403.")
        return
    world.require(False, "A business user could start a deployment.")


def _all_recorded(world: World) -> bool:
    """Whether every acknowledged request has its record."""
    told = world.state["traffic"]
    limit = len(told["acknowledged"]) * 2 + 1000
    rows = world.as_("rong").get("/api/v1/traffic/recent", limit=limit, model=MODEL)["rows"]
    return set(told["acknowledged"]) <= {row["id"] for row in rows}
