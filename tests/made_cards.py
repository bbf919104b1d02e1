"""Cards for the emulator's tests, made straight from a state: how a card is personalised is tested elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from prime_pool import PrimePool

from card_profiles import CardProfile
from emulator import (
    ApplicationState,
    CardState,
    EmulatedCard,
    IssuerKeys,
    LifeCycle,
    PinState,
    blank_state,
)
from jpki.terms import Secret

OWN_KEYS = IssuerKeys(version=0x01, enc=Secret(b"\xe1" * 16), mac=Secret(b"\x3a" * 16), dek=Secret(b"\xde" * 16))
SERIAL = bytes.fromhex("4A504B49000000000001")
SIGN_PIN = b"ABC123"
AUTH_PIN = b"1234"
AID = bytes.fromhex("D392F000260100000001")

Send = Callable[[str], str]


def certificate(mark: int, size: int = 1500) -> bytes:
    """Returns bytes that begin like a certificate; the emulator does not look into them."""
    return b"\x30\x82" + (size - 4).to_bytes(2, "big") + bytes((mark + at) & 0x7F for at in range(size - 4))


FILES = {
    0x0001: (certificate(1), 4096),
    0x0002: (certificate(2, 1300), 2048),
    0x0006: (b"JPKIAPICCTOKEN2".ljust(160), 160),
    0x0008: (b"\x8f\x8f\x00", 3),
    0x0009: (b"", 16),
    0x000A: (certificate(3), 4096),
    0x000B: (certificate(4, 1300), 2048),
    0x0041: (b"", 4096),
    0x004A: (b"", 4096),
}


def finished_state(profile: CardProfile, pool: PrimePool) -> CardState:
    """Returns a sealed card with both keys, both PINs and every file."""
    blank = blank_state(profile, SERIAL)
    contents = ApplicationState(
        files={file: content.ljust(size, b"\xff") for file, (content, size) in FILES.items()},
        pins={"signature": PinState(Secret(SIGN_PIN), 5), "authentication": PinState(Secret(AUTH_PIN), 3)},
        keys={0x001A: pool.generate(), 0x0017: pool.generate()},
    )
    sealed = replace(blank, life_cycle=LifeCycle.SEALED, issuer_keys=OWN_KEYS)
    return sealed.with_application("jpki", contents)


def sender(card: EmulatedCard) -> Send:
    """Returns a function that sends a command and returns the answer, both in hexadecimal."""

    def send(command: str) -> str:
        return card.transmit(bytes.fromhex(command)).hex().upper()

    return send


def select_jpki(card: EmulatedCard) -> Send:
    """Selects the JPKI application, and returns a function that sends a command as `sender`'s does."""
    send = sender(card)
    assert send(f"00A4040C0A{AID.hex()}") == "9000"
    return send
