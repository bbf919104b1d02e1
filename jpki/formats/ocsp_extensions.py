"""The extensions of OCSP that this toolkit knows: the nonce, and since when an authority keeps its records."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from . import object_identifiers as oids
from .der import GENERALIZED_TIME, OCTET_STRING, DerReader, encode, encode_time
from .errors import FormatError
from .extensions import Extension, encode_extension, read_extensions, read_octets

__all__ = ["MAX_NONCE_OCTETS"]

MAX_NONCE_OCTETS = 128
"""Source: RFC 9654, 2.1: a nonce has 1 to 128 octets."""


def find_extension(extensions: tuple[Extension, ...], oid: str) -> Extension | None:
    """Returns the extension of this type, or None."""
    return next((extension for extension in extensions if extension.oid == oid), None)


def read_optional_extensions(explicit: DerReader | None) -> tuple[Extension, ...]:
    """Takes the extensions inside an explicit tag that may be absent; raises FormatError."""
    if explicit is None:
        return ()
    extensions = read_extensions(explicit.enter())
    explicit.finish()
    return extensions


def unknown_critical(extensions: tuple[Extension, ...], *known: str) -> tuple[str, ...]:
    """Returns the types of the critical extensions that are not among those known."""
    return tuple(extension.oid for extension in extensions if extension.critical and extension.oid not in known)


def read_nonce(extensions: tuple[Extension, ...], what: str) -> bytes | None:
    """Returns the nonce, or None where there is none; raises FormatError where its length is out of bounds."""
    extension = find_extension(extensions, oids.OCSP_NONCE)
    if extension is None:
        return None
    nonce = read_octets(extension.value, what)
    if not 1 <= len(nonce) <= MAX_NONCE_OCTETS:
        raise FormatError(what=what, problem="a nonce that is empty or over 128 octets")
    return nonce


def encode_nonce(nonce: bytes, what: str) -> bytes:
    """Returns the extension that holds a nonce; raises FormatError where its length is out of bounds."""
    if not 1 <= len(nonce) <= MAX_NONCE_OCTETS:
        raise FormatError(what=what, problem="a nonce that is empty or over 128 octets")
    return encode_extension(oids.OCSP_NONCE, encode(OCTET_STRING, nonce))


def read_archive_cutoff(extensions: tuple[Extension, ...], what: str) -> datetime | None:
    """Returns since when the responder keeps what it knows, or None where it does not say; raises FormatError."""
    extension = find_extension(extensions, oids.OCSP_ARCHIVE_CUTOFF)
    if extension is None:
        return None
    reader = DerReader(extension.value, what)
    moment = read_generalized_time(reader)
    reader.finish()
    return moment


def encode_archive_cutoff(moment: datetime) -> bytes:
    """Returns the extension that says since when the responder keeps what it knows. Source: RFC 6960, 4.4.4."""
    return encode_extension(oids.OCSP_ARCHIVE_CUTOFF, encode_generalized_time(moment))


def read_generalized_time(reader: DerReader) -> datetime:
    """Takes a GeneralizedTime, which is how OCSP writes all moments, from a reader; raises FormatError."""
    if reader.next_tag != GENERALIZED_TIME:
        raise reader.wrong("a time that is not a GeneralizedTime")
    return reader.time()


@lru_cache(maxsize=1024)
def encode_generalized_time(moment: datetime) -> bytes:
    """Returns a moment, cut to the second, in UTC, as GeneralizedTime; answers of one second share it.

    `moment` must carry a time zone (ValueError otherwise). Source: RFC 6960, 4.2.2.1.
    """
    encoded = encode_time(moment)
    if encoded[0] == GENERALIZED_TIME:
        return encoded
    return encode(GENERALIZED_TIME, b"%d" % (moment.astimezone(UTC).year // 100), encoded[2:])
