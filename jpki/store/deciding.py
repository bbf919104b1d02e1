"""Questions whose answers a writer decides by: they stay true until its transaction ends."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from jpki.terms import CertificateName

from .ledger import StoredCard, StoredJob
from .locks import hold
from .reading import StoreReading
from .schema import certificate
from .values import StoredCertificate, StoredEvent, StoredRevocation, fits, id_of

__all__ = ["DecidingReading"]


class DecidingReading(StoreReading):
    """Questions within a writing transaction. Who or what is asked about is locked first, and then looked at.

    In that order, because each statement sees what was committed before it began: the one who waited for a lock sees
    what the one who had it has done. A question to which nobody is known is locked all the same, so that of two who
    find nothing only one goes on. Source: locks.py
    """

    __slots__ = ()

    def certificate(self, name: CertificateName) -> StoredCertificate | None:
        """Returns what is known of the certificate of this name, or None; its holder is held."""
        self._hold_certificate(name)
        return super().certificate(name)

    def revocation(self, name: CertificateName) -> StoredRevocation | None:
        """Returns the revocation of a number, also of one without a certificate here, or None; its holder is held."""
        self._hold_certificate(name)
        return super().revocation(name)

    def of_holders(self, holders: Sequence[str]) -> dict[str, tuple[StoredCertificate, ...]]:
        """Returns the certificates of each of these holders that has any, by authority and in order of issue."""
        hold(self._connection, "person", holders)
        return super().of_holders(holders)

    def events_of(self, person: str) -> tuple[StoredEvent, ...]:
        """Returns what was reported of a person, oldest first."""
        hold(self._connection, "person", [person])
        return super().events_of(person)

    def cards_of(self, holder: str) -> tuple[StoredCard, ...]:
        """Returns the cards of a holder, in order of serial number."""
        hold(self._connection, "person", [holder])
        return super().cards_of(holder)

    def card(self, serial: bytes) -> StoredCard | None:
        """Returns what the ledger knows of a card."""
        hold(self._connection, "card", [serial.hex()])
        return super().card(serial)

    def open_job(self, serial: bytes) -> StoredJob | None:
        """Returns the work on a card that is not done, if there is any."""
        hold(self._connection, "card", [serial.hex()])
        return super().open_job(serial)

    def _hold_certificate(self, name: CertificateName) -> None:
        """Holds the holder of a certificate, who never changes; of a number without a certificate, the number."""
        if self._connection.dialect.name == "sqlite" or not fits(name):
            return
        holder = self._connection.execute(select(certificate.c.holder).where(certificate.c.id == id_of(name))).scalar()
        if holder is not None:
            hold(self._connection, "person", [holder])
        else:
            hold(self._connection, "number", [str(id_of(name))])
