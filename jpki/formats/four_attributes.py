"""The four attributes in the alternative name of a signature certificate. Source: docs/facts.md, certificates."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jpki.terms import BirthDate, FourAttributes, Sex

from . import object_identifiers as oids
from .der import SEQUENCE, encode
from .errors import FormatError
from .names import OtherName

__all__ = ["attribute_problems", "encode_attributes", "read_attributes"]

_MAX_ADDRESS = 200
_FIELDS = {
    "name": oids.JPKI_NAME,
    "name_flags": oids.JPKI_NAME_FLAGS,
    "sex": oids.JPKI_SEX,
    "birth_date": oids.JPKI_BIRTH_DATE,
    "address": oids.JPKI_ADDRESS,
    "address_flags": oids.JPKI_ADDRESS_FLAGS,
}
_BY_OID = {oid: field for field, oid in _FIELDS.items()}
_KNOWN_SEX = ("1", "2", "3", "9")

# The order in which cards carry them: .1 .4 .3 .5 .2 .6.
_WRITTEN = tuple(_FIELDS[field] for field in ("name", "birth_date", "sex", "address", "name_flags", "address_flags"))


def encode_attributes(attributes: FourAttributes) -> bytes:
    """Returns the value of subjectAltName: six other names, in the order that JPKI's certificates have."""
    texts = (
        attributes.name,
        attributes.birth_date.raw,
        attributes.sex.raw,
        attributes.address,
        attributes.name_flags,
        attributes.address_flags,
    )
    return encode(SEQUENCE, *map(OtherName.encode, _WRITTEN, texts))


def read_attributes(other_names: Sequence[OtherName], what: str) -> FourAttributes | None:
    """Returns the attributes among these names, or None where there is not one of them; what is missing is empty.

    Raises FormatError for an attribute that stands there twice or is not a UTF8String: which one would count?
    """
    texts: dict[str, str] = {}
    for other in other_names:
        field = _BY_OID.get(other.oid)
        if field is None:
            continue
        if other.text is None:
            raise FormatError(what=what, problem=f"attribute {field} is not a UTF8String")
        if field in texts:
            raise FormatError(what=what, problem=f"attribute {field} twice")
        texts[field] = other.text
    if not texts:
        return None
    return FourAttributes(
        name=texts.get("name", ""),
        name_flags=texts.get("name_flags", ""),
        address=texts.get("address", ""),
        address_flags=texts.get("address_flags", ""),
        birth_date=BirthDate(texts.get("birth_date", "")),
        sex=Sex(texts.get("sex", "")),
    )


def attribute_problems(attributes: FourAttributes) -> tuple[str, ...]:
    """Returns what is odd about attributes as read, each as `field: problem`; empty for good ones.

    The problems: `missing` (name, address, birth_date, sex), `form` (flags other than 0 and 1, a birth date that is
    none), `length` (not one flag for each character, an address over 200 characters), `unknown` (a sex digit).
    """
    problems = []
    for field, text, flags in (
        ("name", attributes.name, attributes.name_flags),
        ("address", attributes.address, attributes.address_flags),
    ):
        if not text:
            problems.append(f"{field}: missing")
        if len(flags) != len(text):
            problems.append(f"{field}_flags: length")
        if not re.fullmatch("[01]*", flags):
            problems.append(f"{field}_flags: form")
    if len(attributes.address) > _MAX_ADDRESS:
        problems.append("address: length")
    if attributes.birth_date.day is None:
        problems.append("birth_date: form" if attributes.birth_date.raw else "birth_date: missing")
    if attributes.sex.raw not in _KNOWN_SEX:
        problems.append("sex: unknown" if attributes.sex.raw else "sex: missing")
    return tuple(problems)
