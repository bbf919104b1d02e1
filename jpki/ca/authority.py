"""The two certification authorities of one operator, as one object over a store and a source of keys."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from jpki.formats import Certificate, IssuerMasterKey, RevocationReason, RsaPublicKey, signed
from jpki.store import CertificateState, Intent, Store, StoredAuthorityKey
from jpki.terms import CertificateName, Role, birthday_in, day_in_japan, end_of_day_in_japan

from .batch import Batch
from .chain import CertificateStatus, Chain, chain_of, find, list_certificates, status_of_key
from .errors import ClockBehind, IssueRefused, NoAuthority
from .issuer import Issuer, authority_profile
from .issuing import Issued, IssueRequest, Occasion, Refused, foresee
from .keys import KeySource
from .lists import MadeList, make_list
from .requests import key_hash_of
from .residents import Resident
from .restoring import CaughtUp, catch_up
from .revoking import Revocation, confirm, revoke, stored_certificate
from .rules import Certifiable
from .sealing import Random
from .settings import AuthoritySettings

__all__ = ["Authority"]

_ROLES = (Role.SIGNATURE, Role.AUTHENTICATION)
_GENERATION = 1


class Authority:
    """Issues, confirms, revokes, lists and finds certificates of both roles.

    Keys are asked for when something is to be signed, not before: questions and revocations need none.
    """

    __slots__ = ("_issuers", "_keys", "_own_keys", "_random", "certificates", "settings", "store")

    def __init__(self, store: Store, keys: KeySource, *, random: Random = secrets.token_bytes) -> None:
        """Opens the authority that `create` made in a store; raises NoAuthority, StoreError."""
        with store.snapshot() as view:
            texts = view.settings()
            own = {role: view.authority_keys(role) for role in _ROLES}
        if not all(own.values()):
            raise NoAuthority(folder=str(store.file.parent))
        self.store = store
        self.settings = AuthoritySettings.from_texts(texts)
        self.certificates = {role: generations[-1] for role, generations in own.items()}
        self._keys = keys
        self._random = random
        self._issuers: dict[Role, Issuer] = {}
        self._own_keys = {
            key_hash_of(Certificate.parse(one.encoded).public_key): one.name
            for generations in own.values()
            for one in generations
        }

    @classmethod
    def create(
        cls,
        store: Store,
        keys: KeySource,
        settings: AuthoritySettings,
        at: datetime,
        *,
        random: Random = secrets.token_bytes,
    ) -> Authority:
        """Makes keys and self-signed certificates of both authorities, valid from `at`, as far as they are missing.

        Keys that the source holds already are used and never replaced, so what was interrupted can be run again; the
        store takes settings and certificates in one transaction. Raises KeysUnusable, StoreError.
        """
        with store.snapshot() as view:
            there = all(view.authority_keys(role) for role in _ROLES)
        if not there:
            signing = {role: keys.signing_key(role, _GENERATION, make=True) for role in _ROLES}
            keys.master_key(make=True)
            with store.transaction() as change:
                change.put_settings(settings.as_texts())
                for role in _ROLES:
                    change.open_authority(role, settings.first_number)
                    number = change.take_numbers(role, 1)[0]
                    not_after = _authority_end(role, at)
                    tbs = authority_profile(role).authority_tbs(
                        serial=number,
                        not_before=at,
                        not_after=not_after,
                        public_key_info=signing[role].public_key_info,
                    )
                    encoded = signed(tbs, signing[role].sign(tbs))
                    name = CertificateName(role, number)
                    change.add_authority_key(StoredAuthorityKey(name, _GENERATION, at, not_after, encoded))
        return cls(store, keys, random=random)

    def issue(self, batch: Sequence[IssueRequest], at: datetime) -> list[Issued | Refused]:
        """Returns what became of each request, in their order.

        One call is one batch: its numbers are committed before anything is signed, its certificates and their chain
        after; about a hundred requests a call are fast and hold nobody up. Raises StoreError (nothing of the batch is
        issued; the same call again is safe), KeysUnusable, NumbersExhausted, ClockBehind.
        """
        self._refuse_the_past(at)
        return Batch(self.store, self._issuer, at.replace(microsecond=0), self._own_keys).issue(batch)

    def foresee(
        self,
        resident: Resident,
        roles: Iterable[Role],
        at: datetime,
        *,
        occasion: Occasion = Occasion.FIRST,
        card_expiry: date | None = None,
    ) -> Mapping[Role, Certifiable | IssueRefused]:
        """Returns, for each role, what `issue` would make of a good request, or why it would refuse; nothing is done.

        Raises StoreError.
        """
        request = IssueRequest(resident, dict.fromkeys(roles, b""), "", card_expiry, occasion)
        with self.store.snapshot() as view:
            family = view.of_holders([request.holder]).get(request.holder, ())
        ends = {role: own.not_after for role, own in self.certificates.items()}
        return foresee(request, at=at, family=family, ends=ends)

    def confirm(self, name: CertificateName, at: datetime) -> None:
        """Records that a certificate is on its card and works; the one it renews is then revoked as superseded.

        Once more changes nothing. Raises NoSuchCertificate, AlreadyRevoked, StoreError.
        """
        confirm(self.store, name, at)

    def revoke(
        self, name: CertificateName, reason: RevocationReason, at: datetime, *, revoked_at: datetime | None = None
    ) -> Revocation:
        """Revokes a certificate at the moment `at`, valid since `revoked_at` (else since `at`), and returns the record.

        The same once more changes nothing. A hold may be followed by a revocation for good; nothing is ever taken back.
        Raises NoSuchCertificate, AlreadyRevoked, CertificateExpired, BadRevocation, StoreError.
        """
        return revoke(self.store, name, reason, at, revoked_at if revoked_at is not None else at)

    def certificate_list(self, role: Role, at: datetime) -> MadeList:
        """Returns a new complete revocation list of one authority, signed, read back, verified and recorded.

        Raises ClockBehind, ListRefused, KeysUnusable, StoreError.
        """
        self._refuse_the_past(at)
        return make_list(self.store, self._issuer(role), at)

    def catch_up(self, role: Role, published: bytes, at: datetime, *, last_number: int = 0) -> CaughtUp:
        """Takes over from a published list (DER) what an older copy of the store lacks, and goes on above its numbers.

        For a store put back from a backup, before anything is signed: it then keeps every revocation that was
        published, also of certificates that it does not know. `last_number` is the highest serial number that this
        authority may have given since. Raises ListRefused, StoreError. Source: docs/authority.md, backup
        """
        return catch_up(self.store, self.certificates[role], published, at.replace(microsecond=0), last_number)

    def chain(self, name: CertificateName, at: datetime) -> Chain:
        """Returns what was before and after a certificate, its counterpart, and their states; NoSuchCertificate."""
        return chain_of(self.store, name, at)

    def find(self, text: str) -> CertificateName:
        """Returns the certificate meant by `sign:01000002`, or by a number alone where only one authority gave it.

        Raises NoSuchCertificate, AmbiguousNumber, BadCertificateName.
        """
        return find(self.store, text)

    def status_of_key(self, key: RsaPublicKey, at: datetime) -> CertificateStatus | None:
        """Returns the certificate that was issued for a public key, as it is at a moment, or None."""
        return status_of_key(self.store, key, at)

    def encoded(self, name: CertificateName) -> bytes:
        """Returns a certificate in DER, the authorities' own included; raises NoSuchCertificate."""
        own = self.certificates[name.authority]
        if own.name == name:
            return own.encoded
        with self.store.snapshot() as view:
            stored_certificate(view, name)
            return view.encoded([name])[name]

    def list_certificates(
        self,
        at: datetime,
        *,
        role: Role | None = None,
        holder: str | None = None,
        state: CertificateState | None = None,
        after: CertificateName | None = None,
        limit: int = 100,
    ) -> tuple[CertificateStatus, ...]:
        """Returns the next `limit` certificates behind `after` in order of name, as they are at a moment."""
        return list_certificates(self.store, at=at, role=role, holder=holder, state=state, after=after, limit=limit)

    def unfinished(self, before: datetime) -> tuple[Intent, ...]:
        """Returns the numbers taken before this moment that have no certificate; none of them is used again."""
        with self.store.snapshot() as view:
            return view.intents(before=before)

    def issuer_master_key(self) -> IssuerMasterKey:
        """Returns the key that the keys of all cards derive from; raises KeysUnusable."""
        return self._keys.master_key()

    def close(self) -> None:
        """Lets go of the store."""
        self.store.close()

    def __enter__(self) -> Authority:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _issuer(self, role: Role) -> Issuer:
        issuer = self._issuers.get(role)
        if issuer is None:
            issuer = self._issuers[role] = Issuer(self.certificates[role], self._keys, self.settings, self._random)
        return issuer

    def _refuse_the_past(self, at: datetime) -> None:
        for role, own in self.certificates.items():
            if at < own.not_before:
                raise ClockBehind(role=role, last=own.not_before)


def _authority_end(role: Role, at: datetime) -> datetime:
    """Returns the last second of the day before the anniversary, in Japan, as the published certificates end."""
    day = day_in_japan(at)
    years = authority_profile(role).validity_years
    return end_of_day_in_japan(birthday_in(day.year + years, day) - timedelta(days=1))
