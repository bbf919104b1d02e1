"""Cards in this process for tests of a session: with something changed on them, and the layers that a session wants."""

from __future__ import annotations

from dataclasses import replace

from certified_cards import certified_state
from cryptography.hazmat.primitives.asymmetric import rsa

from card_profiles import CardProfile, load_profile
from emulator import CardState, EmulatedCard, VolatileMemory
from jpki.card import Card, Encoded, Exchange, LocalConnection, Resolving, Traced
from jpki.formats import digest_info
from jpki.terms import Pin, Role

DIGEST_INFO = digest_info("sha256", bytes(32))
WRONG = {Role.SIGNATURE: Pin("WRONG1"), Role.AUTHENTICATION: Pin("9999")}


def device_of(state: CardState, profile: CardProfile | None = None, *, stumbles: bool = False) -> EmulatedCard:
    """Returns an emulated card with this state."""
    return EmulatedCard(profile or load_profile(state.profile), VolatileMemory(state), strict=True, stumbles=stumbles)


def card_of(state: CardState, trace: list[Exchange] | None = None, profile: CardProfile | None = None) -> Card:
    """Returns a card with this state; what is exchanged with it goes into `trace`."""
    log = [] if trace is None else trace
    return Resolving(Traced(Encoded(LocalConnection(device_of(state, profile))), log.append, lambda: 0.0))


def with_file(state: CardState, file: int, content: bytes | None) -> CardState:
    """Returns the card with another content of one JPKI file; None takes the file away."""
    contents = state.applications["jpki"]
    files = {known: value for known, value in contents.files.items() if known != file}
    files |= {} if content is None else {file: content}
    return state.with_application("jpki", replace(contents, files=files))


def headers(trace: list[Exchange]) -> list[str]:
    """Returns the first four bytes of every command."""
    return [exchange.command.split()[0] for exchange in trace]


def public_key(role: Role, state: CardState | None = None) -> rsa.RSAPublicKey:
    """Returns the public key of a role on a card; without a state, on the certified one."""
    found = state or certified_state()
    file = load_profile(found.profile).jpki.roles[role].key.file
    return found.applications["jpki"].keys[file].private_key.public_key()
