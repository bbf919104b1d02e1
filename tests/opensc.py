"""OpenSC's tools, unmodified, at one reader of the real daemon. PINs reach them in the environment, never in argv."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from jpki.formats import from_pem
from jpki.terms import Pin, Role

__all__ = ["OpenSc"]

# OpenSC's own numbers and words for what is on a JPKI card.
_NUMBERS = {Role.AUTHENTICATION: "01", Role.SIGNATURE: "02"}
_TOKENS = {Role.AUTHENTICATION: "User Authentication PIN", Role.SIGNATURE: "Digital Signature PIN"}
_SLOT = re.compile(r"^Slot \d+ \((0x[0-9a-f]+)\): (.*)\n  token label +: (.*)$", re.MULTILINE)


class OpenSc:
    """`pkcs15-tool` and `pkcs11-tool` with the card in a reader."""

    def __init__(self, reader: str) -> None:
        self.reader = reader

    def listing(self) -> str:
        """Returns what `pkcs15-tool -D` prints."""
        return self._pkcs15("-D").stdout

    def tries_left(self, role: Role) -> int:
        """Returns how many tries OpenSC says that a PIN has left."""
        shown = self._pkcs15("--list-pins").stdout
        found = re.search(rf"\[{_TOKENS[role]}\].*?Tries left +: (\d+)", shown, re.DOTALL)
        assert found is not None, shown
        return int(found[1])

    def certificate(self, role: Role, pin: Pin | None = None) -> bytes | None:
        """Returns a certificate (DER), read with its PIN or without; None where OpenSC gets none."""
        verify = [] if pin is None else ["--verify-pin", "--auth-id", _NUMBERS[role], "--pin", "env:PIN"]
        done = self._pkcs15(*verify, "--read-certificate", _NUMBERS[role], pin=pin)
        return from_pem(done.stdout, "CERTIFICATE")[0] if done.returncode == 0 else None

    def takes(self, role: Role, pin: Pin) -> bool:
        """Returns whether the card takes a PIN that OpenSC shows it."""
        done = self._pkcs15("--verify-pin", "--auth-id", _NUMBERS[role], "--pin", "env:PIN", pin=pin)
        return done.returncode == 0

    def sign(self, role: Role, pin: Pin, document: Path, *, slot: str | None = None) -> Path:
        """Signs a file by `pkcs11-tool --sign`, and returns the file beside it that holds the signature.

        `slot` is what `slot` returns for the role; it is asked for where it is None.
        """
        signature = document.with_suffix(f".{role.short}.sig")
        files = ["--input-file", str(document), "--output-file", str(signature)]
        key = ["--slot", slot or self.slot(role), "--id", _NUMBERS[role], "--mechanism", "SHA256-RSA-PKCS"]
        done = _run("pkcs11-tool", "--sign", *key, "--login", "--pin", "env:PIN", *files, pin=pin)
        assert done.returncode == 0, done.stderr
        return signature

    def slot(self, role: Role) -> str:
        """Returns OpenSC's identifier of the token of a role in this reader: it shows one for each PIN of a card."""
        shown = _run("pkcs11-tool", "--list-token-slots").stdout
        slots = [
            slot for slot, reader, label in _SLOT.findall(shown) if reader == self.reader and _TOKENS[role] in label
        ]
        assert len(slots) == 1, shown
        return slots[0]

    def _pkcs15(self, *arguments: str, pin: Pin | None = None) -> subprocess.CompletedProcess[str]:
        return _run("pkcs15-tool", "--reader", self.reader, *arguments, pin=pin)


def _run(*words: str, pin: Pin | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"LC_ALL": "C"} | ({} if pin is None else {"PIN": pin.reveal().decode("ascii")})
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
