"""EF 0006 of the JPKI application: a PKCS#11 CK_TOKEN_INFO as bytes. Source: docs/facts.md, token information."""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Any

from .errors import FormatError

__all__ = ["TOKEN_INFO_LENGTH", "TokenInfo", "token_label"]

TOKEN_INFO_LENGTH = 160
_LABEL = 32
_LAYOUT = struct.Struct(">32s32s16s16s11I2s2s16s")
_UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What a JPKI token says of itself. Texts are without their padding; `raw` is the file, 160 bytes.

    Session counts, PIN lengths and memory sizes are as the card gives them; 0xFFFFFFFF says that it does not tell.
    """

    label: str
    manufacturer: str
    model: str
    serial: str
    flags: int
    max_sessions: int
    sessions: int
    max_write_sessions: int
    write_sessions: int
    max_pin: int
    min_pin: int
    public_memory: int
    free_public_memory: int
    private_memory: int
    free_private_memory: int
    hardware_version: str
    firmware_version: str
    utc_time: str
    raw: bytes

    @classmethod
    def parse(cls, raw: bytes) -> TokenInfo:
        """Reads the file; raises FormatError where it is shorter than 160 bytes. What follows them is left out."""
        if len(raw) < TOKEN_INFO_LENGTH:
            raise FormatError(what="token information", problem=f"{len(raw)} octets where {TOKEN_INFO_LENGTH} are due")
        values = _LAYOUT.unpack(raw[:TOKEN_INFO_LENGTH])
        decoded: list[Any] = [_text(value) if isinstance(value, bytes) else value for value in values]
        return cls(raw=bytes(raw[:TOKEN_INFO_LENGTH]), **dict(zip(_NAMES, decoded, strict=True)))

    @classmethod
    def of(
        cls, *, label: str, manufacturer: str, model: str, serial: str, flags: int, max_pin: int, min_pin: int
    ) -> TokenInfo:
        """Returns the information of a new token.

        What the arguments do not say is as on a My Number Card: one session, memory untold, versions 03 and 01.
        Raises FormatError for a text that is not ASCII or too long.
        """
        texts = (_padded(label, 32), _padded(manufacturer, 32), _padded(model, 16), _padded(serial, 16))
        numbers = (flags, 1, 0, 1, 0, max_pin, min_pin, _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN)
        raw = b"".join(texts) + b"".join(number.to_bytes(4, "big") for number in numbers)
        return cls.parse(raw + b"0301" + b"9" * 16)


_NAMES = tuple(field.name for field in fields(TokenInfo) if field.name != "raw")


def token_label(raw: bytes) -> str:
    """Returns the label alone, which the first 32 bytes hold; the empty text where there are fewer."""
    return _text(raw[:_LABEL]) if len(raw) >= _LABEL else ""


def _text(raw: bytes) -> str:
    # A byte without meaning in ASCII stays visible: the texts of tomorrow's token must not stop the reader of today.
    return raw.decode("ascii", "backslashreplace").rstrip(" \x00")


def _padded(text: str, length: int) -> bytes:
    raw = text.encode("ascii", "replace")
    if len(raw) > length or not text.isascii():
        raise FormatError(what="token information", problem=f"a text that is not ASCII, or over {length} octets")
    return raw.ljust(length)
