"""What a revocation list says of itself, read without its entries: of a list of any length in little memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from jpki.formats import SHA256_WITH_RSA, Certificate, CertificateList, FormatError, tlv

from .published import Held, PublishedCopy

__all__ = ["ListOutline", "digest_of"]

_SEQUENCE = 0x30
_ENTRIES_COME_AFTER = 2  # sequences before: the algorithm and the issuer
_PIECE = 1 << 20
_MAX_FIELD = 1 << 16  # octets, of everything but the entries
_MAX_LENGTH_OCTETS = 4


@dataclass(frozen=True, slots=True)
class ListOutline:
    """A list with its entries left out (so its signature fits no more), and where in the file what is signed stands."""

    content: CertificateList
    signed_from: int
    signed_to: int

    @classmethod
    def read(cls, file: BinaryIO) -> ListOutline:
        """Reads a DER list from a file that can be positioned; raises FormatError, also for one that was cut."""
        size = file.seek(0, 2)
        _, body, end = _element(file, 0, size)
        if end != size:
            raise _wrong("octets after its end")
        _, field, signed_to = _element(file, body, size)
        kept = []
        sequences = 0
        while field < signed_to:
            tag, _, after = _element(file, field, signed_to)
            if tag != _SEQUENCE or sequences != _ENTRIES_COME_AFTER:
                kept.append(_octets(file, field, after))
            sequences += tag == _SEQUENCE
            field = after
        rest = _octets(file, signed_to, size)
        content = CertificateList.parse(tlv(_SEQUENCE, tlv(_SEQUENCE, kept) + rest))
        if content.number is None:
            raise _wrong("no number")
        return cls(content, body, signed_to)

    @property
    def number(self) -> int:
        """Returns the list's number."""
        return self.content.number or 0

    def is_by_key_of(self, issuer: Certificate) -> bool:
        """Returns whether the list says that this authority's key signed it."""
        key = self.content.authority_key_id
        return self.content.issuer == issuer.subject and key is not None and key.key_id == issuer.subject_key_id

    def overtakes(self, copy: PublishedCopy, file: BinaryIO) -> bool:
        """Returns whether the list in this file is a later one than the copy, of the same key and kind.

        A higher number alone would not do: damage can make one, and then the place would never be mended.
        """
        return (
            self.number > copy.number
            and self.is_by_key_of(copy.issuer)
            and self.content.is_delta == copy.delta
            and self._signature_fits(copy.issuer, file)
        )

    def _signature_fits(self, issuer: Certificate, file: BinaryIO) -> bool:
        key = load_der_public_key(issuer.public_key_info)
        if not isinstance(key, RSAPublicKey) or self.content.signature_algorithm != SHA256_WITH_RSA:
            return True  # nothing that could be judged here, and to keep a newer list is the lesser harm
        signed = digest_of(file, self.signed_from, self.signed_to)
        try:
            key.verify(self.content.signature, signed, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def held(self, file: BinaryIO) -> Held:
        """Returns number and digest of the list in this file."""
        return Held(self.number, digest_of(file))


def digest_of(file: BinaryIO, start: int = 0, end: int | None = None) -> bytes:
    """Returns the SHA-256 of a file's octets from `start` to `end`."""
    found = hashlib.sha256()
    file.seek(start)
    left = (file.seek(0, 2) if end is None else end) - start
    file.seek(start)
    while left > 0 and (piece := file.read(min(_PIECE, left))):
        found.update(piece)
        left -= len(piece)
    return found.digest()


def _element(file: BinaryIO, at: int, end: int) -> tuple[int, int, int]:
    """Returns tag, beginning of the content, and end of the element at this place."""
    head = _octets(file, at, min(at + 2 + _MAX_LENGTH_OCTETS, end))
    if len(head) < 2:
        raise _wrong("cut short")
    tag, length, body = head[0], head[1], at + 2
    if length >= 0x80:
        octets = head[2 : 2 + (length & 0x7F)]
        if not 0 < length & 0x7F <= min(_MAX_LENGTH_OCTETS, len(octets)):
            raise _wrong("a length that cannot be")
        length, body = int.from_bytes(octets, "big"), body + len(octets)
    if body + length > end:
        raise _wrong("cut short")
    return tag, body, body + length


def _octets(file: BinaryIO, start: int, end: int) -> bytes:
    if end - start > _MAX_FIELD:
        raise _wrong("a field that is too long")
    file.seek(start)
    return file.read(end - start)


def _wrong(problem: str) -> FormatError:
    return FormatError(what="certificate revocation list", problem=problem)
