"""Exchanges per operation, by the trace and as the card counts them, beside OpenSC's for the same on the same card."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from opensc import OpenSc

from card_profiles import load_profile
from jpki.card import Card, Encoded, Exchange, JpkiApplication, Resolving, Traced, open_reader
from jpki.formats import digest_info
from jpki.terms import Role

from .measure import Goal, Result
from .parts import PINS, CountedCard, finished_card, inserted

_DOCUMENT = b"what the holder logs in with"


def login() -> Result:
    """It counts a login, the card profile and the certificate known, beside one `pkcs11-tool --sign`."""

    def ours(card: Card) -> None:
        with JpkiApplication.select(card, load_profile("mynumber")) as jpki:
            jpki.verify_pin(Role.AUTHENTICATION, PINS[Role.AUTHENTICATION])
            jpki.sign(Role.AUTHENTICATION, digest_info("sha256", hashlib.sha256(_DOCUMENT).digest()))

    return _counted("exchanges-of-a-login", 3, ours, _sign_with_opensc, "OpenSC's pkcs11-tool --sign")


def certificate() -> Result:
    """It counts reading the authentication certificate, beside one `pkcs15-tool --read-certificate`."""

    def ours(card: Card) -> None:
        with JpkiApplication.select(card, load_profile("mynumber")) as jpki:
            assert jpki.read_certificate(Role.AUTHENTICATION).raw

    return _counted(
        "exchanges-of-reading-a-certificate", 8, ours, _read_with_opensc, "OpenSC's pkcs15-tool --read-certificate"
    )


def _counted(
    name: str, goal: int, ours: Callable[[Card], None], opensc: Callable[[OpenSc, CountedCard], int], against: str
) -> Result:
    device = CountedCard(finished_card())
    trace: list[Exchange] = []
    with inserted(device) as (slot,):
        with open_reader(slot.name) as connection:
            ours(Resolving(Traced(Encoded(connection), trace.append, lambda: 0.0)))
        assert device.exchanges == len(trace), "the card counts what the trace shows"
        theirs = opensc(OpenSc(slot.name), device)
    note = f"{against} takes {theirs} exchanges on the same card"
    return Result(name, len(trace), "exchanges", goal, Goal.AT_MOST, f"{against}: {theirs}", note)


def _sign_with_opensc(opensc: OpenSc, device: CountedCard) -> int:
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder, "document")
        document.write_bytes(_DOCUMENT)
        slot = opensc.slot(Role.AUTHENTICATION)  # which one it is does not count
        before = device.exchanges
        signature = opensc.sign(Role.AUTHENTICATION, PINS[Role.AUTHENTICATION], document, slot=slot)
        assert len(signature.read_bytes()) == 256, "OpenSC signed"
        return device.exchanges - before


def _read_with_opensc(opensc: OpenSc, device: CountedCard) -> int:
    before = device.exchanges
    assert opensc.certificate(Role.AUTHENTICATION) is not None, "OpenSC read the certificate"
    return device.exchanges - before
