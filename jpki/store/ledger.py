"""The ledger of issuance: which card is whose, and which piece of work on it is not done yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from jpki.terms import CertificateName

from .bulk import Lookup
from .schema import card, job, job_certificate
from .values import id_of, moment_of, name_of, seconds_of
from .view import View

__all__ = ["LedgerReading", "LedgerWriting", "StoredCard", "StoredJob"]


_CARDS_OF_CERTIFICATES = Lookup(
    select(job_certificate.c.certificate, job.c.card).join(job, job.c.id == job_certificate.c.job),
    job_certificate.c.certificate,
)


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A card by serial number: its holder, its card profile, its last day, and since when it is finished."""

    serial: bytes
    holder: str
    profile: str
    expires_on: date
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A piece of work on a card that is not done: its number, what it is for, and what was issued in it so far."""

    number: int
    card: bytes
    occasion: str
    begun_at: datetime
    certificates: tuple[CertificateName, ...]


class LedgerReading(View):
    """Questions to the ledger within one transaction."""

    __slots__ = ()

    def card(self, serial: bytes) -> StoredCard | None:
        """Returns what the ledger knows of a card."""
        row = self._connection.execute(select(card).where(card.c.serial == serial)).one_or_none()
        return None if row is None else _card(row)

    def cards_of(self, holder: str) -> tuple[StoredCard, ...]:
        """Returns the cards of a holder, in order of serial number."""
        rows = self._connection.execute(select(card).where(card.c.holder == holder).order_by(card.c.serial))
        return tuple(_card(row) for row in rows)

    def cards_of_certificates(self, names: Sequence[CertificateName]) -> dict[CertificateName, bytes]:
        """Returns the serial number of the card that each of these certificates was issued for, where it is known."""
        rows = _CARDS_OF_CERTIFICATES.run(self._connection, [id_of(name) for name in names])
        return {name_of(row.certificate): row.card for row in rows}

    def open_job(self, serial: bytes) -> StoredJob | None:
        """Returns the work on a card that is not done, if there is any."""
        query = select(job).where(job.c.card == serial, job.c.done_at.is_(None))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else self._job(row)

    def open_jobs(self) -> tuple[StoredJob, ...]:
        """Returns all work that is not done, oldest first."""
        rows = self._connection.execute(select(job).where(job.c.done_at.is_(None)).order_by(job.c.id)).all()
        return tuple(self._job(row) for row in rows)

    def _job(self, row: Row[Any]) -> StoredJob:
        query = select(job_certificate.c.certificate).where(job_certificate.c.job == row.id)
        names = sorted(self._connection.execute(query).scalars())
        return StoredJob(row.id, row.card, row.occasion, moment_of(row.begun_at), tuple(map(name_of, names)))


class LedgerWriting(LedgerReading):
    """Changes to the ledger within one transaction."""

    __slots__ = ()

    def add_card(self, new: StoredCard) -> None:
        """Records for whom a card is being made."""
        self._connection.execute(
            insert(card).values(
                serial=new.serial, holder=new.holder, profile=new.profile, expires_on=new.expires_on.isoformat()
            )
        )

    def begin_job(self, serial: bytes, occasion: str, at: datetime) -> StoredJob:
        """Records that work on a card begins, and returns it with its number."""
        query = insert(job).values(card=serial, occasion=occasion, begun_at=seconds_of(at)).returning(job.c.id)
        number = int(self._connection.execute(query).scalar_one())
        return StoredJob(number, serial, occasion, moment_of(seconds_of(at)), ())

    def change_occasion(self, number: int, occasion: str) -> None:
        """Records that a job in which nothing was issued yet is for something else."""
        self._connection.execute(update(job).where(job.c.id == number).values(occasion=occasion))

    def note_issued(self, number: int, name: CertificateName) -> None:
        """Records that a certificate was issued in a job."""
        self._connection.execute(insert(job_certificate).values(certificate=id_of(name), job=number))

    def end_job(self, number: int, at: datetime) -> None:
        """Records that a job is done, and that its card is finished."""
        query = update(job).where(job.c.id == number).values(done_at=seconds_of(at)).returning(job.c.card)
        serial = self._connection.execute(query).scalar_one()
        self._connection.execute(
            update(card)
            .where(card.c.serial == serial, card.c.delivered_at.is_(None))
            .values(delivered_at=seconds_of(at))
        )


def _card(row: Row[Any]) -> StoredCard:
    delivered = None if row.delivered_at is None else moment_of(row.delivered_at)
    return StoredCard(row.serial, row.holder, row.profile, date.fromisoformat(row.expires_on), delivered)
