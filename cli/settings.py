"""Settings from the user's config folder, and every environment variable the program reads, in one table."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from .errors import SettingsError

__all__ = ["VARIABLES", "Settings", "config_folder", "data_folder", "load_settings", "settings_file"]

# Every variable; `variable.<NAME>` among the catalogue's values says what it stands for.
VARIABLES: tuple[str, ...] = (
    "JPKI_LANG",
    "JPKI_READER",
    "JPKI_EMULATOR",
    "JPKI_PROFILE",
    "JPKI_CA",
    "JPKI_TRUST",
    "JPKI_CONFIG",
    "JPKI_DATA",
    "JPKI_SIGN_PIN",
    "JPKI_AUTH_PIN",
    "JPKI_NEW_SIGN_PIN",
    "JPKI_NEW_AUTH_PIN",
    "JPKI_CA_PASSPHRASE",
)
_LANGUAGES = ("ja", "en")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the settings file may say; each stands behind its option and its variable.

    Which card is meant is one decision: a reader from a variable stands before an emulated card from the file.
    """

    lang: str | None = None
    reader: str | None = None
    emulator: str | None = None
    profile: str | None = None
    ca: str | None = None
    trust: str | None = None


def config_folder(environment: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Returns the user's config folder for this program (XDG on Unix, Application Support, AppData)."""
    home = Path(environment.get("HOME") or Path.home())
    if platform == "win32":
        return Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "jpki"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "jpki"
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "jpki"


def data_folder(environment: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Returns the user's data folder for this program; `JPKI_DATA` names another."""
    if named := environment.get("JPKI_DATA"):
        return Path(named)
    home = Path(environment.get("HOME") or Path.home())
    if platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local") / "jpki"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "jpki"
    return Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / "jpki"


def settings_file(environment: Mapping[str, str]) -> Path:
    """Returns the settings file, there or not; `JPKI_CONFIG` names another."""
    named = environment.get("JPKI_CONFIG")
    return Path(named) if named else config_folder(environment) / "settings.toml"


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the settings file, if there is one, and the variables over it; raises SettingsError."""
    path = settings_file(environment)
    known = {field.name for field in fields(Settings)}
    written = _checked(_read(path, must_exist=bool(environment.get("JPKI_CONFIG"))), known, path)
    over = {name: value for name in known if (value := environment.get(f"JPKI_{name.upper()}"))}
    if over.get("lang", "en") not in _LANGUAGES:
        raise SettingsError(path="JPKI_LANG", where="", problem="neither ja nor en")
    if "reader" in over or "emulator" in over:
        written = replace(written, reader=None, emulator=None)
    return replace(written, **over)


def _checked(values: Mapping[str, object], known: set[str], path: Path) -> Settings:
    texts: dict[str, str] = {}
    for key, value in values.items():
        if key not in known:
            raise SettingsError(path=str(path), where=key, problem="unknown")
        if not isinstance(value, str) or not value:
            raise SettingsError(path=str(path), where=key, problem="not a text")
        texts[key] = value
    if texts.get("lang", "en") not in _LANGUAGES:
        raise SettingsError(path=str(path), where="lang", problem="neither ja nor en")
    return Settings(**texts)


def _read(path: Path, *, must_exist: bool) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        if must_exist:
            raise SettingsError(path=str(path), where="", problem="no such file") from error
        return {}
    except OSError as error:
        raise SettingsError(path=str(path), where="", problem=error.strerror or "cannot be read") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(path=str(path), where="", problem=f"not TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(path=str(path), where="", problem="not UTF-8") from error
