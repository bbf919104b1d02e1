"""The bytes of a card file: a line that says what it is, a checksum line, and the card as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from card_profiles import LONGEST_PIN, Application, CardProfile, TransparentFile
from jpki.formats import SERIAL_LENGTH
from jpki.terms import Secret

from .state import (
    EXPONENT,
    KEY_LENGTHS,
    MODULUS_BITS,
    ApplicationState,
    CardState,
    IssuerKeys,
    LifeCycle,
    PinState,
    RsaKey,
)

__all__ = ["BadCardBytes", "decode_card", "encode_card", "recognise_card"]

T = TypeVar("T")

_FORMAT = 1
_TITLE = b"JPKI-TEST emulated card, format "
_CHECKSUM = b"sha256 "


class BadCardBytes(Exception):
    """Says what is wrong with the bytes of a card file, in a few English words."""


def encode_card(state: CardState) -> bytes:
    """Returns the bytes of a card file. Source: docs/emulator.md, the card file."""
    # One line for each value of the card: readable, and much faster to write than indented JSON.
    lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in _card(state).items())
    body = "{{\n{}\n}}\n".format(",\n".join(lines)).encode("ascii")
    checksum = hashlib.sha256(body).hexdigest().encode("ascii")
    return b"%s%d\n%s%s\n%s" % (_TITLE, _FORMAT, _CHECKSUM, checksum, body)


def decode_card(raw: bytes, profile: Callable[[str], CardProfile]) -> CardState:
    """Reads the bytes of a card file; raises BadCardBytes. `profile` finds the profile that the card names, or raises.

    The state is whole and fits its profile: nothing in it makes a command fail later.
    """
    recognise_card(raw)
    title, _, rest = raw.partition(b"\n")
    if title != b"%s%d" % (_TITLE, _FORMAT):
        raise BadCardBytes("a format that is not known here")
    checksum, _, body = rest.partition(b"\n")
    if checksum != _CHECKSUM + hashlib.sha256(body).hexdigest().encode("ascii"):
        raise BadCardBytes("the checksum is wrong: cut short, or edited")
    try:
        values = json.loads(body)
        return _read_card(values, profile(_text(values, "profile")))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise BadCardBytes("the content does not follow its format") from None


def recognise_card(raw: bytes) -> None:
    """Raises BadCardBytes for what does not even begin like a card file."""
    if not raw.startswith(_TITLE):
        raise BadCardBytes("not a card file")


def _card(state: CardState) -> dict[str, Any]:
    keys = state.issuer_keys
    return {
        "profile": state.profile,
        "serial": state.serial.hex(),
        "life_cycle": state.life_cycle.value,
        "failed_authentications": state.failed_authentications,
        "issuer_keys": {
            "version": keys.version,
            **{name: getattr(keys, name).reveal().hex() for name in ("enc", "mac", "dek")},
        },
        "applications": {name: _application(contents) for name, contents in state.applications.items()},
    }


def _application(state: ApplicationState) -> dict[str, Any]:
    return {
        "pins": {
            name: {"pin": pin.pin.reveal().hex(), "tries_left": pin.tries_left} for name, pin in state.pins.items()
        },
        "keys": {f"{file:04X}": {"p": f"{key.p:x}", "q": f"{key.q:x}"} for file, key in state.keys.items()},
        "files": {
            f"{file:04X}": {"size": len(content), "content": content.rstrip(b"\xff").hex()}
            for file, content in state.files.items()
        },
    }


def _read_card(values: dict[str, Any], profile: CardProfile) -> CardState:
    _only(values, "profile", "serial", "life_cycle", "failed_authentications", "issuer_keys", "applications")
    keys = values["issuer_keys"]
    _only(keys, "version", "enc", "mac", "dek")
    if len({len(keys[name]) for name in ("enc", "mac", "dek")}) != 1:
        raise ValueError("keys of different lengths")
    applications = values["applications"]
    _only(applications, *(application.name for application in profile.applications))
    return CardState(
        profile=profile.name,
        serial=_octets(values, "serial", (SERIAL_LENGTH,)),
        life_cycle=LifeCycle(_number(values, "life_cycle", 0xFF)),
        failed_authentications=_number(values, "failed_authentications", profile.issuer.tries),
        issuer_keys=IssuerKeys(
            version=_number(keys, "version", 0xFF),
            **{name: Secret(_octets(keys, name, KEY_LENGTHS)) for name in ("enc", "mac", "dek")},
        ),
        applications={
            application.name: _read_application(applications[application.name], application)
            for application in profile.applications
        },
    )


def _read_application(values: dict[str, Any], application: Application) -> ApplicationState:
    _only(values, "pins", "keys", "files")
    key_files = {file for key in application.keys.values() for file in (key.file, key.next_file)}
    return ApplicationState(
        pins={
            name: _read_pin(value, application.pins[name].tries) for name, value in _named(values["pins"], str).items()
        },
        keys={
            _declared(file, file in key_files): _read_key(value)
            for file, value in _named(values["keys"], _identifier).items()
        },
        files={
            file: _read_file(value, application.by_id.get(file))
            for file, value in _named(values["files"], _identifier).items()
        },
    )


def _read_pin(value: dict[str, Any], tries: int) -> PinState:
    _only(value, "pin", "tries_left")
    pin = _octets(value, "pin", range(1, LONGEST_PIN + 1))
    return PinState(Secret(pin), _number(value, "tries_left", tries))


def _read_key(value: dict[str, Any]) -> RsaKey:
    _only(value, "p", "q")
    key = RsaKey(p=int(_text(value, "p"), 16), q=int(_text(value, "q"), 16), e=EXPONENT)
    if key.n.bit_length() != MODULUS_BITS or key.p == key.q or min(key.p, key.q) < 3:
        raise ValueError("no RSA key of this size")
    key.private_key  # noqa: B018 - numbers of which no key can be made are found here, not when the card signs
    return key


def _read_file(value: dict[str, Any], declared: object) -> bytes:
    _only(value, "size", "content")
    if not isinstance(declared, TransparentFile):
        raise ValueError("not a transparent file of the profile")
    size = _number(value, "size", declared.size)
    if not size:
        raise ValueError("a file of no bytes")
    return _octets(value, "content", range(size + 1)).ljust(size, b"\xff")


def _only(values: dict[str, Any], *names: str) -> None:
    if set(values) != set(names):
        raise ValueError("a name is missing or unknown")


def _named(values: dict[str, Any], name: Callable[[str], T]) -> dict[T, Any]:
    return {name(key): value for key, value in values.items()}


def _identifier(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "big")


def _declared(file: int, declared: bool) -> int:
    if not declared:
        raise ValueError("not in the profile")
    return file


def _text(values: dict[str, Any], name: str) -> str:
    if not isinstance(values[name], str):
        raise TypeError(name)
    return str(values[name])


def _number(values: dict[str, Any], name: str, most: int) -> int:
    value = values[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(name)
    return value


def _octets(values: dict[str, Any], name: str, lengths: tuple[int, ...] | range) -> bytes:
    value = bytes.fromhex(_text(values, name))
    if len(value) not in lengths:
        raise ValueError(name)
    return value
