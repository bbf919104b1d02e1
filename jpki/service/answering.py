"""What the service asks of a responder: it knows the certificates and holds the keys, the service knows HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from jpki.ca import OcspAnswer as Answer
from jpki.terms import CertificateName, Role

__all__ = ["Answer", "Responder"]


class Responder(Protocol):
    """Answers OCSP requests. Its methods are called from several threads at once."""

    def made_ahead(self, request: bytes, at: datetime) -> Answer | None:
        """Returns the answer that was made ahead and still holds at this moment, or None. It never waits."""
        ...

    def answers(self, requests: Sequence[bytes], at: datetime) -> Sequence[Answer]:
        """Returns an answer to each of some requests, in their order, signed now where it was not made ahead.

        What cannot be answered gets the error of OCSP that says so. Raises StoreError, KeysUnusable.
        """
        ...

    def forget(self, role: Role, changed: Iterable[CertificateName], revision: int) -> None:
        """Takes back what was made ahead for certificates of an authority whose state has changed.

        `revision` is that of the view of the store in which they were found; an answer that was read from an older one
        is not kept either, whenever it is finished.
        """
        ...

    def make_ahead(self, at: datetime) -> bool:
        """Makes some answers ahead, for a tenth of a second at most, and returns whether there are more to make.

        Raises StoreError, KeysUnusable.
        """
        ...
