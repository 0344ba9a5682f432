"""The command line without a server: help, errors in both languages, and checks of files that lie here."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

import gnomon
from gnomon.cli import doctor, main, session
from gnomon.cli.client import Client
from gnomon.contract.bundle import Arm, Breaker, Cache, Cascade, Experiment, Route, Shadow, Upstream
from gnomon.control.audit import rules
from gnomon.kit.errors import Conflict, GnomonError, NotFound
from gnomon.kit.settings import Settings
from tests.fakes.bundle import Home, make_home

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`gnomon WORDS`, as the shell sees it: exit code, output, errors. The home folder is an empty one."""
    monkeypatch.setenv("GNOMON_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GNOMON_TOKEN", raising=False)

    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main.main([str(word) for word in words])
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return call


def test_help_names_every_verb_in_both_languages(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for verb in main.VERBS:
        line = next(line for line in out.splitlines() if line.strip().startswith(f"{verb} "))
        assert re.search(r"[\u4e00-\u9fff]", line), line


@pytest.mark.parametrize("verb", sorted(main.VERBS))
def test_every_verb_explains_itself(run: Run, verb: str) -> None:
    code, out, err = run(verb, "--help")
    assert (code, err) == (0, "")
    assert f"gnomon {verb}" in out


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version")[1].split()[-1] == gnomon.__version__


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONTROL_PORT", "abc"),
        ("GATEWAY_PORT", "70000"),
        ("TIMEZONE", "Mars/Olympus"),
        ("LOCALE", "fr"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE", "mysql://root:pass-word@host/x"),
    ],
)
def test_a_setting_that_cannot_be_is_told_in_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"GNOMON_{name}", value)
    code, _, err = run("status")
    assert (code, len(err.splitlines())) == (1, 2)
    assert f"GNOMON_{name}" in err
    assert "settings_unusable" in err
    assert "pass-word" not in err


def test_a_settings_file_that_is_not_toml_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("home = [")
    monkeypatch.setenv("GNOMON_CONFIG", str(tmp_path / "bad.toml"))
    code, _, err = run("status")
    assert (code, "bad.toml" in err) == (1, True)


@pytest.mark.parametrize("words", [("post", "runs", "{name:"), ("put", "runs", "{"), ("get", "jobs", "tuning.train")])
def test_arguments_that_cannot_be_read_are_told_before_anything_is_sent(run: Run, words: tuple[str, ...]) -> None:
    code, _, err = run("api", *words)
    assert (code, len(err.splitlines())) == (1, 2)
    assert "bad_input" in err


def test_an_unknown_verb_is_refused_by_its_name(run: Run) -> None:
    code, _, err = run("prove-everything")
    assert code == 2
    assert "prove-everything" in err


def test_help_loads_no_verb() -> None:
    code = "import sys; from gnomon.cli.main import main\ntry: main(['--version'])\nfinally: print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"gnomon.cli.up", "sqlalchemy", "fastapi", "yaml"} & set(loaded)


# ---------------------------------------------------------------- errors


def raising(monkeypatch: pytest.MonkeyPatch, error: GnomonError) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(main.cli, "main", refuse)


def test_an_english_error_is_told_in_chinese_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, NotFound("There is no run R-1.", next_step="Look it up in the list."))
    code, out, err = run("evaluate")
    assert (code, out) == (1, "")
    first, second = err.splitlines()
    assert first == "gnomon: 没有找到 / There is no such thing: There is no run R-1. [not_found]"
    assert second == "        → 检查名称或编号，或从列表中选择。 / Look it up in the list."


def test_an_error_that_speaks_both_languages_stays_as_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, Conflict("平台已在运行 / it is running already.", next_step="gnomon status"))
    _, _, err = run("up")
    assert err.splitlines() == ["gnomon: 平台已在运行 / it is running already. [conflict]", "        → gnomon status"]


def test_who_is_not_signed_in_is_told_how(run: Run) -> None:
    code, _, err = run("evaluate", "runs")
    assert code == 1
    assert "[sign_in_needed]" in err
    assert "gnomon api sign-in" in err


# ---------------------------------------------------------------- doctor


def test_the_doctor_says_when_the_redis_of_the_limits_is_away(tmp_path: Path) -> None:
    found = doctor._shared_limits(Settings(home=tmp_path, limits_url="redis://:secret@127.0.0.1:1/0"))
    assert not found.ok
    assert "secret" not in f"{found}"


def test_the_doctor_looks_at_this_machine(run: Run) -> None:
    code, out, _ = run("doctor")
    findings = [line for line in out.splitlines() if line[:1] in "✓✗"]
    assert len(findings) == len(doctor.CHECKS)
    assert code == (1 if any(line.startswith("✗") for line in findings) else 0)
    found = sum(line.startswith("✓") for line in findings)
    assert out.splitlines()[-1].startswith(f"{found}/{len(findings)} ")


def test_the_doctor_names_a_missing_package_and_its_remedy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", [doctor._package("no_such_package", "proofs", "install it")])
    code, out, _ = run("doctor")
    assert code == 1
    assert "✗ no_such_package" in out
    assert "→ install it" in out
    assert "0/1" in out


def test_the_doctor_sees_a_taken_port(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as held:
        settings = Settings(home=tmp_path, gateway_port=held.getsockname()[1])
        assert not doctor._port("gateway_port")(settings).ok
    assert doctor._port("gateway_port")(settings).ok


# ---------------------------------------------------------------- bundle check


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home", upstream_url="http://127.0.0.1:9")


def test_a_good_bundle_is_explained(run: Run, home: Home) -> None:
    code, out, _ = run("bundle", "check", home.path / "bundle" / "policy.json")
    assert code == 0
    assert out.startswith("✓ policy 1.1 ")
    assert "gnomon-chat" in out
    assert "weight 1" in out
    code, out, _ = run("bundle", "check", home.path / "bundle" / "roster.json")
    assert code == 0
    assert "key aaaaaaaa" in out
    assert home.secrets["aaaaaaaa"] not in out


def test_every_rule_of_a_route_is_explained(run: Run, home: Home) -> None:
    rules = Route(
        model="gnomon-chat",
        targets=(replace(home.policy.routes[0].targets[0], price_in=1.5), home.policy.routes[0].targets[1]),
        mask_policy="default",
        sticky=False,
        keep_content=False,
        total_s=90,
        first_byte_s=2,
        fallback=("shadow",),
        retries=2,
        hedge_after_ms=800,
        breaker=Breaker(slow_ms=900),
        experiment=Experiment(id="e1", arms=(Arm(target="shadow", share=0.25),)),
        shadow=Shadow(target="shadow", share=0.1),
        cascade=Cascade(small="shadow", min_mean_logprob=-0.5, min_margin=0.2),
        cache=Cache(ttl_s=60),
        unscanned=("image",),
    )
    secure = Upstream(id="up", url="https://models.internal/v1", secret_env="KEY", server_name="m", breaker=Breaker())
    home.publish(policy=replace(home.policy, routes=(rules,), upstreams=(secure,)))
    _, out, _ = run("bundle", "check", home.path / "bundle" / "policy.json")
    for told in (
        "each request anew; at most 60 s of silence, 90 s in all", "lets pass unread: image", "cache 60 s",
        "asks shadow first; escalates on finish reason length, content_filter or mean log-probability below -0.5",
        "experiment e1 by caller: shadow 0.25", "after 2 s of silence", "hedges", "falls back to shadow",
        "tries 2 more times", "slower than 900 ms", "shadow shadow 0.1", "keeps no content", "1.5/0 a million",
        "trusts the system's certificates, name m", "secret $KEY",
    ):  # fmt: skip
        assert told in out


def test_an_altered_bundle_is_refused(run: Run, home: Home) -> None:
    path = home.path / "bundle" / "policy.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"weight":0.0', b'"weight":0.9').replace(b'"weight":0,', b'"weight":9,'))
    assert path.read_bytes() != whole
    code, out, err = run("bundle", "check", path)
    assert (code, out) == (1, "")
    assert "[bad_bundle]" in err


def test_a_bundle_signed_by_another_is_refused(run: Run, home: Home, tmp_path: Path) -> None:
    other = make_home(tmp_path / "other", upstream_url="http://127.0.0.1:9")
    key = other.path / "bundle" / "key.pub"
    code, _, err = run("bundle", "check", home.path / "bundle" / "policy.json", "--key", key)
    assert code == 1
    assert "[bad_bundle]" in err


@pytest.mark.parametrize("text", ["", "{}", "[]", "no JSON"])
def test_what_is_no_bundle_and_what_is_no_key_are_named(run: Run, home: Home, tmp_path: Path, text: str) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)
    code, _, err = run("bundle", "check", file)
    assert code == 1
    assert "file.json is not a bundle part" in err
    code, _, err = run("bundle", "check", home.path / "bundle" / "policy.json", "--key", file)
    assert code == 1
    assert "is not a public key" in err


# ---------------------------------------------------------------- audit verify


@pytest.fixture
def chain(tmp_path: Path) -> list[str]:
    """A chain of three entries as `gnomon audit export` writes it."""
    lines, prev = [], rules.GENESIS
    for seq in (1, 2, 3):
        entry = {"actor": "林工", "permission": "case.open", "n": seq}
        sha256 = rules.seal(prev, entry)
        lines.append(json.dumps({"seq": seq, "prev": prev, "entry": entry, "sha256": sha256}, ensure_ascii=False))
        prev = sha256
    return lines


def verify(run: Run, folder: Path, lines: list[str]) -> tuple[int, str, str]:
    file = folder / "chain.jsonl"
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return run("audit", "verify", file)


def test_a_whole_chain_verifies(run: Run, tmp_path: Path, chain: list[str]) -> None:
    code, out, _ = verify(run, tmp_path, chain)
    assert code == 0
    assert out.startswith("✓ 3 ")
    assert json.loads(chain[-1])["sha256"][:16] in out


def test_an_altered_a_dropped_and_a_moved_entry_break_it_where_they_stand(
    run: Run, tmp_path: Path, chain: list[str]
) -> None:
    altered = [chain[0], chain[1].replace("林工", "魏工"), chain[2]]
    for lines, at in ((altered, 2), (chain[1:], 1), ([chain[0], chain[2], chain[1]], 2)):
        code, out, err = verify(run, tmp_path, lines)
        assert (code, out) == (1, "")
        assert f"审计链在第 {at} 条断开" in err
        assert "[audit_chain_broken]" in err


@pytest.mark.parametrize(("state", "code"), [("met", 0), ("not_met", 1), ("insufficient", 1)])
def test_a_file_that_is_recorded_is_sent_as_it_is_and_the_servers_verdict_decides(
    run: Run, tmp_path: Path, chain: list[str], monkeypatch: pytest.MonkeyPatch, state: str, code: int
) -> None:
    sent: list[tuple[str, str, bytes]] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, request.url.path, request.read()))
        told = {"state": state, "records": 3, "problem": "cut short", "evidence": "evidence_1"}
        return httpx.Response(201, json=told)

    client = Client("http://control.test")
    client._http = httpx.Client(base_url=client.url, transport=httpx.MockTransport(server))
    monkeypatch.setattr(session, "client", lambda: client)
    file = tmp_path / "chain.jsonl"
    file.write_text("".join(f"{line}\n" for line in chain), encoding="utf-8")
    left, out, err = run("audit", "verify", file, "--record")
    assert (left, sent) == (code, [("POST", "/api/v1/audit/exports/verification", file.read_bytes())])
    assert ("evidence_1" in out) if state == "met" else ("cut short" in err)


def test_there_is_nothing_to_record_without_a_file(run: Run) -> None:
    assert "--record needs a FILE" in run("audit", "verify", "--record")[2]


def test_what_is_no_chain_is_not_called_whole(run: Run, tmp_path: Path, chain: list[str]) -> None:
    assert "holds no audit record" in verify(run, tmp_path, [])[2]
    assert "Line 2 is not" in verify(run, tmp_path, [chain[0], '{"seq": 2}'])[2]
    assert "Line 1 is not" in verify(run, tmp_path, ["[]"])[2]
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    code, _, err = run("audit", "verify", tmp_path / "binary")
    assert code == 1
    assert "Line 1 is not an audit record" in err
