"""Tokens in software (SoftHSM2) in a temporary folder, with a PIN file beside them.

The module reads its configuration when it starts, so whoever changes it has it started again: `SoftToken.choose`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jpki.ca import TokenPlace, read_key_place

PIN, SECURITY_OFFICER_PIN = "correct-pin-1234", "so-pin-5678"
MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
)
_TOKEN_FLAGS = (0x8000_534B).to_bytes(8, "big")  # SoftHSM's own attribute CKA_OS_TOKENFLAGS
_USER_PIN_LOCKED = 0x0004_0000


@dataclass(frozen=True)
class SoftToken:
    """One token: its folder, and where its module and its PIN are."""

    folder: Path
    label: str
    module: str

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens"

    @property
    def configuration(self) -> Path:
        return self.folder / "softhsm2.conf"

    @property
    def pin_file(self) -> Path:
        return self.folder / "pin"

    def uri(self, label: str = "sign-1", *, token: str | None = None, pin: bool = True) -> str:
        """Returns the URI of a key on this token."""
        source = f"&pin-source=file:{self.pin_file}" if pin else ""
        return f"pkcs11:token={token or self.label};object={label}?module-path={self.module}{source}"

    def place(self, label: str = "sign-1", *, token: str | None = None, pin: bool = True) -> TokenPlace:
        """Returns the place of a key on this token."""
        return token_place(self.uri(label, token=token, pin=pin))

    def initialise(self, label: str) -> None:
        """Makes another token in the folder."""
        subprocess.run(
            [
                "softhsm2-util",
                "--init-token",
                "--free",
                "--label",
                label,
                "--so-pin",
                SECURITY_OFFICER_PIN,
                "--pin",
                PIN,
            ],
            check=True,
            capture_output=True,
            env={**os.environ, "SOFTHSM2_CONF": str(self.configuration)},
        )

    def unplug(self) -> None:
        self.tokens.rename(self.folder / "unplugged")

    def plug_in(self) -> None:
        (self.folder / "unplugged").rename(self.tokens)

    def block(self) -> None:
        """Makes the token say that its PIN is blocked; SoftHSM itself never blocks one."""
        (file,) = self.tokens.glob("*/token.object")
        content = bytearray(file.read_bytes())
        value = content.index(_TOKEN_FLAGS) + 16  # behind the attribute's type and kind
        flags = int.from_bytes(content[value : value + 8], "big") | _USER_PIN_LOCKED
        content[value : value + 8] = flags.to_bytes(8, "big")
        file.write_bytes(content)


def token_place(uri: str) -> TokenPlace:
    """Returns the place on a token that a URI names."""
    place = read_key_place(uri)
    assert isinstance(place, TokenPlace)
    return place


def new_soft_token(folder: Path, label: str = "JPKI test") -> SoftToken:
    """Returns a new token; skips, with the reason, where SoftHSM2 is not installed."""
    module = next((path for path in MODULES if Path(path).is_file()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM2 is not installed (Debian: apt install softhsm2)")
    token = SoftToken(folder, label.replace(" ", "%20"), module)
    token.tokens.mkdir(parents=True)
    token.configuration.write_text(
        f"directories.tokendir = {token.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n", "utf-8"
    )
    token.pin_file.write_text(f"{PIN}\n", "utf-8")
    token.pin_file.chmod(0o600)
    token.initialise(label)
    return token


def chosen_soft_token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftToken]:
    """Yields a new token that the module of this process sees."""
    from jpki.ca.custody.token_modules import module_of

    token = new_soft_token(folder)
    monkeypatch.setenv("SOFTHSM2_CONF", str(token.configuration))
    module_of(token.place()).spoil()
    yield token
    module_of(token.place()).spoil()
