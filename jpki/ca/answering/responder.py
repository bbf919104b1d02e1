"""Who answers about what one generation of an authority's key issued."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from jpki.formats import (
    CERT_GOOD,
    CERT_UNKNOWN,
    CertId,
    Certificate,
    CertState,
    CertStatus,
    OcspTemplate,
    RevocationReason,
    cert_id_issuer,
    cert_id_issuers,
    encode_single_response,
)
from jpki.store import NumberStatus, StatusesAt, StoredAuthorityKey, StoredResponder
from jpki.terms import CertificateName, Role

from ..keys import SigningKey
from .answer import OcspAnswer, OcspPolicy
from .errors import ResponderMissing
from .made_ahead import Prepared

__all__ = ["Responder"]


class _Desk(NamedTuple):
    """What it takes to sign: the certificate, its key, and the prepared answers."""

    stored: StoredResponder
    key: SigningKey
    template: OcspTemplate


class Responder:
    """Says what became of the certificates that one generation of an authority's key signed. Any thread may ask."""

    __slots__ = ("_desk", "_policy", "certificate", "issuers", "own", "usual_issuer")

    def __init__(self, own: StoredAuthorityKey, policy: OcspPolicy) -> None:
        self.own = own
        self.certificate = Certificate.parse(own.encoded)
        self.issuers = cert_id_issuers(self.certificate)
        self.usual_issuer = cert_id_issuer(self.certificate)
        self._policy = policy
        self._desk: _Desk | None = None

    @property
    def name(self) -> CertificateName:
        """Returns the name of the authority's certificate, by which the store says who issued."""
        return self.own.name

    @property
    def role(self) -> Role:
        """Returns whose certificates these are."""
        return self.own.name.authority

    @property
    def stored(self) -> StoredResponder | None:
        """Returns the certificate that is sent along with answers, None before there is one."""
        return None if self._desk is None else self._desk.stored

    def use(self, stored: StoredResponder, key: SigningKey) -> None:
        """Lets it answer by this certificate from now on."""
        if self._desk is None or self._desk.stored.name != stored.name:
            self._desk = _Desk(stored, key, OcspTemplate.prepare(Certificate.parse(stored.encoded)))

    def rest(self) -> None:
        """Lets it answer nothing until it is told to again."""
        self._desk = None

    def answer(self, asked: Sequence[CertId], known: StatusesAt, at: datetime, nonce: bytes | None) -> OcspAnswer:
        """Returns an answer that was signed for this question; raises ResponderMissing, KeysUnusable."""
        at = at.replace(microsecond=0)
        desk = self._at_work(at)
        until = self._until(desk, at)
        tbs = desk.template.tbs([self._single(each, known, at, until) for each in asked], at, nonce)
        return OcspAnswer(desk.template.response(tbs, desk.key.sign(tbs)))

    def prepared(self, asked: CertId, known: StatusesAt, at: datetime) -> Prepared | None:
        """Returns an answer to be kept; None where the number was never given, as the next moment may change that.

        Raises ResponderMissing, KeysUnusable.
        """
        if self._status(known.found.get(asked.serial)).state is CertState.UNKNOWN:
            return None
        at = at.replace(microsecond=0)
        desk = self._at_work(at)
        until = self._until(desk, at)
        tbs = desk.template.tbs((self._single(asked, known, at, until),), at)
        return Prepared(desk.template.response, tbs, desk.key.sign(tbs), at, until)

    def is_at_work(self, at: datetime) -> bool:
        """Returns whether there is a certificate that is valid at this moment."""
        desk = self._desk
        return desk is not None and desk.stored.not_before <= at <= desk.stored.not_after

    def _at_work(self, at: datetime) -> _Desk:
        desk = self._desk
        if desk is None or not self.is_at_work(at):
            raise ResponderMissing(role=self.role, generation=self.own.generation)
        return desk

    def _until(self, desk: _Desk, at: datetime) -> datetime:
        """Returns until when an answer holds: no longer than the certificate by which it is verified."""
        return min(at + self._policy.lasts, desk.stored.not_after)

    def _single(self, asked: CertId, known: StatusesAt, at: datetime, until: datetime) -> bytes:
        found = known.found.get(asked.serial)
        status = self._status(found)
        if found is None or status.state is CertState.UNKNOWN:
            # Without nextUpdate: newer information is there all the time (RFC 6960, 4.2.2.1). The number may be given
            # to a certificate in the next second.
            return encode_single_response(asked, status, at)
        expired = found.not_after < at
        return encode_single_response(asked, status, at, until, at - self._policy.retention if expired else None)

    def _status(self, found: NumberStatus | None) -> CertStatus:
        """Returns what is said of a number; one that another generation's key signed, this one never gave."""
        if found is None or found.issuer != self.own.name:
            return CERT_UNKNOWN
        if found.reason is None or found.revoked_at is None:
            return CERT_GOOD
        return CertStatus.revoked(found.revoked_at, RevocationReason(found.reason))
