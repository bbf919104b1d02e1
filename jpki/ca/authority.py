"""The two certification authorities of one operator, as one object over a store and a source of keys."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256

from jpki.errors import JpkiError
from jpki.formats import IssuerMasterKey, RevocationReason, RsaPublicKey
from jpki.store import CertificateState, Intent, SealRow, Store, StoredAuthorityKey
from jpki.terms import CertificateName, Role

from .audit import SEAL_INTERVAL, Seal, SealFolder, make_seal, newest_seal
from .backup.mark import RestoredMark, read_mark, refuse_unless_caught_up, waive
from .batch import Batch
from .chain import CertificateStatus, Chain, chain_of, find, list_certificates, status_of_key
from .errors import ClockBehind, IssueRefused, NoAuthority
from .generations import add_first_generation, add_generation, generations_of, own_keys_of, refuse_shared
from .holding import IssuedBefore, MassHold, NamedCertificates
from .issuer import Issuer
from .issuing import Issued, IssueRequest, Occasion, Refused, foresee
from .keys import KeySource
from .life import AppliedEvent, LifeEvent, apply_event
from .lists import MadeList, make_list
from .residents import Resident
from .restoring import CaughtUp, catch_up, show_seal
from .revoking import Release, Revocation, confirm, release, revoke, stored_certificate
from .rules import Certifiable
from .sealing import Random
from .settings import AuthoritySettings

__all__ = ["Authority"]

_ROLES = (Role.SIGNATURE, Role.AUTHENTICATION)
_GENERATION = 1
_SEAL_PLACE = "seal_key"
_SEAL_AGAIN = timedelta(minutes=1)


class Authority:
    """Issues, confirms, revokes, lists and finds certificates of both roles.

    Keys are asked for when something is to be signed, not before: questions and revocations need none.
    """

    __slots__ = (
        "_caught_up",
        "_issuers",
        "_keys",
        "_own_keys",
        "_points",
        "_random",
        "_seal_due",
        "_seal_place",
        "_seals",
        "certificates",
        "generations",
        "settings",
        "store",
    )

    def __init__(
        self,
        store: Store,
        keys: KeySource,
        *,
        random: Random = secrets.token_bytes,
        seals: SealFolder | None = None,
    ) -> None:
        """Opens the authority that `create` made in a store; raises NoAuthority, StoreError.

        `seals` is where seals over the audit trail are kept as files beside the store.
        """
        with store.snapshot() as view:
            texts = view.settings()
        self.store = store
        self._own_keys: dict[bytes, CertificateName] = {}
        self.generations: dict[Role, tuple[StoredAuthorityKey, ...]] = dict.fromkeys(_ROLES, ())
        self.refresh()
        self.settings = AuthoritySettings.from_texts(texts)
        self._keys = keys
        self._caught_up = False
        self._random = random
        self._issuers: dict[CertificateName, Issuer] = {}
        self._points: dict[tuple[Role, bytes], int] = {}
        self._seals = seals
        self._seal_place = texts.get(_SEAL_PLACE)
        self._seal_due: datetime | None = None

    def refresh(self) -> None:
        """Reads again which generations of keys there are: another process may have made one. Raises NoAuthority."""
        with self.store.snapshot() as view:
            if self._own_keys and view.count_authority_keys() == len(self._own_keys):
                return
            self.generations = generations_of(view)
        if not all(self.generations.values()):
            raise NoAuthority(folder=self.store.place)
        self.certificates = {role: generations[-1] for role, generations in self.generations.items()}
        self._own_keys = own_keys_of(self.generations)

    @classmethod
    def create(
        cls,
        store: Store,
        keys: KeySource,
        settings: AuthoritySettings,
        at: datetime,
        *,
        places: Mapping[Role, str] | None = None,
        seal_place: str | None = None,
        random: Random = secrets.token_bytes,
        seals: SealFolder | None = None,
    ) -> Authority:
        """Makes keys and self-signed certificates of both authorities, valid from `at`, as far as they are missing.

        `places` and `seal_place` are the URIs of keys that are not in the usual place. Keys that the source holds
        already are used and never replaced, so what was interrupted can be run again; numbers are committed before
        anything is signed, settings and certificates together afterwards. Raises KeysUnusable, BadKeyUri, StoreError.
        """
        with store.snapshot() as view:
            there = all(view.authority_keys(role) for role in _ROLES)
        if not there:
            uris = {role: (places or {}).get(role) for role in _ROLES}
            signing = {role: keys.signing_key(role, _GENERATION, uris[role], make=True) for role in _ROLES}
            keys.master_key(make=True)
            sealing = keys.seal_key(seal_place, make=True)
            refuse_shared(signing, sealing, {role: keys.place(role, _GENERATION, uris[role]) for role in _ROLES})
            texts = settings.as_texts() | ({} if seal_place is None else {_SEAL_PLACE: seal_place})
            seal_key, first = sha256(sealing.public_key_info).digest(), settings.first_number
            add_first_generation(store, signing, at, first_number=first, places=uris, settings=texts, seal_key=seal_key)
        return cls(store, keys, random=random, seals=seals)

    def issue(self, batch: Sequence[IssueRequest], at: datetime) -> list[Issued | Refused]:
        """Returns what became of each request, in their order.

        One call is one batch: its numbers are committed before anything is signed, its certificates and their chain
        after; about a hundred requests a call are fast and hold nobody up. Raises StoreError (nothing of the batch is
        issued; the same call again is safe), KeysUnusable, NumbersExhausted, ClockBehind.
        """
        self.refresh()
        self._refuse_the_past(at)
        moment = at.replace(microsecond=0)
        outcome = Batch(self.store, cache(self.issuer), moment, self._own_keys, self._points).issue(batch)
        self.seal_if_due(moment)
        return outcome

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
            events = view.events_of(request.holder)
        ends = {role: own.not_after for role, own in self.certificates.items()}
        return foresee(request, at=at, family=family, events=events, ends=ends)

    def confirm(self, name: CertificateName, at: datetime) -> None:
        """Records that a certificate is on its card and works; the one it renews is then revoked as superseded.

        Once more changes nothing. Raises NoSuchCertificate, AlreadyRevoked, StoreError.
        """
        confirm(self.store, name, at)

    def revoke(
        self, name: CertificateName, reason: RevocationReason, at: datetime, *, revoked_at: datetime | None = None
    ) -> Revocation:
        """Revokes a certificate at the moment `at`, valid since `revoked_at` (else since `at`), and returns the record.

        The same once more changes nothing. A hold may be followed by a revocation for good; nothing else is ever taken
        back, and a hold by `release` alone. Raises NoSuchCertificate, AlreadyRevoked, CertificateExpired,
        BadRevocation, StoreError.
        """
        return revoke(self.store, name, reason, at, revoked_at if revoked_at is not None else at)

    def release(self, name: CertificateName, at: datetime) -> Release:
        """Ends a hold: the certificate is valid again from the moment `at`. Returns what was recorded.

        The authority's settings say of which role that can be. Raises NoSuchCertificate, NotOnHold, HoldIsFinal,
        AlreadyRevoked, CertificateExpired, StoreError.
        """
        return release(self.store, name, at, can_end=self.settings.life_policy.hold_can_end(name.authority))

    def hold_all(self, chosen: IssuedBefore | NamedCertificates, at: datetime) -> MassHold:
        """Returns an act that puts many certificates on hold since the moment `at`; nothing is done before its steps.

        It is planned without a change, and taken some thousands of certificates at a time; begun again it goes on.
        """
        return MassHold(self.store, chosen, at)

    def apply_event(self, event: LifeEvent, at: datetime) -> AppliedEvent:
        """Does at the moment `at` what an event of a person's life does to their certificates, in one transaction.

        The same one again, however it is written, changes nothing, and is told as repeated. Raises LifeEventRefused
        (UnknownPerson among them): nothing is kept then, and it can be sent again; StoreError.
        Source: docs/life-events.md
        """
        return apply_event(self.store, event, at, self.settings.life_policy)

    def certificate_list(
        self, role: Role, at: datetime, *, generation: int | None = None, urgent: bool = False
    ) -> MadeList:
        """Returns a new complete revocation list of one authority, signed, read back, verified and recorded.

        It is of what one generation of the key issued, else of the newest; `urgent` says that it comes out of turn.
        Raises ClockBehind, ListRefused, KeysUnusable, StoreError. `make_lists` makes many at once.
        """
        self._refuse_the_past(at)
        made = make_list(self.store, self.issuer(role, generation), at, urgent=urgent, deltas=self.settings.deltas)
        self.seal_if_due(at)
        return made

    def catch_up(self, role: Role, published: bytes, at: datetime, *, last_number: int = 0) -> CaughtUp:
        """Takes over from a published list (DER) what an older copy of the store lacks, and goes on above its numbers.

        For a store put back from a backup, before anything is signed: it then keeps every revocation that was
        published, also of certificates that it does not know. `last_number` is the highest serial number that this
        authority may have given since. Raises ListRefused, StoreError. Source: docs/authority.md, backup
        """
        return catch_up(self.store, self.generations[role], published, at.replace(microsecond=0), last_number)

    def show_seal(self, public_key_info: bytes, shown: SealRow, at: datetime) -> Seal:
        """Takes note of the newest published seal over the audit trail, and goes on behind its number; returns it.

        `public_key_info` (SubjectPublicKeyInfo, DER) is the key that seals. Raises SealRefused, StoreError.
        """
        return show_seal(self.store, public_key_info, shown, at.replace(microsecond=0))

    def owed(self) -> RestoredMark | None:
        """Returns what an authority that was put back from a backup was not shown yet; None where it may sign."""
        with self.store.snapshot() as view:
            return read_mark(view)

    def state_nothing_published(
        self, at: datetime, *, lists: Sequence[CertificateName] = (), seal: bool = False
    ) -> None:
        """Takes somebody's word that of these keys no list (or no seal) was published since the backup; StoreError."""
        waive(self.store, at.replace(microsecond=0), lists=lists, seal=seal)

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
        for own in self.generations[name.authority]:
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

    def seal(self, at: datetime) -> Seal:
        """Returns a new seal over the whole audit trail, dated `at`, in the store and, where files are kept, as a file.

        Files of earlier seals that are missing are written too. Raises SealFailed, SealUnreadable, KeysUnusable,
        BadKeyUri, StoreError.
        """
        # A lost key is not replaced by a new one: whoever checks seals would not know it.
        key = self._signing().seal_key(self._seal_place, make=newest_seal(self.store) is None)
        if self._seals is not None:
            self._seals.publish(key.public_key_info)
        made = make_seal(self.store, key, at)
        if self._seals is not None:
            self._seals.keep(self.store)
        return made

    def seal_if_due(self, at: datetime) -> None:
        """Makes a seal where the last one is older than the interval (docs/audit.md); a failure is passed over.

        What was done before it is done; `jpki ca status` tells of a seal that is too old, or dated ahead of the clock.
        """
        if self._seal_due is not None and at < self._seal_due:
            return
        try:
            last = newest_seal(self.store)
            if last is None or last.at + SEAL_INTERVAL <= at:
                last = self.seal(at)
            self._seal_due = last.at + SEAL_INTERVAL
        except JpkiError:
            self._seal_due = at + _SEAL_AGAIN

    def close(self) -> None:
        """Lets go of the store."""
        self.store.close()

    def __enter__(self) -> Authority:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def new_generation(
        self, role: Role, at: datetime, place: str | None = None, *, generation: int | None = None
    ) -> StoredAuthorityKey:
        """Makes the next key of an authority, at a place (URI), and its certificate; from now on it issues.

        What older keys issued stays theirs: they sign lists for it. A key that is at the place already is taken.
        `generation` is the number that it is to have: asked again for the same, nothing more is made. Raises
        ClockBehind, KeysUnusable (SharedKey for one that is known), BadKeyUri, StoreError.
        """
        keys, moment = self._signing(), at.replace(microsecond=0)
        made = add_generation(self.store, keys, role, moment, place, generation=generation)
        self.refresh()
        return made

    def make_key(self, role: Role, generation: int, place: str | None = None) -> bytes:
        """Returns the public key (SubjectPublicKeyInfo, DER) at a place, made now where there is none.

        Nothing is certified by that: `new_generation` does it. Raises KeysUnusable, BadKeyUri.
        """
        return self._signing().signing_key(role, generation, place, make=True).public_key_info

    def holds_key(self, role: Role, generation: int, place: str | None = None) -> bool:
        """Returns whether there is a key at a place; raises KeysUnusable, BadKeyUri."""
        return self._keys.holds(role, generation, place)

    def key_place(self, role: Role, generation: int, place: str | None = None) -> str:
        """Returns where a key is kept, for people: a file, or a URI without PIN; raises BadKeyUri."""
        return self._keys.place(role, generation, place)

    def issuer(self, role: Role, generation: int | None = None) -> Issuer:
        """Returns what signs with one generation of an authority's key, else with the newest.

        Raises KeysUnusable; KeyError for a generation that there is not.
        """
        own = self.certificates[role]
        if generation is not None:
            own = {one.generation: one for one in self.generations[role]}[generation]
        if own.name not in self._issuers:
            self._issuers[own.name] = Issuer(own, self._signing(), self.settings, self._random)
        return self._issuers[own.name]

    def _signing(self) -> KeySource:
        """Returns the keys that sign. Every way to a signature leads through here, and none leads around.

        Raises NotCaughtUp. The mark is never set in a store that is in use, so an answer without it holds for good.
        """
        if not self._caught_up:
            refuse_unless_caught_up(self.store)
            self._caught_up = True
        return self._keys

    def _refuse_the_past(self, at: datetime) -> None:
        for role, own in self.certificates.items():
            if at < own.not_before:
                raise ClockBehind(role=role, last=own.not_before)
