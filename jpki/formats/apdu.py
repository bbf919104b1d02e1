"""Commands to a card and its responses (ISO/IEC 7816-4, section 5), and what the status bytes mean."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jpki.terms import HIDDEN, Secret

from .errors import FormatError

__all__ = ["MAX_EXTENDED", "MAX_SHORT_DATA", "MAX_SHORT_LE", "Command", "Response", "StatusWord"]

MAX_SHORT_DATA = 255
MAX_SHORT_LE = 256
MAX_EXTENDED = 65_535
_MAX_EXTENDED_LE = 65_536

_MEANINGS = {
    0x9000: "done",
    0x6281: "part of the data returned may be corrupted",
    0x6283: "DF locked",
    0x6300: "verification failed",
    0x6381: "file filled up by the last write",
    0x6400: "execution error, memory unchanged",
    0x6581: "memory failure",
    0x6700: "wrong length",
    0x6881: "logical channel not supported",
    0x6882: "secure messaging not supported",
    0x6883: "last command of the chain expected",
    0x6884: "command chaining not supported",
    0x6981: "command incompatible with file structure",
    0x6982: "security status not satisfied",
    0x6983: "authentication method blocked",
    0x6984: "referenced IEF locked",
    0x6985: "conditions of use not satisfied",
    0x6986: "no current EF",
    0x6987: "secure messaging data objects missing",
    0x6988: "secure messaging data objects incorrect",
    0x6A80: "incorrect parameters in the data field",
    0x6A81: "function not supported",
    0x6A82: "file not found",
    0x6A83: "record not found",
    0x6A84: "not enough memory space",
    0x6A85: "Lc inconsistent with TLV structure",
    0x6A86: "incorrect P1-P2",
    0x6A87: "Lc inconsistent with P1-P2",
    0x6A88: "referenced data not found",
    0x6A89: "file already exists",
    0x6B00: "offset outside the EF",
    0x6D00: "instruction not supported",
    0x6E00: "class not supported",
    0x6F00: "no precise diagnosis",
}


class StatusWord(int):
    """The two status bytes that end every response; a code without a known meaning stays what it is.

    Source: ISO/IEC 7816-4, 5.6; JICSAP's meanings where they differ (docs/facts.md, commands).
    """

    @property
    def ok(self) -> bool:
        """Returns whether the command was done: 9000."""
        return self == 0x9000

    @property
    def tries_left(self) -> int | None:
        """Returns the tries left on the key just named, or None where this status word does not say."""
        return self & 0xF if self & 0xFFF0 == 0x63C0 else None

    @property
    def more(self) -> int | None:
        """Returns how many more response bytes wait for GET RESPONSE (61xx; 256 for 6100), else None."""
        return (self & 0xFF or 256) if self & 0xFF00 == 0x6100 else None

    @property
    def right_le(self) -> int | None:
        """Returns the Le the card asks for in place of a wrong one (6Cxx; 256 for 6C00), else None."""
        return (self & 0xFF or 256) if self & 0xFF00 == 0x6C00 else None

    @property
    def meaning(self) -> str:
        """Returns the standard's words for this code, in English, or the empty string."""
        if self.tries_left is not None:
            return f"{self.tries_left} tries left"
        if self.more is not None:
            return f"{self.more} more bytes available"
        if self.right_le is not None:
            return f"wrong Le, {self.right_le} bytes available"
        return _MEANINGS.get(self, "")

    def __repr__(self) -> str:
        return f"StatusWord({self:04X})"

    def __str__(self) -> str:
        return f"{self:04X}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command to a card (ISO/IEC 7816-4, 5.1). `data` may be Secret: then no trace, log or repr shows it.

    `le` is the number of response bytes asked for (1 to 65,536), or None where none are expected. Fields outside an
    octet, data over 65,535 bytes and an impossible `le` raise FormatError.
    """

    cla: int
    ins: int
    p1: int = 0
    p2: int = 0
    data: bytes | Secret = b""
    le: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.cla | self.ins | self.p1 | self.p2 <= 0xFF:
            raise FormatError(what="command", problem="CLA, INS, P1 and P2 are one octet each")
        data = self.data
        if len(data.reveal() if isinstance(data, Secret) else data) > MAX_EXTENDED:
            raise FormatError(what="command", problem="more than 65,535 bytes of data")
        if self.le is not None and not 1 <= self.le <= _MAX_EXTENDED_LE:
            raise FormatError(what="command", problem="Le is 1 to 65,536")

    @property
    def body(self) -> bytes:
        """Returns the data in clear, secret or not."""
        return self.data.reveal() if isinstance(self.data, Secret) else self.data

    @property
    def secret(self) -> bool:
        """Returns whether the data must not be shown."""
        return isinstance(self.data, Secret)

    @property
    def header(self) -> bytes:
        """Returns CLA, INS, P1 and P2."""
        return bytes((self.cla, self.ins, self.p1, self.p2))

    @property
    def extended(self) -> bool:
        """Returns whether the command needs extended length fields."""
        return len(self.body) > MAX_SHORT_DATA or (self.le or 0) > MAX_SHORT_LE

    def encode(self) -> bytes:
        """Returns the command as the card takes it: short length fields where they suffice, else extended."""
        body = self.body
        if self.extended:
            lc = b"\x00" + len(body).to_bytes(2, "big") if body else b""
            le = b"" if self.le is None else (self.le & 0xFFFF).to_bytes(2, "big")
            return self.header + lc + body + (b"\x00" + le if le and not body else le)
        lc = bytes((len(body),)) if body else b""
        le = b"" if self.le is None else bytes((self.le & 0xFF,))
        return self.header + lc + body + le

    @classmethod
    def decode(cls, raw: bytes) -> Command:
        """Reads any of the four cases, short or extended; raises FormatError. Source: ISO/IEC 7816-4, 5.1."""
        if len(raw) < 4:
            raise FormatError(what="command", problem="shorter than its header")
        data: bytes = b""
        le: int | None = None
        if len(raw) == 5:
            le = raw[4] or MAX_SHORT_LE
        elif len(raw) > 5:
            data, le = _short_fields(raw[4:]) if raw[4] else _extended_fields(raw[4:])
        command = object.__new__(cls)
        _set_cla(command, raw[0])
        _set_ins(command, raw[1])
        _set_p1(command, raw[2])
        _set_p2(command, raw[3])
        _set_data(command, data)
        _set_le(command, le)
        return command

    def with_data(self, data: bytes | Secret) -> Command:
        """Returns the same command with other data."""
        return replace(self, data=data)

    def __repr__(self) -> str:
        data = HIDDEN if self.secret else self.body.hex().upper()
        le = "" if self.le is None else f" Le={self.le}"
        return f"Command({self.header.hex().upper()}{' ' + data if data else ''}{le})"


# `decode` fills the slots itself: what was just read needs no second check, and this takes half the time.
_set_cla, _set_ins, _set_p1, _set_p2, _set_data, _set_le = (
    vars(Command)[name].__set__ for name in ("cla", "ins", "p1", "p2", "data", "le")
)


def _short_fields(rest: bytes) -> tuple[bytes, int | None]:
    length = rest[0]
    data, tail = rest[1 : 1 + length], rest[1 + length :]
    if len(data) < length or len(tail) > 1:
        raise FormatError(what="command", problem="Lc does not match the data")
    return data, (tail[0] or MAX_SHORT_LE) if tail else None


def _extended_fields(rest: bytes) -> tuple[bytes, int | None]:
    if len(rest) == 3:
        return b"", int.from_bytes(rest[1:], "big") or _MAX_EXTENDED_LE
    length = int.from_bytes(rest[1:3], "big")
    data, tail = rest[3 : 3 + length], rest[3 + length :]
    if length == 0 or len(data) < length or len(tail) not in (0, 2):
        raise FormatError(what="command", problem="extended Lc does not match the data")
    return data, (int.from_bytes(tail, "big") or _MAX_EXTENDED_LE) if tail else None


_DONE = StatusWord(0x9000)


@dataclass(frozen=True, slots=True)
class Response:
    """What a card answered: data, and the status word that ends it."""

    data: bytes = b""
    status: StatusWord = _DONE

    @classmethod
    def decode(cls, raw: bytes) -> Response:
        """Reads a response; raises FormatError if it has not even a status word."""
        if len(raw) < 2:
            raise FormatError(what="response", problem="shorter than a status word")
        return cls(bytes(raw[:-2]), StatusWord.from_bytes(raw[-2:], "big"))

    def encode(self) -> bytes:
        """Returns the data followed by the two status bytes."""
        return self.data + self.status.to_bytes(2, "big")

    @property
    def ok(self) -> bool:
        """Returns whether the status is 9000."""
        return self.status.ok

    def __repr__(self) -> str:
        return f"Response({self.data.hex().upper()}{' ' if self.data else ''}{self.status})"
