"""Copies of revocation lists for outlets, of the small PKI's authorities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta

from small_pki import NOW, SIGN_CA, Authority, element, municipality_name, numbered_key, revoked

from jpki.formats import Certificate, CertificateList, Name
from jpki.outlets import MunicipalScope, PublishedCopy
from jpki.terms import Role

__all__ = ["KIYOSE", "NEXT_SIGN_CA", "complete", "delta", "lines", "municipal", "raw_of"]

# The same authority with its next key.
NEXT_SIGN_CA = Authority(Role.SIGNATURE, numbered_key(7), 0x0A6C6A21)
_GENERATIONS = {ca.key.key_id: number for number, ca in ((1, SIGN_CA), (2, NEXT_SIGN_CA))}
KIYOSE = "13221"


def lines(count: int) -> list[bytes]:
    return [revoked(0x01000002 + number) for number in range(count)]


def complete(
    number: int = 41, ca: Authority = SIGN_CA, *, entries: int = 3, pieces: Iterable[bytes] | None = None
) -> PublishedCopy:
    """Returns the list of everything one key signed for."""
    raw = ca.revocation_list(*lines(entries), number=number)
    return _copy(raw, ca, Name.parse(ca.name), None, pieces)


def municipal(
    number: int = 41, ca: Authority = SIGN_CA, *, entries: int = 1, city: str = "Kiyose-shi", code: str = KIYOSE
) -> PublishedCopy:
    """Returns the list of one municipality."""
    name = municipality_name(ca.role, f"{city} CRLDP")
    raw = ca.revocation_list(*lines(entries), number=number, point=_point(name))
    return _copy(raw, ca, Name.parse(name), MunicipalScope(code, Name.parse(name)), None)


def delta(number: int = 42, ca: Authority = SIGN_CA, *, entry: Name | None = None, entries: int = 1) -> PublishedCopy:
    """Returns a delta to number 41 of a municipality's list; the name of its entry stands below the municipality's."""
    name = Name.parse(municipality_name(ca.role))
    below = Name.of(*((attribute.oid, attribute.text) for attribute in name.attributes), ("CN", "Delta CRL"))
    raw = ca.revocation_list(*lines(entries), number=number, point=_point(name.raw), delta_base=41)
    return _copy(raw, ca, entry or below, MunicipalScope(KIYOSE, name), None)


def _point(name: bytes) -> bytes:
    return element(0xA0, element(0xA0, element(0xA4, name))) + b"\x81\x01\xff"


def _copy(
    raw: bytes, ca: Authority, entry: Name, scope: MunicipalScope | None, pieces: Iterable[bytes] | None
) -> PublishedCopy:
    read = CertificateList.parse(raw)
    assert read.number is not None
    return PublishedCopy(
        authority=ca.role,
        generation=_GENERATIONS.get(ca.key.key_id, 1),
        issuer=Certificate.parse(ca.root()),
        scope=scope,
        delta=read.is_delta,
        entry=entry,
        number=read.number,
        this_update=read.this_update,
        next_update=read.next_update or NOW + timedelta(hours=45),
        size=len(raw),
        digest=hashlib.sha256(raw).digest(),
        pieces=lambda: [raw[at : at + 1000] for at in range(0, len(raw), 1000)] if pieces is None else pieces,
    )


def raw_of(copy: PublishedCopy) -> bytes:
    return b"".join(copy.pieces())
