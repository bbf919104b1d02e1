"""What can be changed in the store. Everything within one transaction is kept, or nothing of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, or_, update

from jpki.terms import CertificateName, Role

from .bulk import Bulk
from .errors import StoreConflict
from .ledger import LedgerWriting
from .reading import StoreReading
from .schema import (
    authority,
    authority_key,
    certificate,
    encoded_certificate,
    intent,
    revocation,
    revocation_list,
    setting,
)
from .values import (
    Intent,
    NewCertificate,
    PublishedList,
    StoredAuthorityKey,
    StoredCertificate,
    StoredRevocation,
    code_of,
    id_of,
    seconds_of,
)

__all__ = ["StoreWriting"]

_ADD_INTENTS = Bulk(insert(intent), ("id", "holder", "job", "submission", "noted_at"))
_REMOVE_INTENTS = Bulk(delete(intent).where(intent.c.id == bindparam("id")), ("id",))
_ADD_CERTIFICATES = Bulk(
    insert(certificate),
    (
        "id",
        "holder",
        "authority",
        "ordinal",
        "issuer",
        "municipality",
        "not_before",
        "not_after",
        "key_hash",
        "submission",
        "counterpart",
    ),
)
_ADD_ENCODED = Bulk(insert(encoded_certificate), ("id", "encoded"))

_TAKE_NUMBERS = (
    update(authority)
    .where(authority.c.code == bindparam("which"))
    .values(next_number=authority.c.next_number + bindparam("count"))
    .returning(authority.c.next_number)
)


class StoreWriting(StoreReading, LedgerWriting):
    """Changes to the store within one transaction, which also answers questions."""

    __slots__ = ()

    def put_settings(self, settings: Mapping[str, str]) -> None:
        """Stores settings; StoreConflict where one of them is there already."""
        if settings:
            self._connection.execute(
                insert(setting), [{"name": name, "value": value} for name, value in settings.items()]
            )

    def open_authority(self, role: Role, first_number: int) -> None:
        """Starts an authority's sequences: certificates from `first_number`, revocation lists from 1."""
        self._connection.execute(insert(authority).values(code=code_of(role), next_number=first_number, next_list=1))

    def take_numbers(self, role: Role, count: int) -> range:
        """Returns the authority's next numbers, which nobody gets again once the transaction is committed."""
        wanted = {"which": code_of(role), "count": count}
        end = int(self._connection.execute(_TAKE_NUMBERS, wanted).scalar_one())
        return range(end - count, end)

    def skip_numbers(self, role: Role, *, next_number: int, next_list: int) -> None:
        """Lets an authority go on from these numbers, where its own next ones are lower; never back."""
        for column, least in ((authority.c.next_number, next_number), (authority.c.next_list, next_list)):
            self._connection.execute(
                update(authority).where(authority.c.code == code_of(role), column < least).values({column: least})
            )

    def take_list_number(self, role: Role) -> int:
        """Returns the number of the authority's next revocation list."""
        query = (
            update(authority)
            .where(authority.c.code == code_of(role))
            .values(next_list=authority.c.next_list + 1)
            .returning(authority.c.next_list)
        )
        return int(self._connection.execute(query).scalar_one()) - 1

    def add_authority_key(self, key: StoredAuthorityKey) -> None:
        """Stores a generation of an authority's key."""
        self._connection.execute(
            insert(authority_key).values(
                id=id_of(key.name),
                authority=code_of(key.name.authority),
                generation=key.generation,
                not_before=seconds_of(key.not_before),
                not_after=seconds_of(key.not_after),
                encoded=key.encoded,
            )
        )

    def note_intents(self, intents: Sequence[Intent]) -> None:
        """Stores what is about to be signed."""
        _ADD_INTENTS.run(
            self._connection,
            [(id_of(one.name), one.holder, one.job, one.submission, seconds_of(one.noted_at)) for one in intents],
        )

    def add_certificates(self, certificates: Sequence[NewCertificate]) -> None:
        """Stores certificates, and takes their intents away.

        StoreConflict where a key, or a place in a holder's chain, is taken.
        """
        ids = [id_of(one.name) for one in certificates]
        rows = [
            (
                key,
                one.holder,
                code_of(one.name.authority),
                one.ordinal,
                id_of(one.issuer),
                one.municipality,
                seconds_of(one.not_before),
                seconds_of(one.not_after),
                one.key_hash,
                one.submission,
                id_of(one.counterpart) if one.counterpart is not None else None,
            )
            for key, one in zip(ids, certificates, strict=True)
        ]
        _ADD_CERTIFICATES.run(self._connection, rows)
        _ADD_ENCODED.run(self._connection, [(key, one.encoded) for key, one in zip(ids, certificates, strict=True)])
        _REMOVE_INTENTS.run(self._connection, [(key,) for key in ids])

    def confirm(self, name: CertificateName, at: datetime) -> None:
        """Records that the certificate is on its card, unless that is recorded already."""
        self._connection.execute(
            update(certificate)
            .where(certificate.c.id == id_of(name), certificate.c.confirmed_at.is_(None))
            .values(confirmed_at=seconds_of(at))
        )

    def add_revocations(self, revocations: Iterable[tuple[StoredCertificate, StoredRevocation]]) -> None:
        """Stores revocations of certificates that have none; StoreConflict where one has."""
        for stored, one in revocations:
            self.add_revocation(one, issuer=stored.issuer, not_after=stored.not_after)

    def add_revocation(self, one: StoredRevocation, *, issuer: CertificateName, not_after: datetime) -> None:
        """Stores the revocation of a number under an authority's key, until that certificate's last second.

        There need be no such certificate here. StoreConflict where the number is revoked already.
        """
        self._connection.execute(
            insert(revocation).values(
                id=id_of(one.name),
                issuer=id_of(issuer),
                reason=one.reason,
                revoked_at=seconds_of(one.revoked_at),
                noted_at=seconds_of(one.noted_at),
                not_after=seconds_of(not_after),
            )
        )

    def end_hold(self, name: CertificateName, reason: int, noted_at: datetime) -> None:
        """Turns a hold into a revocation for good, since the same moment; the next list shows the new reason."""
        self._connection.execute(
            update(revocation)
            .where(revocation.c.id == id_of(name))
            .values(reason=reason, noted_at=seconds_of(noted_at), first_list=None)
        )

    def claim_entries(self, issuer: CertificateName, number: int, *, published: int) -> None:
        """Marks every revocation that stood in no list up to number `published` as first listed in list `number`.

        A claim whose list is never recorded counts for nothing: the next list claims the line again.
        """
        self._connection.execute(
            update(revocation)
            .where(
                revocation.c.issuer == id_of(issuer),
                or_(revocation.c.first_list.is_(None), revocation.c.first_list > published),
            )
            .values(first_list=number)
        )

    def add_list(self, published: PublishedList) -> None:
        """Records a revocation list; StoreConflict unless its number is higher than every one recorded."""
        newest = self.newest_list(published.authority)
        if newest is not None and newest.number >= published.number:
            raise StoreConflict(store=self._store, what="revocation_list.number")
        self._connection.execute(
            insert(revocation_list).values(
                authority=code_of(published.authority),
                number=published.number,
                issuer=id_of(published.issuer),
                this_update=seconds_of(published.this_update),
                next_update=seconds_of(published.next_update),
                entries=published.entries,
                digest=published.digest,
            )
        )
