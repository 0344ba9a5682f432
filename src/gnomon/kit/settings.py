"""Settings: where things lie and listen. From the environment (`GNOMON_…`) or one TOML file, never thresholds."""

import os
import re
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource


class Settings(BaseSettings):
    """Every setting has a default that works on one machine with no server; the environment wins over the file."""

    model_config = SettingsConfigDict(env_prefix="GNOMON_", extra="forbid")

    home: Path = Field(default=Path.home() / ".gnomon", description="Folder of everything that Gnomon keeps")
    database: str = Field(
        default="", description="SQLAlchemy URL of the control database; empty: SQLite in the home folder"
    )
    jobs_database: str = Field(default="", description="URL for the job engine; empty: beside the control database")
    host: str = Field(default="127.0.0.1", description="Address that the console and the gateway listen on")
    control_port: int = Field(default=8420, ge=1, le=65535, description="Port of console and API")
    gateway_port: int = Field(default=8421, ge=1, le=65535, description="Port of the gateway")
    gateway_workers: int = Field(default=1, ge=1, le=64, description="Gateway processes on one socket")
    regulated: bool = Field(
        default=False, description="The gateway refuses what it cannot record (the disk is full) rather than answer it"
    )
    gateway_tls_cert: str = Field(
        default="",
        description="PEM certificate and chain of the gateway, taken in anew when it changes; empty: plain HTTP."
        " The platform's own requests check it too",
    )
    gateway_tls_key: str = Field(default="", description="PEM private key of that certificate")
    trusted_proxies: str = Field(
        default="",
        description="Networks (CIDR, by commas) whose X-Forwarded-For tells the caller's address; empty: none",
    )
    limits_url: str = Field(
        default="",
        description="Redis or Valkey where gateways on several hosts share limits and bans, such as"
        " rediss://user:password@host:6379/0; empty: shared by the workers of one host",
    )
    public_url: str = Field(default="", description="Address of the console as people type it; empty: http://host:port")
    environment: str = Field(
        default="production", description="Badge on every page: production, staging, canary or demo"
    )
    locale: str = Field(
        default="zh-CN", pattern="^(zh-CN|en)$", description="Language where a person has not chosen one: zh-CN or en"
    )
    timezone: str = Field(
        default="Asia/Shanghai", description="IANA zone in which working days and schedules are counted"
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error"
    )

    @field_validator("database", "jobs_database")
    @classmethod
    def _is_a_database(cls, url: str) -> str:
        if url and not re.match(r"(sqlite|postgresql)(\+\w+)?://", url):
            raise ValueError("not the URL of a database, such as sqlite:///path or postgresql://user@host/name")
        return url

    @field_validator("limits_url")
    @classmethod
    def _is_a_redis(cls, url: str) -> str:
        if url and not re.match(r"(rediss?|unix)://", url):
            raise ValueError("not the URL of a Redis, such as redis://host:6379/0")
        return url

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("not an IANA time zone, such as Asia/Shanghai") from error
        return name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.home / 'control.sqlite'}"

    @property
    def jobs_database_url(self) -> str:
        return self.jobs_database or (
            f"sqlite:///{self.home / 'jobs.sqlite'}" if self.database_url.startswith("sqlite") else self.database_url
        )

    @property
    def control_url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.control_port}"

    @property
    def gateway_url(self) -> str:
        return f"{'https' if self.gateway_tls_cert else 'http'}://{self.host}:{self.gateway_port}"


def config_file() -> Path:
    return Path(os.environ.get("GNOMON_CONFIG", "gnomon.toml"))
