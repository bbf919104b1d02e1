"""EF 0008 of the JPKI application: which certificates a card carries. Source: docs/facts.md, applications and files."""

from __future__ import annotations

from collections.abc import Iterable

from jpki.terms import Role

from .errors import FormatError

__all__ = ["encode_presence", "parse_presence"]

_PRESENT, _ABSENT = 0x8F, 0x00
_ORDER = (Role.SIGNATURE, Role.AUTHENTICATION)


def parse_presence(raw: bytes) -> frozenset[Role]:
    """Returns the roles whose certificate is there; raises FormatError for fewer than two bytes.

    A third byte, whose meaning is not known, is left alone, and any value but 8F is taken for "not there".
    """
    if len(raw) < len(_ORDER):
        raise FormatError(what="presence of certificates", problem="shorter than two octets")
    return frozenset(role for role, octet in zip(_ORDER, raw, strict=False) if octet == _PRESENT)


def encode_presence(roles: Iterable[Role]) -> bytes:
    """Returns the three bytes of the file."""
    there = frozenset(roles)
    return bytes(_PRESENT if role in there else _ABSENT for role in _ORDER) + b"\x00"
