"""A key on a card, used as a private key of the `cryptography` library."""

from __future__ import annotations

from typing import NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric import utils as asym_utils

from card_profiles import SigningScheme
from jpki.formats import Certificate, digest_info
from jpki.terms import Role

from .errors import KeyMismatch
from .session import JpkiApplication

__all__ = ["CardPrivateKey", "certified_key"]

_HASHES = ("sha1", "sha256", "sha384", "sha512")
_PSS_SALT_LENGTH = 32
_DIGEST_LENGTH = padding.PSS.DIGEST_LENGTH


def certified_key(certificate: Certificate, role: Role) -> rsa.RSAPublicKey:
    """Returns the key that a certificate of this role certifies, ready for use.

    Raises FormatError where it is not RSA, and KeyMismatch for numbers that no RSA key has: they are not the card's.
    """
    numbers = certificate.public_key
    try:
        return rsa.RSAPublicNumbers(numbers.exponent, numbers.modulus).public_key()
    except ValueError:
        raise KeyMismatch(role=role) from None


class CardPrivateKey(rsa.RSAPrivateKey):
    """The private key of a role on a card, as every builder of `cryptography` takes one.

    It signs while the session it comes from lasts and the role's PIN is verified: by PKCS #1 v1.5 with SHA-1, -256,
    -384 or -512, and, where the card has the scheme, by PSS with SHA-256 and a salt of 32 bytes. Anything else raises
    UnsupportedAlgorithm, and so does everything that needs the key's numbers: they never leave the card.
    """

    def __init__(self, session: JpkiApplication, role: Role, certificate: Certificate) -> None:
        """Takes the certificate for its public key; `of` reads it from the card. Raises FormatError, KeyMismatch."""
        self._session = session
        self._role = role
        self._public_key = certified_key(certificate, role)

    @classmethod
    def of(cls, session: JpkiApplication, role: Role) -> CardPrivateKey:
        """Returns the key of a role, its certificate read from the card.

        Raises what read_certificate raises, and for a certificate of no RSA key FormatError or KeyMismatch.
        """
        return cls(session, role, session.read_certificate(role))

    @property
    def key_size(self) -> int:
        """Returns the length of the modulus in bits."""
        return self._public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """Returns the public key, from the certificate."""
        return self._public_key

    def sign(
        self,
        data: bytes,
        padding: padding.AsymmetricPadding,
        algorithm: asym_utils.Prehashed | hashes.HashAlgorithm | asym_utils.NoDigestInfo,
    ) -> bytes:
        """Returns the card's signature over `data`, which is hashed on this side.

        Raises UnsupportedAlgorithm, PinNeeded, SessionEnded, and ValueError for a digest that is not of its length.
        """
        hash_algorithm, digest = _digest(data, algorithm)
        if _is_pkcs1(padding):
            if hash_algorithm.name not in _HASHES:
                raise _unsupported(hash_algorithm.name)
            return self._session.sign(self._role, digest_info(hash_algorithm.name, digest))
        scheme = SigningScheme.PSS_SHA256_PREHASHED
        if not _is_the_cards_pss(padding, hash_algorithm) or self._session.profile.jpki.parameter_of(scheme) is None:
            raise _unsupported(f"{padding.name} with {hash_algorithm.name}")
        return self._session.sign(self._role, digest, scheme)

    def decrypt(self, ciphertext: bytes, padding: padding.AsymmetricPadding) -> NoReturn:
        """Raises UnsupportedAlgorithm: the card's keys only sign."""
        raise _unsupported("decryption")

    def private_numbers(self) -> NoReturn:
        """Raises UnsupportedAlgorithm: they never leave the card."""
        raise _unsupported("private numbers")

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,  # noqa: A002 - the name that the base class gives it
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> NoReturn:
        """Raises UnsupportedAlgorithm: they never leave the card."""
        raise _unsupported("private bytes")

    def __copy__(self) -> NoReturn:
        raise TypeError("a key on a card is not copied")

    def __deepcopy__(self, memo: dict[int, object]) -> NoReturn:
        raise TypeError("a key on a card is not copied")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key on a card is not pickled")

    def __repr__(self) -> str:
        return f"CardPrivateKey({self._role.value})"


def _digest(
    data: bytes, algorithm: asym_utils.Prehashed | hashes.HashAlgorithm | asym_utils.NoDigestInfo
) -> tuple[hashes.HashAlgorithm, bytes]:
    if isinstance(algorithm, asym_utils.Prehashed):
        # The only way to the hash within; cryptography's own code reads it too.
        hash_algorithm: hashes.HashAlgorithm = algorithm._algorithm
        if len(data) != hash_algorithm.digest_size:
            raise ValueError("the digest is not of the length that its algorithm gives it")
        return hash_algorithm, bytes(data)
    if not isinstance(algorithm, hashes.HashAlgorithm):
        raise _unsupported("data without a hash")
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return algorithm, digest.finalize()


def _is_pkcs1(wanted: padding.AsymmetricPadding) -> bool:
    return isinstance(wanted, padding.PKCS1v15)


def _is_the_cards_pss(wanted: padding.AsymmetricPadding, hash_algorithm: hashes.HashAlgorithm) -> bool:
    return (
        isinstance(wanted, padding.PSS)
        and hash_algorithm.name == "sha256"
        and wanted.mgf._algorithm.name == "sha256"
        and (wanted._salt_length is _DIGEST_LENGTH or wanted._salt_length == _PSS_SALT_LENGTH)
    )


def _unsupported(what: str) -> UnsupportedAlgorithm:
    return UnsupportedAlgorithm(f"{what} is not what a key on a card does")
