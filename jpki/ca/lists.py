"""One revocation list: made from the store's lines as a stream, signed, read back, verified, recorded with its octets.

No list is held in memory as a whole, but by whoever asks for `MadeList.encoded`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from jpki.formats import (
    SHA256_WITH_RSA,
    AuthorityKeyId,
    Certificate,
    CertificateList,
    DistributionPoint,
    DistributionPointName,
    FormatError,
    IssuingDistributionPoint,
    ListFrame,
    Name,
    ScannedList,
    parse_tlvs,
    scan_certificate_list,
    tlv,
)
from jpki.store import ListBlock, PublishedList, Scope, Store, StoreConflict, StoreReading, told
from jpki.terms import Role

from .errors import ClockBehind, ListRefused
from .issuer import Issuer, authority_profile
from .list_octets import ListOctets, Spool

__all__ = [
    "TRIES",
    "ListForm",
    "MadeList",
    "delta_name",
    "list_name",
    "make_list",
    "numbered_snapshot",
    "overtaken",
    "record_lists",
    "sign_list",
    "signed_by",
    "spooled",
]

TRIES = 5
"""So often lists are made, at most, if others that are made at the same time overtake them."""

_DELTA = ("CN", "Delta CRL")
_SEQUENCE = 0x30


@dataclass(frozen=True, slots=True)
class MadeList:
    """A revocation list (DER) that was read back and verified; what `make_list` returns is recorded, too."""

    recorded: PublishedList
    octets: ListOctets = field(repr=False)

    @property
    def role(self) -> Role:
        """Returns whose list it is."""
        return self.recorded.authority

    @property
    def number(self) -> int:
        """Returns the list's number."""
        return self.recorded.number

    @property
    def this_update(self) -> datetime:
        """Returns the moment of which the list tells."""
        return self.recorded.this_update

    @property
    def next_update(self) -> datetime:
        """Returns the moment by which there is a newer one."""
        return self.recorded.next_update

    @property
    def entries(self) -> int:
        """Returns how many entries the list has."""
        return self.recorded.entries

    @property
    def encoded(self) -> bytes:
        """Returns the whole list, in memory."""
        return b"".join(self.octets.pieces())


class ListForm(NamedTuple):
    """What a list shall say beside its entries. `name` is the certificates' distribution point; None: for everyone.

    `base` is the list that a delta goes on from. `names_delta` says that a complete list tells where its deltas are.
    """

    scope: Scope
    name: Name | None
    number: int
    revision: int
    this_update: datetime
    names_delta: bool
    base: PublishedList | None = None
    urgent: bool = False

    @property
    def next_update(self) -> datetime:
        """Returns until when the list holds, by the authority's profile."""
        profile = authority_profile(self.scope.issuer.authority)
        hours = profile.next_update_hours if self.base is None else profile.delta_next_update_hours
        return self.this_update + timedelta(hours=hours)

    @property
    def delta_base(self) -> int | None:
        """Returns the number of a delta's base."""
        return None if self.base is None else self.base.number

    @property
    def issuing_distribution_point(self) -> IssuingDistributionPoint:
        """Returns what the list covers: the point's name octet for octet as it stands in certificates.

        The list for everyone names none: it would have to be each certificate's own.
        """
        name = None if self.name is None else DistributionPointName.directory(self.name)
        return IssuingDistributionPoint(name, only_user_certificates=True)

    def freshest(self, issuer: Certificate) -> tuple[DistributionPoint, ...]:
        """Returns where deltas to the list are published, for a complete one of an authority that makes them."""
        if self.base is not None or not self.names_delta:
            return ()
        return (DistributionPoint(DistributionPointName.directory(list_name(issuer, self.name, delta=True))),)


def delta_name(name: Name) -> Name:
    """Returns the name that deltas to the lists of this name are published under: one below it."""
    parts = [part.raw for each in (name, Name.of(_DELTA)) for whole in parse_tlvs(each.raw) for part in whole.children]
    return Name.parse(tlv(_SEQUENCE, parts))


def list_name(issuer: Certificate, point: Name | None, *, delta: bool) -> Name:
    """Returns the name that relying parties look under: of a distribution point's lists, else of the authority's."""
    name = issuer.subject if point is None else point
    return delta_name(name) if delta else name


def make_list(store: Store, issuer: Issuer, at: datetime, *, urgent: bool = False, deltas: bool = True) -> MadeList:
    """Returns a new complete list of everything revoked of what one key signed, dated `at`, recorded.

    The line of an expired certificate is left out once it stood in a regular list (not `urgent`) made after the expiry.
    `deltas` says whether the list tells where deltas to it are. One that another process overtook is made again, dated
    no earlier than that. Raises ClockBehind where a list of a later date was recorded before, and ListRefused where
    what was made is not what it should be.
    """
    at = at.replace(microsecond=0)
    scope = Scope(issuer.name)

    def last(view: StoreReading) -> datetime:
        newest = view.newest_list(scope)
        return at if newest is None else newest.this_update

    for _ in range(TRIES):
        with numbered_snapshot(store, {issuer.role: last}, at) as (view, numbers):
            form = ListForm(
                scope, None, numbers[issuer.role], view.revision(issuer.role), at, names_delta=deltas, urgent=urgent
            )
            entries = spooled(issuer.role, view.list_lines(scope, after=view.newest_list(scope, regular=True)))
        made = sign_list(issuer, form, entries)
        with suppress(StoreConflict):
            if record_lists(store, [made], at):
                return made
        with store.snapshot() as view:
            at = max(at, last(view))
    raise overtaken(issuer.role)


@contextmanager
def numbered_snapshot(
    store: Store, lasts: Mapping[Role, Callable[[StoreReading], datetime]], at: datetime
) -> Iterator[tuple[StoreReading, Mapping[Role, int]]]:
    """Gives one state of the store, and the number that the lists have which are made of it, for each authority.

    The state is that of the moment in which the number was taken: of two numbers the higher one's is never the older.
    Raises ClockBehind where `lasts` tells of lists of an authority that are dated after `at`.
    """
    with ExitStack() as held:
        with store.transaction() as change:
            for role, last in lasts.items():
                if at < (newest := last(change)):
                    raise ClockBehind(role=role, last=newest)
            numbers = {role: change.take_list_number(role) for role in lasts}
            view = held.enter_context(store.snapshot())
            # The state is the one of the first question, which therefore comes before the end of this transaction:
            # until then nobody else takes a number, or changes what lists say.
            for role in lasts:
                view.revision(role)
        yield view, numbers


class Entries(NamedTuple):
    """The entries of a list to be made, encoded, and how many the database counted."""

    octets: Spool
    number: int
    removals: int


def spooled(role: Role, blocks: Iterable[ListBlock]) -> Entries:
    """Returns lines of the store as entries; raises ListRefused where there is no room for them on their way."""
    spool = Spool()
    number = removals = 0
    for block in blocks:
        try:
            spool.add(block.octets)
        except OSError as error:
            raise _no_room(role, error) from error
        number += block.entries
        removals += block.removals
    return Entries(spool, number, removals)


def sign_list(issuer: Issuer, form: ListForm, entries: Entries) -> MadeList:
    """Returns a list, signed, read back and verified; it is not recorded yet. Raises ListRefused."""
    try:
        frame = ListFrame.of(
            issuer=issuer.certificate.subject,
            this_update=form.this_update,
            next_update=form.next_update,
            number=form.number,
            authority_key_id=_key_id(issuer.certificate),
            entries_length=entries.octets.length,
            issuing_distribution_point=form.issuing_distribution_point,
            delta_base=form.delta_base,
            freshest=form.freshest(issuer.certificate),
        )
        signature = issuer.sign_digest(frame.digest(entries.octets.pieces()))
        octets = ListOctets(frame, entries.octets, signature)
        found = scan_certificate_list(octets.pieces())
    except FormatError as error:
        raise ListRefused(role=issuer.role, problem=error.problem) from error
    except OSError as error:
        raise _no_room(issuer.role, error) from error
    _check(found, issuer.certificate, form, entries)
    recorded = PublishedList(
        form.scope,
        form.number,
        form.this_update,
        form.next_update,
        found.entries,
        found.length,
        found.digest,
        form.revision,
        form.delta_base or 0,
        form.urgent,
    )
    return MadeList(recorded, octets)


def record_lists(store: Store, lists: Sequence[MadeList], at: datetime) -> tuple[MadeList, ...]:
    """Records lists with their octets, all or none, but those that newer ones overtook; returns what was recorded.

    Overtaken is what a list of a higher number that knows as much has taken the place of. Raises StoreConflict where a
    list recorded meanwhile neither overtook one of these nor can stand before it.
    """
    with store.transaction() as change:
        left = set(change.not_overtaken([one.recorded for one in lists]))
        recorded = tuple(one for one in lists if one.recorded in left)
        if recorded:
            entry = change.note("list", at, told(lists=[one.recorded for one in recorded]))
            change.add_lists([(one.recorded, one.octets.parts()) for one in recorded], entry)
    return recorded


def overtaken(role: Role) -> ListRefused:
    """Returns the error of one whose lists others overtook whenever they were made again."""
    return ListRefused(role=role, problem="a list of a higher number was recorded meanwhile")


def signed_by(found: CertificateList | ScannedList, authority: Certificate) -> bool:
    """Returns whether a list is signed by the key of an authority's certificate (RSA, sha256WithRSAEncryption)."""
    key = load_der_public_key(authority.public_key_info)
    if not isinstance(key, RSAPublicKey) or found.signature_algorithm != SHA256_WITH_RSA:
        return False
    digest = found.tbs_digest if isinstance(found, ScannedList) else hashlib.sha256(found.tbs).digest()
    try:
        key.verify(found.signature, digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _key_id(authority: Certificate) -> AuthorityKeyId:
    return AuthorityKeyId(authority.subject_key_id, authority.issuer, authority.serial)


def _check(found: ScannedList, authority: Certificate, form: ListForm, entries: Entries) -> None:
    """Raises ListRefused unless a reader found in the list what was meant, signed by the authority's key."""
    if not signed_by(found, authority):
        raise ListRefused(role=form.scope.issuer.authority, problem="the signature does not verify")
    meant = (
        (authority.subject, _key_id(authority), form.number, form.delta_base),
        (form.this_update, form.next_update, entries.number, entries.removals),
        (form.issuing_distribution_point, form.freshest(authority), (), ()),
    )
    read = (
        (found.issuer, found.authority_key_id, found.number, found.delta_base),
        (found.this_update, found.next_update, found.entries, found.removals),
        (
            found.issuing_distribution_point,
            found.freshest,
            found.unknown_critical_extensions,
            found.unknown_critical_entry_extensions,
        ),
    )
    if meant != read:
        raise ListRefused(role=form.scope.issuer.authority, problem="it does not say what was meant")


def _no_room(role: Role, error: OSError) -> ListRefused:
    return ListRefused(role=role, problem=error.strerror or "cannot be written")
