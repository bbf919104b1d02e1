"""Brings a database's schema up to date, within the caller's transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

__all__ = ["upgrade"]

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, schema: str, versions: str = "versions") -> None:
    """Applies every migration up to `schema` that the database has not seen. There is no way back: restore a backup.

    `versions` is the folder of the steps: `versions` for an authority's store, `relying` for a relying party's.
    """
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("version_locations", str(_SCRIPTS / versions).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, schema)
