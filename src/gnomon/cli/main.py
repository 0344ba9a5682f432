"""`gnomon`: every verb. A client of the API, except for what must work without a running control plane."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

import gnomon
from gnomon.kit.errors import BadInput, GnomonError

# verb: where its command is. Loaded only when called, so that `gnomon --help` stays quick.
VERBS = {
    "up": "gnomon.cli.up:up",
    "status": "gnomon.cli.up:status",
    "demo": "gnomon.cli.demo:demo",
    "doctor": "gnomon.cli.doctor:doctor",
    "evaluate": "gnomon.cli.evaluate:evaluate",
    "audit": "gnomon.cli.audit:audit",
    "mask": "gnomon.cli.mask:mask",
    "subject": "gnomon.cli.subject:subject",
    "bundle": "gnomon.cli.bundle:bundle",
    "gateway": "gnomon.cli.gateway:gateway",
    "api": "gnomon.cli.api:api",
}


class SettingsUnusable(BadInput):
    code = "settings_unusable"


class Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(gnomon.__version__, prog_name="gnomon")
def cli() -> None:
    """圭臬 Gnomon：按制度运行垂直大模型，不达标则整改，并以证据销号。

    Operate vertical language models by policy, put them right, and prove it.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run a verb; an expected error is one or two lines on stderr and exit 1."""
    try:
        return cli.main(args=arguments, prog_name="gnomon", standalone_mode=True)
    except GnomonError as error:
        _tell(error)
        sys.exit(1)
    except ValueError as error:  # what Settings raises, whichever verb reads them
        wrong = _wrong_setting(error)
        if wrong is None:
            raise
        _tell(wrong)
        sys.exit(1)


def _wrong_setting(error: ValueError) -> SettingsUnusable | None:
    """The first setting that cannot be, by the name that one types; None when the error is about something else."""
    import tomllib

    from pydantic import ValidationError

    from gnomon.kit.settings import Settings, config_file

    prefix = Settings.model_config["env_prefix"]
    if isinstance(error, tomllib.TOMLDecodeError):
        return SettingsUnusable(
            f"配置文件不是 TOML / the settings file is not TOML: {config_file()}: {error}",
            next_step=f"{prefix}CONFIG=<file>",
        )
    if not isinstance(error, ValidationError) or error.title != Settings.__name__:
        return None
    first = error.errors()[0]
    name = f"{prefix}{'.'.join(str(part) for part in first['loc'])}".upper()
    value = (
        "" if "DATABASE" in name or "LIMITS_URL" in name else f"={first['input']}"
    )  # a database's URL may hold a password
    return SettingsUnusable(
        f"设置有误 / a setting cannot be used: {name}{value} ({first['msg']})", next_step=f"{name}=<value>"
    )


def _tell(error: GnomonError) -> None:
    from gnomon.kit.error_texts import is_bilingual, told  # only here: most calls go well

    chinese, english = told(error, "zh-CN"), told(error, "en")
    message, next_step = error.message, chinese.next_step
    if not is_bilingual(message):
        message = f"{chinese.title} / {english.title}: {message}"
    if english.next_step != chinese.next_step:
        next_step = f"{chinese.next_step} / {english.next_step}"
    click.echo(f"gnomon: {message} [{error.code}]", err=True)
    click.echo(f"        → {next_step}", err=True)


if __name__ == "__main__":
    main()
