"""The control plane as a process: API and console on one port, and the sealer of the audit trail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request
from fastapi.responses import JSONResponse

import gnomon
from gnomon.app import job_routes, process, setup
from gnomon.app.wiring import build, routers
from gnomon.console import site
from gnomon.control.audit.sealer import Sealer
from gnomon.control.people import queries as people
from gnomon.kit import log, services
from gnomon.kit.errors import BadInput
from gnomon.kit.settings import Settings
from gnomon.kit.web import attach, error_body, tell_errors
from gnomon.kit.work import Platform

_log = log.get(__name__)


def create_app(platform: Platform, settings: Settings) -> FastAPI:
    """Every route of API and console on one application; the sealer runs while it does."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        sealer = Sealer(platform, services.get("audit_key"))
        platform.hooks.sealer = sealer  # type: ignore[attr-defined]  # ControlHooks, in this process
        sealer.start()
        yield
        sealer.checkpoint()
        sealer.stop()

    app = FastAPI(title="Gnomon 圭臬", version=gnomon.__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.platform = platform
    app.state.settings = settings
    app.state.identify = people.identify
    app.state.audit_key = services.get("audit_key").public_key()
    tell_errors(app)
    app.add_exception_handler(RequestValidationError, _bad_input)
    for router in [*routers(), job_routes.router]:
        attach(app, router)

    @app.get("/livez", include_in_schema=False)
    def livez() -> dict[str, str]:
        return {"state": "alive", "version": gnomon.__version__}

    site.mount(app, https=settings.control_url.startswith("https:"))
    return app


def _bad_input(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [
        {"field": ".".join(str(part) for part in item["loc"][1:]), "problem": item["msg"]} for item in error.errors()
    ]
    first = problems[0] if problems else {"field": "", "problem": "unreadable"}
    told = BadInput(
        f"{first['field'] or 'body'}: {first['problem']}",
        next_step="Correct the fields and send it again.",
        problems=problems,
    )
    return JSONResponse({"error": error_body(request, told)}, status_code=told.status)


def main() -> None:
    settings = Settings()
    process.begin("control", home=settings.home, level=settings.log_level)
    setup.upgrade(settings.database_url)
    platform = build(settings)
    setup.install(platform, settings)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(platform, settings),
            host=settings.host,
            port=settings.control_port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=10,
            proxy_headers=False,
            server_header=False,
        )
    )
    server.run()


if __name__ == "__main__":
    main()
