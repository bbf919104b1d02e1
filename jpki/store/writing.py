"""What can be changed in the store. Everything within one transaction is kept, or nothing of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from jpki.formats import RevocationReason, encode_revoked
from jpki.terms import CertificateName, Role

from .audit import TransactionTrail
from .bulk import BulkDelete, BulkInsert
from .deciding import DecidingReading
from .holds import Holdable, hold_rows
from .ledger import LedgerWriting
from .lists import ListWriting
from .locks import hold_counters
from .records import RecordWriting
from .schema import (
    authority,
    authority_key,
    certificate,
    certificate_key,
    encoded_certificate,
    holder_certificate,
    intent,
    release,
    revocation,
    setting,
)
from .standing import StandingWriting
from .values import (
    Intent,
    NewCertificate,
    StoredAuthorityKey,
    StoredCertificate,
    StoredRevocation,
    code_of,
    id_of,
    moment_of,
    seconds_of,
)

__all__ = ["StoreWriting"]

_ADD_INTENTS = BulkInsert(intent, ("id", "holder", "job", "submission", "noted_at"))
_REMOVE_INTENTS = BulkDelete(intent.c.id)
_ADD_CERTIFICATES = BulkInsert(
    certificate,
    (
        "id",
        "holder",
        "authority",
        "ordinal",
        "issuer",
        "municipality",
        "point",
        "not_before",
        "not_after",
        "key_hash",
        "submission",
        "counterpart",
        "entry",
    ),
)
_ADD_PLACES = BulkInsert(holder_certificate, ("holder", "authority", "ordinal", "certificate"))
_ADD_KEYS = BulkInsert(certificate_key, ("key_hash", "certificate"))
_ADD_ENCODED = BulkInsert(encoded_certificate, ("id", "encoded"))

_TAKE_NUMBERS = (
    update(authority)
    .where(authority.c.code == bindparam("which"))
    .values(next_number=authority.c.next_number + bindparam("count"))
    .returning(authority.c.next_number)
)


_NEXT_REVISION = (
    update(authority)
    .where(authority.c.code == bindparam("which"))
    .values(revision=authority.c.revision + 1)
    .returning(authority.c.revision)
)
_ADD_REVOCATIONS = BulkInsert(
    revocation,
    ("id", "issuer", "point", "reason", "revoked_at", "noted_at", "not_after", "line", "entry", "revision"),
)


class StoreWriting(DecidingReading, ListWriting, RecordWriting, LedgerWriting, StandingWriting):
    """Changes to the store within one transaction, which also answers questions."""

    __slots__ = ("_trail",)

    def __init__(self, connection: Connection, store: str, trail: TransactionTrail) -> None:
        super().__init__(connection, store)
        self._trail = trail

    def put_settings(self, settings: Mapping[str, str]) -> None:
        """Stores settings; StoreConflict where one of them is there already."""
        if settings:
            self._connection.execute(
                insert(setting), [{"name": name, "value": value} for name, value in settings.items()]
            )

    def open_authority(self, role: Role, first_number: int) -> None:
        """Starts an authority's sequences: certificates from `first_number`, revocation lists from 1.

        Where they were started before, they go on; no number comes again.
        """
        if self._connection.execute(select(authority.c.code).where(authority.c.code == code_of(role))).one_or_none():
            self.skip_numbers(role, next_number=first_number, next_list=1)
            return
        self._connection.execute(insert(authority).values(code=code_of(role), next_number=first_number, next_list=1))

    def take_numbers(self, role: Role, count: int) -> range:
        """Returns the authority's next numbers, which nobody gets again once the transaction is committed."""
        hold_counters(self._connection)
        wanted = {"which": code_of(role), "count": count}
        end = int(self._connection.execute(_TAKE_NUMBERS, wanted).scalar_one())
        return range(end - count, end)

    def skip_numbers(self, role: Role, *, next_number: int, next_list: int) -> None:
        """Lets an authority go on from these numbers, where its own next ones are lower; never back."""
        hold_counters(self._connection)
        for column, least in ((authority.c.next_number, next_number), (authority.c.next_list, next_list)):
            self._connection.execute(
                update(authority).where(authority.c.code == code_of(role), column < least).values({column: least})
            )

    def add_authority_key(self, key: StoredAuthorityKey) -> None:
        """Stores a generation of an authority's key, and takes the intent of its certificate away.

        StoreConflict where there is such a generation already.
        """
        self._connection.execute(
            insert(authority_key).values(
                id=id_of(key.name),
                authority=code_of(key.name.authority),
                generation=key.generation,
                not_before=seconds_of(key.not_before),
                not_after=seconds_of(key.not_after),
                encoded=key.encoded,
                place=key.place,
            )
        )
        _REMOVE_INTENTS.run(self._connection, [id_of(key.name)])

    def note_intents(self, intents: Sequence[Intent]) -> None:
        """Stores what is about to be signed."""
        _ADD_INTENTS.run(
            self._connection,
            [(id_of(one.name), one.holder, one.job, one.submission, seconds_of(one.noted_at)) for one in intents],
        )

    def add_certificates(self, certificates: Sequence[NewCertificate], entry: int | None = None) -> None:
        """Stores certificates, and takes their intents away. `entry` is the one of the audit trail that tells of them.

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
                one.point,
                seconds_of(one.not_before),
                seconds_of(one.not_after),
                one.key_hash,
                one.submission,
                id_of(one.counterpart) if one.counterpart is not None else None,
                entry,
            )
            for key, one in zip(ids, certificates, strict=True)
        ]
        _ADD_CERTIFICATES.run(self._connection, rows)
        _ADD_PLACES.run(self._connection, [(row[1], row[2], row[3], row[0]) for row in rows])
        _ADD_KEYS.run(self._connection, [(one.key_hash, key) for key, one in zip(ids, certificates, strict=True)])
        _ADD_ENCODED.run(self._connection, [(key, one.encoded) for key, one in zip(ids, certificates, strict=True)])
        _REMOVE_INTENTS.run(self._connection, ids)

    def confirm(self, name: CertificateName, at: datetime) -> None:
        """Records that the certificate is on its card, unless that is recorded already."""
        self._connection.execute(
            update(certificate)
            .where(certificate.c.id == id_of(name), certificate.c.confirmed_at.is_(None))
            .values(confirmed_at=seconds_of(at))
        )

    def add_revocations(
        self, revocations: Iterable[tuple[StoredCertificate, StoredRevocation]], entry: int | None = None
    ) -> None:
        """Stores revocations of certificates that have none; StoreConflict where one has."""
        rows = [
            self._revocation(one, issuer=stored.issuer, point=stored.point, not_after=stored.not_after, entry=entry)
            for stored, one in revocations
        ]
        self._add_revocations(rows)

    def add_revocation(
        self, one: StoredRevocation, *, issuer: CertificateName, not_after: datetime, entry: int | None = None
    ) -> None:
        """Stores the revocation of a number under an authority's key, until that certificate's last second.

        There need be no such certificate here. StoreConflict where the number is revoked already.
        """
        self._add_revocations([self._revocation(one, issuer=issuer, point=None, not_after=not_after, entry=entry)])

    def add_holds(self, chosen: Holdable, at: datetime, entry: int | None = None) -> None:
        """Puts certificates on hold since `at`; StoreConflict where one is revoked or on hold already."""
        revision = self._next_revision(chosen.role)
        _ADD_REVOCATIONS.run(self._connection, hold_rows(chosen, at, entry, revision))

    def end_hold(self, name: CertificateName, reason: int, noted_at: datetime, entry: int | None = None) -> None:
        """Turns a hold into a revocation for good, since the same moment; the next list shows the new reason."""
        # Locked, so that a hold which is released meanwhile is not written over.
        found = select(revocation).where(revocation.c.id == id_of(name)).with_for_update()
        present = self._connection.execute(found).one()
        line = _line(name, moment_of(present.revoked_at), reason)
        self._connection.execute(
            update(revocation)
            .where(revocation.c.id == id_of(name))
            .values(
                reason=reason,
                noted_at=seconds_of(noted_at),
                revision=self._next_revision(name.authority),
                line=line,
                entry=entry,
            )
        )

    def release(self, name: CertificateName, at: datetime, entry: int | None = None) -> None:
        """Ends a hold: the certificate is good again, and the next deltas say removeFromCRL."""
        present = self._connection.execute(
            delete(revocation).where(revocation.c.id == id_of(name)).returning(revocation.c.issuer, revocation.c.point)
        ).one()
        self._connection.execute(delete(release).where(release.c.id == id_of(name)))
        self._connection.execute(
            insert(release).values(
                id=id_of(name),
                issuer=present.issuer,
                point=present.point,
                released_at=seconds_of(at),
                revision=self._next_revision(name.authority),
                line=_line(name, at, RevocationReason.REMOVE_FROM_CRL),
                entry=entry,
            )
        )

    def note(self, kind: str, at: datetime, facts: Mapping[str, object]) -> int:
        """Adds an entry to the audit trail of this process, and returns its name, for the rows that it is about.

        Never a PIN, a private key, a My Number or one of the four attributes in it.
        """
        return self._trail.note(self._connection, kind, at, facts)

    def _next_revision(self, role: Role) -> int:
        # Nobody else gets a revision before this transaction ends: whoever sees one sees all that are lower, too.
        hold_counters(self._connection)
        return int(self._connection.execute(_NEXT_REVISION, {"which": code_of(role)}).scalar_one())

    def _revocation(
        self,
        one: StoredRevocation,
        *,
        issuer: CertificateName,
        point: int | None,
        not_after: datetime,
        entry: int | None,
    ) -> tuple[Role, tuple[object, ...]]:
        row = (
            id_of(one.name),
            id_of(issuer),
            point,
            one.reason,
            seconds_of(one.revoked_at),
            seconds_of(one.noted_at),
            seconds_of(not_after),
            _line(one.name, one.revoked_at, one.reason),
            entry,
        )
        return one.name.authority, row

    def _add_revocations(self, rows: Sequence[tuple[Role, tuple[object, ...]]]) -> None:
        for role in dict.fromkeys(role for role, _ in rows):
            revision = self._next_revision(role)
            _ADD_REVOCATIONS.run(self._connection, [(*row, revision) for its, row in rows if its is role])


def _line(name: CertificateName, moment: datetime, reason: int) -> bytes:
    return encode_revoked([(name.number, moment, RevocationReason(reason))])
