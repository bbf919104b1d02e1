"""Keys of an authority on a token: made there, never leaving it, signing by PKCS#11.

The library keeps others out of a session while it works, so each signature borrows a session that nobody else uses;
there are as many as there were threads signing at one moment.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, PKCS11Error, PrivateKey, Session

from jpki.formats import digest_info, rsa_public_key_info

from ..errors import KeyMissing
from .errors import TokenFailed, TokenKeyAmbiguous, TokenKeyUnfit
from .token_modules import module_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from pkcs11.types import SignMixin

    from .key_uri import TokenPlace

__all__ = ["TokenKey", "holds_key", "open_token_key"]

_BITS, _EXPONENT = 2048, 65537
_PADDING = padding.PKCS1v15()
# What the token is told of a new key beside its length: it stays there, and signs, and that is all.
_PRIVATE = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.SIGN_RECOVER: False,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
_PUBLIC = {
    Attribute.PUBLIC_EXPONENT: _EXPONENT.to_bytes(3, "big"),
    Attribute.MODULUS_BITS: _BITS,
    Attribute.VERIFY: True,
    Attribute.VERIFY_RECOVER: False,
    Attribute.ENCRYPT: False,
    Attribute.WRAP: False,
}


class TokenKey:
    """A private key that is on a token. Several threads may sign at once."""

    def __init__(self, place: TokenPlace, public_key_info: bytes) -> None:
        self.public_key_info = public_key_info
        self._place = place
        self._module = module_of(place)
        self._public = cast("RSAPublicKey", load_der_public_key(public_key_info))
        self._idle: list[tuple[int, Session, PrivateKey]] = []

    def sign(self, content: bytes) -> bytes:
        """Returns the sha256WithRSAEncryption signature of `content`, verified; raises TokenUnusable, KeyMissing."""
        return self._verified(self._signed(content, Mechanism.SHA256_RSA_PKCS), content, hashes.SHA256())

    def sign_digest(self, digest: bytes) -> bytes:
        """Returns the sha256WithRSAEncryption signature of what has this SHA-256 digest; errors as of `sign`."""
        signature = self._signed(digest_info("sha256", digest), Mechanism.RSA_PKCS)
        return self._verified(signature, digest, Prehashed(hashes.SHA256()))

    def _signed(self, data: bytes, mechanism: Mechanism) -> bytes:
        with self._module.use(self._place) as epoch, self._borrowed(epoch) as private:
            return cast("SignMixin", private).sign(data, mechanism=mechanism)

    @contextmanager
    def _borrowed(self, epoch: int) -> Iterator[PrivateKey]:
        """Gives the key in a session of its own; one in which something failed is not used again."""
        found = self._pop(epoch)
        if found is None:
            session = self._module.session(self._place)
            found = epoch, session, _only_key(session, self._place)
            if _public_key_info(found[2]) != self.public_key_info:
                raise TokenKeyUnfit(file=str(self._place), problem="another key than before")
        yield found[2]
        self._idle.append(found)

    def _pop(self, epoch: int) -> tuple[int, Session, PrivateKey] | None:
        while True:
            try:
                found = self._idle.pop()
            except IndexError:
                return None
            if found[0] == epoch:
                return found

    def _verified(self, signature: bytes, signed: bytes, algorithm: hashes.SHA256 | Prehashed) -> bytes:
        # A fault while an RSA signature is computed can give the key away to whoever sees the result.
        try:
            self._public.verify(signature, signed, _PADDING, algorithm)
        except InvalidSignature:
            self._module.spoil()
            raise TokenFailed(file=str(self._place), problem="a signature that does not verify") from None
        return signature


def open_token_key(place: TokenPlace, *, make: bool = False) -> TokenKey:
    """Returns the key of a place; with `make`, a new RSA key of 2048 bits where there is none.

    Raises KeyMissing, TokenUnusable.
    """
    module = module_of(place)
    with module.use(place):
        session = module.session(place)
        try:
            if make and not _keys(session, place):
                _make(module.session(place, writing=True), place)
            # Also a new key is used as it is found again, so that what is certified is what is on the token.
            info = _public_key_info(_fit(_only_key(session, place), place))
        finally:
            _close(session)
    return TokenKey(place, info)


def holds_key(place: TokenPlace) -> bool:
    """Returns whether there is a key, or more than one, at a place; raises TokenUnusable."""
    module = module_of(place)
    with module.use(place):
        session = module.session(place)
        try:
            return bool(_keys(session, place))
        finally:
            _close(session)


def _close(session: Session) -> None:
    with suppress(PKCS11Error):  # the token may be gone, and the session with it
        session.close()


def _keys(session: Session, place: TokenPlace) -> list[PrivateKey]:
    wanted: dict[Attribute, object] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
    if place.label:
        wanted[Attribute.LABEL] = place.label
    if place.key_id:
        wanted[Attribute.ID] = place.key_id
    return [found for found in session.get_objects(wanted) if isinstance(found, PrivateKey)]


def _only_key(session: Session, place: TokenPlace) -> PrivateKey:
    found = _keys(session, place)
    if not found:
        raise KeyMissing(file=str(place))
    if len(found) > 1:
        raise TokenKeyAmbiguous(file=str(place), count=len(found))
    return found[0]


def _make(session: Session, place: TokenPlace) -> None:
    try:
        session.generate_keypair(
            KeyType.RSA,
            _BITS,
            id=place.key_id or None,
            label=place.label or None,
            store=True,
            capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
            public_template=_PUBLIC,
            private_template=_PRIVATE,
        )
    finally:
        _close(session)


def _fit(key: PrivateKey, place: TokenPlace) -> PrivateKey:
    """Returns the key; raises TokenKeyUnfit where it could leave the token, or is not of the profile."""
    if key.key_type is not KeyType.RSA:
        raise TokenKeyUnfit(file=str(place), problem="not an RSA key")
    numbers = key[Attribute.MODULUS], key[Attribute.PUBLIC_EXPONENT]
    modulus, exponent = (int.from_bytes(octets, "big") for octets in numbers)
    if modulus.bit_length() != _BITS or exponent != _EXPONENT:
        raise TokenKeyUnfit(file=str(place), problem="not 2048 bits with the exponent 65537")
    if key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]:
        raise TokenKeyUnfit(file=str(place), problem="a key that can leave the token")
    if not key[Attribute.SIGN]:
        raise TokenKeyUnfit(file=str(place), problem="a key that may not sign")
    return key


def _public_key_info(key: PrivateKey) -> bytes:
    modulus, exponent = (int.from_bytes(key[name], "big") for name in (Attribute.MODULUS, Attribute.PUBLIC_EXPONENT))
    return rsa_public_key_info(modulus, exponent)
