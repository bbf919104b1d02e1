"""Generations of an authority's key: a new one from time to time under the same name, each with its own certificate.

What an old key issued stays under its certificate until it expires, and the old key goes on signing lists for it.

The number of such a certificate and its intent are committed before it is signed, as everybody's are; nothing is locked
while a key signs. What was interrupted in between is taken up with the same key and another number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from jpki.formats import Certificate, RsaPublicKey, signed
from jpki.store import Intent, Store, StoreConflict, StoredAuthorityKey, StoreReading, StoreWriting, told
from jpki.terms import CertificateName, Role, birthday_in, day_in_japan, end_of_day_in_japan

from .custody import SharedKey
from .errors import ClockBehind, NumbersExhausted
from .issuer import authority_profile
from .keys import KeySource, SigningKey
from .requests import key_hash_of
from .settings import HIGHEST_NUMBER

__all__ = ["add_first_generation", "add_generation", "generations_of", "own_keys_of", "refuse_shared"]

_ROLES = (Role.SIGNATURE, Role.AUTHENTICATION)
_FIRST = 1


def generations_of(view: StoreReading) -> dict[Role, tuple[StoredAuthorityKey, ...]]:
    """Returns the generations of both authorities' keys, oldest first."""
    return {role: view.authority_keys(role) for role in _ROLES}


def own_keys_of(generations: Mapping[Role, Sequence[StoredAuthorityKey]]) -> dict[bytes, CertificateName]:
    """Returns the certificate of each key that an authority has or had, by the hash of the key."""
    return {
        key_hash_of(Certificate.parse(one.encoded).public_key): one.name
        for every in generations.values()
        for one in every
    }


def self_certified(
    name: CertificateName, generation: int, key: SigningKey, at: datetime, place: str | None
) -> StoredAuthorityKey:
    """Returns a generation of an authority's key with its self-signed certificate, valid from `at`."""
    role = name.authority
    not_after = _authority_end(role, at)
    tbs = authority_profile(role).authority_tbs(
        serial=name.number, not_before=at, not_after=not_after, public_key_info=key.public_key_info
    )
    return StoredAuthorityKey(name, generation, at, not_after, signed(tbs, key.sign(tbs)), place)


def add_first_generation(
    store: Store,
    signing: Mapping[Role, SigningKey],
    at: datetime,
    *,
    first_number: int,
    places: Mapping[Role, str | None],
    settings: Mapping[str, str],
    seal_key: bytes,
) -> None:
    """Certifies the first keys of new authorities, and stores them with the settings: both or none.

    `seal_key` is the hash of the key that seals the audit trail. Raises StoreError (StoreConflict where another process
    made the authorities meanwhile).
    """
    with store.transaction() as change:
        for role in _ROLES:
            change.open_authority(role, first_number)
        names = {role: _take_number(change, role, _FIRST, _key_hash(signing[role]), at) for role in _ROLES}
    made = [self_certified(names[role], _FIRST, signing[role], at, places[role]) for role in _ROLES]
    with store.transaction() as change:
        change.put_settings(settings)
        for one in made:
            change.add_authority_key(one)
        change.note("create", at, told(keys=made, settings=settings) | {"seal_key": seal_key.hex()})


def add_generation(
    store: Store, keys: KeySource, role: Role, at: datetime, place: str | None, *, generation: int | None = None
) -> StoredAuthorityKey:
    """Makes the next generation of an authority's key, or takes the one that is at its place, and certifies it.

    `generation` is the number that it is meant to have, for whoever may ask twice: where the newest one has it, at this
    place, that one is returned. Raises ClockBehind, SharedKey where the key is known already, NumbersExhausted,
    KeysUnusable, BadKeyUri, StoreError (StoreConflict where there is another generation of this number, or another
    process added it meanwhile).
    """
    with store.snapshot() as view:
        newest = view.authority_keys(role)[-1]
    following = newest.generation + 1 if generation is None else generation
    if (newest.generation, newest.place) == (following, place):
        return newest
    if following != newest.generation + 1:
        raise StoreConflict(store=store.place, what="a generation of a key")
    if at < newest.not_before:
        raise ClockBehind(role=role, last=newest.not_before)
    key = keys.signing_key(role, following, place, make=True)
    told_place = keys.place(role, following, place)
    with store.transaction() as change:
        _refuse_known(change, key, told_place)
        name = _take_number(change, role, following, _key_hash(key), at)
    made = self_certified(name, following, key, at, place)
    with store.transaction() as change:
        # First of all, so that of two at once one ends here; then the key once more: it may have got another use.
        change.add_authority_key(made)
        _refuse_known(change, key, told_place, but=name)
        change.note("generation", at, told(keys=[made]) | {"place": told_place})
    return made


def _key_hash(key: SigningKey) -> bytes:
    return key_hash_of(RsaPublicKey.parse(key.public_key_info))


def _take_number(change: StoreWriting, role: Role, generation: int, submission: bytes, at: datetime) -> CertificateName:
    """Takes the number of an authority's own certificate, and notes that it is about to be signed."""
    numbers = change.take_numbers(role, 1)
    if numbers.stop > HIGHEST_NUMBER + 1:
        raise NumbersExhausted(role=role)
    name = CertificateName(role, numbers[0])
    change.note_intents([Intent(name, "", f"authority {generation}", submission, at)])
    return name


def refuse_shared(signing: Mapping[Role, SigningKey], sealing: SigningKey, places: Mapping[Role, str]) -> None:
    """Raises SharedKey where two keys of a new authority are the same one."""
    seen = {sealing.public_key_info}
    for role, key in signing.items():
        if key.public_key_info in seen:
            raise SharedKey(file=places[role], name=None)
        seen.add(key.public_key_info)


def _refuse_known(view: StoreReading, key: SigningKey, place: str, *, but: CertificateName | None = None) -> None:
    """Raises SharedKey where a key has a certificate already, an authority's or anybody's; `but` is not asked about."""
    found = _key_hash(key)
    stored = view.with_keys([found]).get(found)
    own = own_keys_of({role: [one for one in each if one.name != but] for role, each in generations_of(view).items()})
    known = own.get(found) or (stored.name if stored is not None else None)
    if known is not None:
        raise SharedKey(file=place, name=known)


def _authority_end(role: Role, at: datetime) -> datetime:
    """Returns the last second of the day before the anniversary, in Japan, as the published certificates end."""
    day = day_in_japan(at)
    years = authority_profile(role).validity_years
    return end_of_day_in_japan(birthday_in(day.year + years, day) - timedelta(days=1))
