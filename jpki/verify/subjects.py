"""What can be judged: a signed document, a login, a certificate alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from jpki.terms import Role

from .errors import BadSubject
from .login import Challenge, LoginResponse

__all__ = ["CertificateAlone", "Digest", "Login", "SignedDocument", "Subject"]

_DIGEST_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Digest:
    """The SHA-256 of a document that is elsewhere, 32 bytes; raises BadSubject for another length."""

    value: bytes

    def __post_init__(self) -> None:
        if len(self.value) != _DIGEST_LENGTH:
            raise BadSubject(what="digest", problem="a SHA-256 is 32 bytes")

    @classmethod
    def of(cls, content: bytes | Iterable[bytes]) -> Digest:
        """Returns the digest of a document, whole or in pieces; raises BadSubject for one that is empty."""
        pieces = (content,) if isinstance(content, bytes | bytearray | memoryview) else content
        digest, length = hashlib.sha256(), 0
        for piece in pieces:
            digest.update(piece)
            length += len(piece)
        if not length:
            raise BadSubject(what="document", problem="empty")
        return cls(digest.digest())


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A document, or its digest, with a raw signature (RSA PKCS#1 v1.5, SHA-256) and the signer's certificate, in DER.

    A document of no bytes raises BadSubject: a signature over it says nothing.
    """

    content: bytes | Digest = field(repr=False)
    signature: bytes = field(repr=False)
    certificate: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.content, Digest) and not self.content:
            raise BadSubject(what="document", problem="empty")

    @property
    def digest(self) -> bytes:
        """Returns the SHA-256 of the document."""
        return (self.content if isinstance(self.content, Digest) else Digest.of(self.content)).value


@dataclass(frozen=True, slots=True)
class Login:
    """A response together with the challenge that this site handed out and has taken back from its keeping."""

    response: LoginResponse
    challenge: Challenge

    @property
    def signature(self) -> bytes:
        """Returns the signature of the response."""
        return self.response.signature

    @property
    def certificate(self) -> bytes:
        """Returns the certificate of the response, in DER."""
        return self.response.certificate

    @property
    def digest(self) -> bytes:
        """Returns the SHA-256 of what the response says was signed."""
        return hashlib.sha256(self.response.message).digest()


@dataclass(frozen=True, slots=True)
class CertificateAlone:
    """A certificate without anything it signed, in DER; `role` is the purpose it is asked to serve, None for either."""

    certificate: bytes = field(repr=False)
    role: Role | None = None


Subject = SignedDocument | Login | CertificateAlone
