"""OCSP requests: which certificates somebody asks for. Source: RFC 6960, 4.1; RFC 9654."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import object_identifiers as oids
from .der import NULL, SEQUENCE, DerReader, check_nested, encode, encode_oid
from .errors import FormatError
from .names import GeneralName
from .ocsp_cert_id import CertId
from .ocsp_extensions import encode_nonce, read_nonce, read_optional_extensions, unknown_critical
from .signed import signature_algorithm_name

__all__ = ["MAX_CERT_IDS", "MAX_OCSP_REQUEST_OCTETS", "OcspRequest", "ocsp_request"]

_WHAT = "OCSP request"
_VERSION = 0xA0
_REQUESTOR = 0xA1
_EXTENSIONS = 0xA2
_QUESTION_EXTENSIONS = 0xA0
_SIGNATURE = 0xA0
_CERTIFICATES = 0xA0

MAX_OCSP_REQUEST_OCTETS = 16_384
"""The most that a request may have; ours. So many hold `MAX_CERT_IDS` questions and a signature with certificates."""
MAX_CERT_IDS = 100
"""The most certificates that one request may ask for; ours. An answer to so many has under 25,000 octets."""


@dataclass(frozen=True, slots=True)
class OcspRequest:
    """A request as read: the certificates asked for in their order, and the nonce where there is one.

    `requestor` and `signature` (the element as written) say who asks; nothing here judges them.
    `unknown_critical_extensions` are those of the request and of each question: whoever answers must refuse.
    """

    raw: bytes = field(repr=False)
    cert_ids: tuple[CertId, ...]
    nonce: bytes | None = None
    requestor: GeneralName | None = None
    signature: bytes | None = None
    unknown_critical_extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: bytes) -> OcspRequest:
        """Reads a DER request of up to `MAX_OCSP_REQUEST_OCTETS`; raises FormatError.

        Refused besides what is not DER: a request for no certificate or for more than `MAX_CERT_IDS`, a nonce that is
        empty or over 128 octets, an extension twice. What `CertId.read` refuses is refused too.
        """
        return _usual(raw) or read_any_request(raw)


def read_any_request(raw: bytes) -> OcspRequest:
    """Reads a request of any shape; raises FormatError. It is what `OcspRequest.parse` does, without its short way."""
    if len(raw) > MAX_OCSP_REQUEST_OCTETS:
        raise FormatError(what=_WHAT, problem="longer than any request")
    frame = DerReader.whole(raw, _WHAT)
    fields = frame.enter()
    signature = None
    if frame.more:
        signature = frame.element(_SIGNATURE)
        _check_signature(signature)
    frame.finish()
    if fields.next_tag == _VERSION:
        raise fields.wrong("a version that is written out as 1, or unknown")
    requestor = _requestor(fields.optional(_REQUESTOR))
    questions = fields.enter()
    extensions = read_optional_extensions(fields.optional(_EXTENSIONS))
    fields.finish()
    cert_ids, critical = _questions(questions)
    critical += unknown_critical(extensions, oids.OCSP_NONCE)
    return OcspRequest(
        raw, cert_ids, read_nonce(extensions, _WHAT), requestor, signature, tuple(dict.fromkeys(critical))
    )


def _questions(questions: DerReader) -> tuple[tuple[CertId, ...], tuple[str, ...]]:
    """Takes the certificates asked for, and the types of critical extensions beside any of them: none is known."""
    cert_ids: list[CertId] = []
    critical: tuple[str, ...] = ()
    while questions.more:
        if len(cert_ids) == MAX_CERT_IDS:
            raise questions.wrong("more certificates than one request may ask for")
        fields = questions.enter()
        cert_ids.append(CertId.read(fields))
        critical += unknown_critical(read_optional_extensions(fields.optional(_QUESTION_EXTENSIONS)))
        fields.finish()
    if not cert_ids:
        raise questions.wrong("a request for no certificate")
    return tuple(cert_ids), critical


def _requestor(explicit: DerReader | None) -> GeneralName | None:
    if explicit is None:
        return None
    name = GeneralName.read(explicit)
    explicit.finish()
    return name


def _check_signature(signature: bytes) -> None:
    explicit = DerReader.whole(signature, _WHAT, _SIGNATURE)
    fields = explicit.enter()
    explicit.finish()
    signature_algorithm_name(fields.element(SEQUENCE))
    fields.octet_bits()
    if fields.more:
        check_nested(fields.element(_CERTIFICATES), _WHAT)
    fields.finish()


# What nearly every client sends: one question by SHA-1 or SHA-256, with a nonce or without, and nothing else. Each
# group is the content of an element, which the octet before it must count.
_LENGTH = rb"(?:[\x00-\x7F]|\x81[\x80-\xFF])"
_SHORT = rb"[\x00-\x7F]"
_NONCE = re.escape(encode_oid(oids.OCSP_NONCE))


def _hashed(algorithm: str, length: int) -> bytes:
    oid = encode_oid(algorithm)
    identifiers = b"|".join(re.escape(encode(SEQUENCE, oid, null)) for null in (encode(NULL), b""))
    return rb"(?:%b)\x04%b.{%d}\x04%b.{%d}" % (identifiers, *(re.escape(bytes((length,))), length) * 2)


_QUESTION = rb"\x30%b((?:%b|%b)\x02%b((?!\x00[\x00-\x7F]|\xFF[\x80-\xFF])(?:\x00.{20}|.{1,20})))" % (
    _SHORT,
    _hashed(oids.SHA1, 20),
    _hashed(oids.SHA256, 32),
    _SHORT,
)
_NONCE_ALONE = b"".join(
    (rb"\xA2%b(\x30%b(\x30%b(" % ((_LENGTH,) * 3), _NONCE, rb"\x04%b(\x04%b(.{1,128})))))" % ((_LENGTH,) * 2))
)
_USUAL = re.compile(
    rb"\x30%b(\x30%b(\x30%b(\x30%b(%b))(?:%b)?))" % (*(_LENGTH,) * 4, _QUESTION, _NONCE_ALONE), re.DOTALL
)
_CERT_ID_GROUP, _SERIAL_GROUP, _NONCE_GROUP = 5, 6, 11


def _usual(raw: bytes) -> OcspRequest | None:
    """Reads a request that looks like `_USUAL`, or returns None: then the long way judges."""
    found = _USUAL.fullmatch(raw)
    if found is None:
        return None
    spans = found.regs
    nonce = found[_NONCE_GROUP]
    for start, end in spans[1:] if nonce else spans[1 : _SERIAL_GROUP + 1]:
        if raw[start - 1] != end - start:
            return None
    start, end = spans[_CERT_ID_GROUP]
    number, _ = spans[_SERIAL_GROUP]
    cert_id = CertId(raw[start - 2 : end], raw[start : number - 2], int.from_bytes(raw[number:end], "big", signed=True))
    return OcspRequest(raw, (cert_id,), nonce)


def ocsp_request(cert_ids: Iterable[CertId], nonce: bytes | None = None) -> bytes:
    """Returns a request for these certificates, not signed; raises FormatError for a nonce out of bounds."""
    questions = encode(SEQUENCE, *(encode(SEQUENCE, cert_id.raw) for cert_id in cert_ids))
    extensions = b"" if nonce is None else encode(_EXTENSIONS, encode(SEQUENCE, encode_nonce(nonce, _WHAT)))
    return encode(SEQUENCE, encode(SEQUENCE, questions, extensions))
