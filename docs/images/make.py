"""Takes the pictures of the README from a finished demo: `make pictures` (after `./gnomon demo --once`)."""

import argparse
import json
import os
from pathlib import Path

from playwright.sync_api import sync_playwright

from gnomon.cli.demo.keeper import Keeper
from gnomon.kit.settings import Settings
from gnomon.kit.web import COOKIE

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
PAGES = {"clauses": ("/clauses", "rong"), "case": ("/cases", "lin"), "slo": ("/slo", "lin")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=HERE.parents[1] / ".gnomon" / "demo")
    parser.add_argument("--port", type=int, default=8470)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    state = json.loads((options.home / "demo.json").read_text())
    settings = Settings(home=options.home, control_port=options.port, gateway_port=options.port + 1, environment="demo")
    keeper = Keeper(
        settings,
        {
            "GNOMON_HOME": str(options.home),
            "GNOMON_CONTROL_PORT": str(options.port),
            "GNOMON_GATEWAY_PORT": str(options.port + 1),
            "GNOMON_ENVIRONMENT": "demo",
        },
    )
    keeper.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM", CHROMIUM), args=FLAGS, headless=True
            )
            for name, (path, login) in PAGES.items():
                if options.only and name != options.only:
                    continue
                address = f"/cases/{state['case']}" if name == "case" else path
                context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="zh-CN")
                token = state["tokens"][login]
                context.add_cookies([{"name": COOKIE, "value": token, "url": settings.control_url}])
                page = context.new_page()
                page.goto(settings.control_url + address)
                page.screenshot(path=str(HERE / f"{name}.png"))
                context.close()
            browser.close()
    finally:
        keeper.stop()


if __name__ == "__main__":
    main()
