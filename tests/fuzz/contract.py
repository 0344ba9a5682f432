"""Schemathesis against a running gateway by the description that it publishes: `make fuzz`.

`python tests/fuzz/contract.py SECONDS`: a gateway that stands alone, in front of a model server that always answers.
Model names are those that exist, or nearly all requests would end as a 404. The exit code is schemathesis'.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import get_args

import httpx
import msgspec

from gnomon.contract.bundle import Breaker, GuessRule, Unscanned
from tests.fakes.bundle import make_home, secret
from tests.fakes.gateway import GatewayProcess
from tests.fakes.upstream import Script, Upstream

NEVER = Breaker(unreachable=0, failure_ratio=0.0)


def main(seconds: str) -> int:
    with tempfile.TemporaryDirectory(prefix="gnomon-fuzz-") as folder, Upstream(Script(reply="好。")) as upstream:
        # What tries wrong keys must not be banned here, or the rest would be 403s.
        home = make_home(Path(folder), upstream_url=upstream.url, guess=GuessRule(count=1_000_000_000))
        routes = tuple(msgspec.structs.replace(route, unscanned=get_args(Unscanned)) for route in home.policy.routes)
        home.publish(msgspec.structs.replace(home.policy, breaker=NEVER, routes=routes))
        with GatewayProcess(home) as gateway, gateway.unharmed():
            base = gateway.url.removesuffix("/v1")
            schema = httpx.get(f"{base}/openapi.json").json()
            schema["components"]["schemas"]["Route"]["enum"] = ["gnomon-chat"]
            path = Path(folder) / "openapi.json"
            path.write_text(json.dumps(schema))
            code = _run(path, base, seconds)
            records = gateway.records().values()
            how = "compiled modules" if '"compiled": true' in gateway.log.read_text() else "modules from source"
            faults = [record for record in records if record["outcome"] == "internal"]
            print(f"{len(records)} requests recorded, {len(faults)} of them faults of ours; {how}")
            assert "Traceback" not in gateway.log.read_text(), gateway.log.read_text()[-3000:]
            return code or len(faults) > 0


def _run(schema: Path, base: str, seconds: str) -> int:
    (schema.parent / "schemathesis.toml").write_text(f'[auth.openapi.key]\nbearer = "{secret("aaaaaaaa")}"\n')
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(schema), "--url", base, "--max-time", seconds]
    command += ["--checks", "all", "--max-examples", "200", "--continue-on-failure", "--suppress-health-check", "all"]
    command += ["--warnings", "off", "--no-color", "--generation-database", "none"]
    return subprocess.run(command, cwd=schema.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
