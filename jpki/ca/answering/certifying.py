"""Certificates of those who answer about certificates: made when there is none, renewed in their last third.

Whoever can sign with the authority's key does it; everybody else goes on with what there is. The number and the intent
are committed before anything is signed, and while an intent is young other processes wait for what comes of it: so of
five that find the same certificate old, one makes the next.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from jpki.formats import Certificate, CertificateProfile, RsaPublicKey, load_certificate_profile
from jpki.store import Intent, Store, StoredAuthorityKey, StoredResponder, StoreReading, StoreWriting, told
from jpki.terms import CertificateName, Role

from ..errors import ClockBehind, KeyInUse, NumbersExhausted
from ..issuer import Issuer
from ..keys import SigningKey
from ..linting import lint
from ..requests import key_hash_of
from ..settings import HIGHEST_NUMBER

__all__ = ["best_of", "certified", "is_due", "responder_profile"]

_JOB = "OCSP responder"
# A client whose clock is behind must not take the certificate for one that is not valid yet. Ours.
_BACKDATED = timedelta(hours=1)
_ANOTHER_AT_WORK = timedelta(seconds=60)
_WAIT_SECONDS, _LOOK_AGAIN_SECONDS = 10.0, 0.02


class _OthersTurn(Exception):
    """Says that another process is making the certificate, or has made it; the number goes back."""


def responder_profile(role: Role) -> CertificateProfile:
    """Returns the profile of the certificates of who answers for an authority."""
    return load_certificate_profile(f"ocsp-{role.short}")


def best_of(stored: Iterable[StoredResponder], key: SigningKey, at: datetime) -> StoredResponder | None:
    """Returns, of certificates of this key that are valid at a moment, the one that lasts longest; else None."""
    valid = [
        one
        for one in stored
        if one.not_before <= at <= one.not_after
        and Certificate.parse(one.encoded).public_key_info == key.public_key_info
    ]
    return max(valid, key=lambda one: one.not_after, default=None)


def is_due(one: StoredResponder, at: datetime) -> bool:
    """Returns whether no more than a third of a certificate's life is left."""
    return one.not_after - at <= (one.not_after - one.not_before) / 3


def certified(store: Store, issuer: Issuer, own: StoredAuthorityKey, key: SigningKey, at: datetime) -> StoredResponder:
    """Returns a certificate of the key that has more than a third of its life to go, made now where there is none.

    The present one, old as it is, is returned where another process is making the next. Raises ClockBehind, KeyInUse
    for a key that certifies or is certified already, NumbersExhausted, CertificateUnsound, StoreError, KeysUnusable.
    """
    work = _Work(store, own, key, at.replace(microsecond=0))
    patience = time.monotonic() + _WAIT_SECONDS
    while True:
        with store.snapshot() as view:
            present = work.present(view)
        if present is not None and not is_due(present, at):
            return present
        try:
            return work.made(issuer, work.reserved(others_turn=time.monotonic() < patience))
        except _OthersTurn:
            if present is not None:
                return present
            time.sleep(_LOOK_AGAIN_SECONDS)


@dataclass(frozen=True, slots=True)
class _Work:
    """A certificate to be had: for which key, to answer for which generation of an authority's."""

    store: Store
    own: StoredAuthorityKey
    key: SigningKey
    at: datetime

    def present(self, view: StoreReading) -> StoredResponder | None:
        return best_of(view.responders(self.own.name), self.key, self.at)

    def reserved(self, *, others_turn: bool) -> CertificateName:
        """Takes a number and notes the intent; raises _OthersTurn where somebody did so just now, or has finished."""
        role, at = self.own.name.authority, self.at
        job = f"{_JOB} {self.own.name}"
        key_hash = sha256(self.key.public_key_info).digest()
        with self.store.transaction() as change:
            # First of all: from here on nobody else takes one.
            numbers = change.take_numbers(role, 1)
            # Intents before certificates: one goes when the other comes, and what is read later may be newer.
            begun = [one for one in change.intents() if (one.job, one.submission) == (job, key_hash)]
            last = max((one.not_before for one in change.responders(self.own.name)), default=self.own.not_before)
            if at < last:
                raise ClockBehind(role=role, last=last)
            present = self.present(change)
            if present is not None and not is_due(present, at):
                raise _OthersTurn
            if others_turn and any(abs(at - one.noted_at) < _ANOTHER_AT_WORK for one in begun):
                raise _OthersTurn
            _refuse_a_known(change, self.key, role)
            if numbers.stop > HIGHEST_NUMBER + 1:
                raise NumbersExhausted(role=role)
            name = CertificateName(role, numbers[0])
            change.note_intents([Intent(name, "", job, key_hash, at)])
        return name

    def made(self, issuer: Issuer, name: CertificateName) -> StoredResponder:
        """Makes the certificate of this number, which is committed when it returns."""
        own = self.own
        profile = responder_profile(name.authority)
        not_before = max(self.at - _BACKDATED, own.not_before)
        not_after = min(self.at + timedelta(days=profile.validity_days), own.not_after)
        tbs = profile.responder_template(issuer.certificate).tbs(
            serial=name.number,
            not_before=not_before,
            not_after=not_after,
            public_key_info=self.key.public_key_info,
            common_name=profile.common_name(generation=own.generation),
        )
        lint(tbs, name.authority, issuer.certificate, profile)
        made = StoredResponder(name, own.name, not_before, not_after, issuer.sign(tbs))
        with self.store.transaction() as change:
            change.add_responder(made, change.note("responder", self.at, told(responders=[made])))
        return made


def _refuse_a_known(change: StoreWriting, key: SigningKey, role: Role) -> None:
    """Raises KeyInUse for the key of an authority or of a holder: answers have to be signed by a key of their own."""
    for each in Role:
        for own in change.authority_keys(each):
            if Certificate.parse(own.encoded).public_key_info == key.public_key_info:
                raise KeyInUse(role=role, name=own.name)
    found = key_hash_of(RsaPublicKey.parse(key.public_key_info))
    stored = change.with_keys([found]).get(found)
    if stored is not None:
        raise KeyInUse(role=role, name=stored.name)
