"""Exchanges per operation, as the card sees them, beside OpenSC's for the same on the same card."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from card_profiles import load_profile
from jpki.card import Connection, Encoded, JpkiApplication, Resolving, open_reader
from jpki.formats import digest_info
from jpki.terms import Role

from .measure import Goal, Result
from .parts import PINS, CountedCard, finished_card, inserted

_DOCUMENT = b"what the holder logs in with"


def login() -> Result:
    """It counts a login, the card profile and the certificate known, beside one `pkcs11-tool --sign`."""

    def ours(connection: Connection) -> None:
        with JpkiApplication.select(Resolving(Encoded(connection)), load_profile("mynumber")) as jpki:
            jpki.verify_pin(Role.AUTHENTICATION, PINS[Role.AUTHENTICATION])
            jpki.sign(Role.AUTHENTICATION, digest_info("sha256", hashlib.sha256(_DOCUMENT).digest()))

    return _counted("exchanges-of-a-login", 3, ours, _sign_with_opensc, "OpenSC's pkcs11-tool --sign")


def certificate() -> Result:
    """It counts reading the authentication certificate, beside one `pkcs15-tool --read-certificate`."""

    def ours(connection: Connection) -> None:
        with JpkiApplication.select(Resolving(Encoded(connection)), load_profile("mynumber")) as jpki:
            assert jpki.read_certificate(Role.AUTHENTICATION).raw

    return _counted(
        "exchanges-of-reading-a-certificate", 8, ours, _read_with_opensc, "OpenSC's pkcs15-tool --read-certificate"
    )


def _counted(
    name: str, goal: int, ours: Callable[[Connection], None], opensc: Callable[[str, CountedCard], int], against: str
) -> Result:
    card = CountedCard(finished_card())
    with inserted(card) as (slot,):
        with open_reader(slot.name) as connection:
            ours(connection)
        counted = card.exchanges
        theirs = opensc(slot.name, card)
    note = f"{against} takes {theirs} exchanges on the same card"
    return Result(name, counted, "exchanges", goal, Goal.AT_MOST, f"{against}: {theirs}", note)


def _sign_with_opensc(reader: str, card: CountedCard) -> int:
    with tempfile.TemporaryDirectory() as folder:
        document, signature = Path(folder, "document"), Path(folder, "signature")
        document.write_bytes(digest_info("sha256", hashlib.sha256(_DOCUMENT).digest()))
        command = ["pkcs11-tool", "--sign", "--mechanism", "RSA-PKCS", "--slot-index", _slot_index(reader)]
        command += ["--pin", PINS[Role.AUTHENTICATION].reveal().decode(), "--id", "01"]
        before = card.exchanges
        _run([*command, "--input-file", str(document), "--output-file", str(signature)])
        assert len(signature.read_bytes()) == 256, "OpenSC signed"
        return card.exchanges - before


def _read_with_opensc(reader: str, card: CountedCard) -> int:
    before = card.exchanges
    read = _run(["pkcs15-tool", "--reader", reader, "--read-certificate", "01"])
    assert b"BEGIN CERTIFICATE" in read, "OpenSC read the certificate"
    return card.exchanges - before


def _slot_index(reader: str) -> str:
    """Returns OpenSC's number of the authentication token in a reader (each card shows a token for each PIN)."""
    lines = _run(["pkcs11-tool", "--list-slots"]).decode().splitlines()
    slots = [line for line in lines if line.startswith("Slot ")]
    return str(next(index for index, line in enumerate(slots) if reader in line))


def _run(arguments: list[str]) -> bytes:
    return subprocess.run(arguments, capture_output=True, check=True, timeout=60).stdout
