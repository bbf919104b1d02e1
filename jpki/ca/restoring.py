"""What an older copy of the store takes over from what was published since it was made: revocations and numbers.

Source: docs/authority.md, backup
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from jpki.formats import (
    Certificate,
    CertificateList,
    FormatError,
    IssuingDistributionPoint,
    RevocationReason,
    RevokedEntry,
)
from jpki.store import (
    PublishedList,
    Scope,
    SealRow,
    Store,
    StoredAuthorityKey,
    StoredCertificate,
    StoredRevocation,
    StoreWriting,
    told,
)
from jpki.terms import CertificateName, Role

from .audit import Seal, read_seal
from .backup import SealRefused
from .backup.mark import SAFETY_GAP, OwedList, settle
from .errors import ListRefused, SealUnreadable
from .lists import signed_by
from .settings import HIGHEST_NUMBER

__all__ = ["CaughtUp", "catch_up", "show_seal"]

_AT_ONCE = 1000  # certificates in one entry of the audit trail
_HOLD = RevocationReason.CERTIFICATE_HOLD


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What a store took over from a published list.

    `revoked` are the certificates that the store did not know to be revoked, `unknown` those of them that it does not
    know at all, because they were issued later than the copy was made; `released` those whose hold a delta ended.
    `not_listed` are on hold here, and not in a list that was made later: their hold was ended; here it is not yet.
    """

    issuer: CertificateName
    list_number: int
    revoked: tuple[CertificateName, ...]
    unknown: tuple[CertificateName, ...]
    released: tuple[CertificateName, ...] = ()
    not_listed: tuple[CertificateName, ...] = ()


class _Shown(NamedTuple):
    """A published list: which key signed it, the distribution point that it is for (None: for everyone), and itself."""

    own: StoredAuthorityKey
    point: bytes | None
    published: CertificateList

    @property
    def number(self) -> int:
        return self.published.number or 0


def catch_up(
    store: Store, generations: Sequence[StoredAuthorityKey], encoded: bytes, at: datetime, last_number: int
) -> CaughtUp:
    """Records every revocation of a published list that the store lacks, and goes on above all numbers seen.

    The list may be complete, of one municipality, or a delta; `generations` are the keys of its authority. The newest
    of its scope and kind is not owed any more, if it has not run out at the moment `at`. `last_number` is the highest
    serial number that this authority is known to have given meanwhile; behind it and behind what is seen, SAFETY_GAP
    numbers are left out. Raises ListRefused for what is not a list of this authority, signed by its key.
    """
    shown = _read(generations, encoded)
    with store.transaction() as change:
        # Before the authority's rows, which a new distribution point, a revocation and a number each take.
        change.hold_lists(shown.own.name)
        scope = _scope(change, shown)
        known = change.newest_list(scope)
        _refuse_a_twin(shown, known)
        taken = _taken_over(change, shown, scope, at)
        not_listed = _not_listed(change, shown, scope, known)
        highest = max((entry.serial for entry in shown.published), default=0)
        _note(change, shown, scope, known, at=at, not_listed=not_listed, highest=max(highest, last_number))
        _settle(change, shown, scope, known, at)
    revoked, unknown, released = map(tuple, taken)
    return CaughtUp(shown.own.name, shown.number, revoked, unknown, released, not_listed)


def _note(
    change: StoreWriting,
    shown: _Shown,
    scope: Scope,
    known: PublishedList | None,
    *,
    at: datetime,
    not_listed: Sequence[CertificateName],
    highest: int,
) -> None:
    """Tells in the audit trail what was shown, records it where it is the newest, and goes on above its numbers."""
    role = shown.own.name.authority
    following = {"next_number": highest + 1 + SAFETY_GAP, "next_list": shown.number + 1 + SAFETY_GAP}
    change.skip_numbers(role, **following)
    newest = known is None or known.number < shown.number
    record = _record_of(shown, scope) if newest and not shown.published.is_delta else None
    facts = told(lists=[record] if record else []) | {
        "authority": role.short,
        "list": shown.number,
        "sha256": hashlib.sha256(shown.published.raw).hexdigest(),
        "not_listed": [str(name) for name in not_listed],
        **following,
    }
    entry = change.note("catch up", at, facts)
    if record is not None:
        change.add_list(record, [shown.published.raw], entry, elsewhere=True)


def _settle(change: StoreWriting, shown: _Shown, scope: Scope, known: PublishedList | None, at: datetime) -> None:
    """Takes off what is owed what a list settles, and puts on it what the list says that there is besides.

    One that has run out settles nothing: what was published after it nobody has shown. A delta goes on from the newest
    complete list that the store knows; one that goes on from a later list tells that there is this one.
    """
    published = shown.published
    delta = change.newest_list(scope, delta=True)
    last = delta if published.is_delta else known
    newest = last is None or last.number <= shown.number
    again = []
    if published.is_delta:
        base, complete = published.delta_base or 0, 0 if known is None else known.number
        newest = newest and base >= complete
        if base > complete:
            again.append(OwedList(scope))
    elif delta is not None and (known is None or known.number < shown.number):
        again.append(OwedList(scope, delta=True))
    in_force = published.next_update is not None and published.next_update >= at
    settle(change, at, shown=[OwedList(scope, published.is_delta)] if newest and in_force else [], again=again)


def show_seal(store: Store, public_key_info: bytes, row: SealRow, at: datetime) -> Seal:
    """Takes note of the newest published seal over the audit trail, and goes on behind its number; returns it.

    `public_key_info` (SubjectPublicKeyInfo, DER) is the key that seals. Raises SealRefused for what is not its seal, or
    older than one that the store knows; StoreError.
    """
    try:
        seal = read_seal(row)
    except SealUnreadable:
        raise SealRefused(number=row.number, problem="not a seal") from None
    key = load_der_public_key(public_key_info)
    if seal.key != hashlib.sha256(public_key_info).hexdigest() or not isinstance(key, RSAPublicKey):
        raise SealRefused(number=row.number, problem="made with another key")
    try:
        key.verify(row.signature, row.body, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise SealRefused(number=row.number, problem="the signature does not verify") from None
    with store.transaction() as change:
        last = change.newest_seal()
        if last is not None and last.number > row.number:
            raise SealRefused(number=row.number, problem="older than the last seal in the copy")
        if last is not None and last.number == row.number and last != row:
            raise SealRefused(number=row.number, problem="another one than the copy has by this number")
        change.note("seal shown", at, {"seal": row.number, "sha256": seal.digest})
        if last is None or last.number < row.number:
            change.adopt_seal(row)
        settle(change, at, seal=True)
    return seal


def _scope(change: StoreWriting, shown: _Shown) -> Scope:
    """Returns what a list covers, in the store's numbers; a distribution point that is new here gets one."""
    if shown.point is None:
        return Scope(shown.own.name)
    return Scope(shown.own.name, change.take_point(shown.own.name.authority, "", shown.point))


def _refuse_a_twin(shown: _Shown, known: PublishedList | None) -> None:
    """Raises ListRefused where the store knows another list of the same number: two authorities went on from one."""
    if known is None or shown.published.is_delta or known.number != shown.number:
        return
    if known.digest != hashlib.sha256(shown.published.raw).digest():
        raise ListRefused(role=shown.own.name.authority, problem="another one than the copy has by this number")


class _Taken(NamedTuple):
    """What some lines of a list changed."""

    revoked: list[CertificateName]
    unknown: list[CertificateName]
    released: list[CertificateName]


def _taken_over(change: StoreWriting, shown: _Shown, scope: Scope, at: datetime) -> _Taken:
    """Records what the lines of a list say that the store lacks, and tells of it in the audit trail."""
    taken = _Taken([], [], [])
    lines = iter(shown.published)
    while some := list(islice(lines, _AT_ONCE)):
        _take_over(change, shown, scope, some, at=at, taken=taken)
    return taken


def _take_over(
    change: StoreWriting,
    shown: _Shown,
    scope: Scope,
    lines: Sequence[RevokedEntry],
    *,
    at: datetime,
    taken: _Taken,
) -> None:
    by_name = {CertificateName(shown.own.name.authority, line.serial): line for line in lines}
    present, stored = change.revocations(by_name), change.named(list(by_name))
    lacking, ended = [], []
    for name, line in by_name.items():
        before = present.get(name)
        if line.reason is RevocationReason.REMOVE_FROM_CRL:
            if before is not None and before.reason == _HOLD:
                ended.append(name)
        elif before is None or (before.reason == _HOLD and line.reason is not _HOLD):
            since = line.revoked_at if before is None else before.revoked_at
            lacking.append(StoredRevocation(name, line.reason, since, at))
    strangers = [name for name in by_name if name not in stored]
    if lacking or ended:
        entry = change.note("take over", at, told(revoked=lacking, released=ended))
        for name in ended:
            change.release(name, at, entry)
        _record(change, shown.own, lacking, (stored, set(present)), entry)
    if scope.point:
        change.place_revocations(strangers, scope.point)
    taken.revoked.extend(one.name for one in lacking)
    taken.unknown.extend(one.name for one in lacking if one.name not in stored)
    taken.released.extend(ended)


def _record(
    change: StoreWriting,
    own: StoredAuthorityKey,
    lacking: Sequence[StoredRevocation],
    known: tuple[Mapping[CertificateName, StoredCertificate], Collection[CertificateName]],
    entry: int,
) -> None:
    stored, held = known
    new = []
    for one in lacking:
        if one.name in held:
            change.end_hold(one.name, one.reason, one.noted_at, entry)
        elif one.name in stored:
            new.append((stored[one.name], one))
        else:
            # Nobody knows the end of a number without a certificate: its line stays as long as the authority's own.
            change.add_revocation(one, issuer=own.name, not_after=own.not_after, entry=entry)
    change.add_revocations(new, entry)


def _not_listed(
    change: StoreWriting, shown: _Shown, scope: Scope, known: PublishedList | None
) -> tuple[CertificateName, ...]:
    """Returns what is on hold here and stands in no list that is newer than all that the store knows."""
    published = shown.published
    if published.is_delta or (known is not None and known.number > shown.number):
        return ()
    held = [
        one.name
        for one in change.held(shown.own.name, scope.point or None)
        if one.noted_at <= published.this_update and published.find(one.name.number) is None
    ]
    return tuple(name for name, one in change.named(held).items() if one.not_after >= published.this_update)


def _record_of(shown: _Shown, scope: Scope) -> PublishedList:
    published = shown.published
    return PublishedList(
        scope,
        shown.number,
        published.this_update,
        published.next_update or published.this_update,
        len(published),
        len(published.raw),
        hashlib.sha256(published.raw).digest(),
        # What the store knows and this list does not has to be in every delta that goes on from it: so has everything.
        revision=0,
        # Nothing in a list says whether it came in turn. If it did not, what has expired must not leave by it: a line
        # that stays for one more list does no harm.
        urgent=True,
    )


def _read(generations: Sequence[StoredAuthorityKey], encoded: bytes) -> _Shown:
    role = generations[-1].name.authority
    try:
        found = CertificateList.parse(encoded)
    except FormatError as error:
        raise ListRefused(role=role, problem=error.problem) from error
    certificates = [Certificate.parse(own.encoded) for own in generations]
    if found.issuer != certificates[-1].subject or found.number is None:
        raise ListRefused(role=role, problem="not a list of this authority")
    own = next((own for own, its in zip(generations, certificates, strict=True) if signed_by(found, its)), None)
    if own is None:
        raise ListRefused(role=role, problem="the signature does not verify")
    if any(not 0 < entry.serial <= HIGHEST_NUMBER for entry in found):
        raise ListRefused(role=role, problem="a number over four octets")
    return _Shown(own, _point(role, found), found)


def _point(role: Role, found: CertificateList) -> bytes | None:
    """Returns the directory name (DER) of the distribution point that a list is for; None where it is for all."""
    covers = found.issuing_distribution_point or IssuingDistributionPoint()
    names = () if covers.name is None else covers.name.directory_names
    everyone = covers.name is None
    if (
        (not everyone and len(names) != 1)
        or covers.only_ca_certificates
        or covers.only_attribute_certificates
        or covers.only_some_reasons is not None
        or covers.indirect
    ):
        raise ListRefused(role=role, problem="not a list of all that a key or a municipality revoked")
    return None if everyone else names[0].raw
