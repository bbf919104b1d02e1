"""The issuance desk: a resident's record and a card in, a card with certificates out.

Every piece of work is a job in the ledger. Each step looks at the card before it does anything, so that the same call
takes up a job wherever it was interrupted: the card pulled, the process killed, the disk full.
Source: docs/personalisation.md, the order
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from cryptography.hazmat.primitives.asymmetric import rsa

from card_profiles import CardProfile
from jpki.ca import (
    Authority,
    Certifiable,
    Decisions,
    IssueRefused,
    NotEntitled,
    Notice,
    Occasion,
    Reason,
    Refusal,
    Resident,
    decide,
)
from jpki.card import Card, IssuerSession, NoCertificate, WrongLifeCycle, issuer_session, refuse_bad_form
from jpki.store import CertificateState, StoredCard
from jpki.terms import CertificateName, Pin, Role, day_in_japan

from .errors import CardOfAnother, CardUnfinished, NewPinNeeded
from .job import CardJob, Step, Watch, unwatched
from .ledger import begin_first, begin_later, end_work, known_card

__all__ = ["Delivered", "IssuanceDesk"]

_ROLES = (Role.SIGNATURE, Role.AUTHENTICATION)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A card as it leaves the desk. `left_out` are those asked-for certificates that the rules do not give, and why."""

    card: str
    holder: str
    card_expiry: date
    certificates: tuple[CertificateName, ...]
    left_out: Mapping[Role, tuple[Reason, ...]]
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class IssuanceDesk:
    """Joins an authority, which must be able to sign, with the cards that are put before it.

    `random` gives challenges and the channel's random numbers; `watch` is told of every step; `extended` sends long
    commands with extended length fields (`jpki.card.issuer_session`).
    """

    authority: Authority
    random: Callable[[int], bytes] = field(repr=False)
    watch: Watch = unwatched
    extended: bool = False

    def check(
        self,
        resident: Resident,
        at: datetime,
        *,
        roles: Iterable[Role] = _ROLES,
        occasion: Occasion = Occasion.FIRST,
    ) -> tuple[Role, ...]:
        """Returns the roles that `issue` or `renew` would serve, so that nobody types a PIN for nothing.

        Raises NotEntitled, and the authority's IssueRefused unless work for this resident waits to be taken up.
        """
        with self.authority.store.snapshot() as view:
            cards = view.cards_of(resident.resident_id)
            waiting = any(view.open_job(card.serial) is not None for card in cards)
        granted = _granted(decide(resident, at), frozenset(roles))
        if not waiting:
            # Which card it will be is not known yet. The one that ends first bars least: nobody is turned away in vain.
            days = [card.expires_on for card in cards if card.expires_on >= day_in_japan(at)]
            earliest = min(days, default=None) if occasion is not Occasion.FIRST else None
            self._refuse_hopeless(resident, granted, at, occasion, earliest)
        return granted

    def finished(self, card: Card, profile: CardProfile) -> bool:
        """Returns whether a card is sealed; nothing on it is changed."""
        try:
            with self._session(card, profile, _leave_blank) as session:
                return session.sealed
        except WrongLifeCycle:
            return False

    def delivered(
        self, card: Card, profile: CardProfile, resident: Resident, at: datetime, *, roles: Iterable[Role] = _ROLES
    ) -> Delivered | None:
        """Returns a card as it left the desk, where `issue` would have nothing left to do; else None.

        It is one that was finished for this resident, with the keys of certificates that are valid, for each of the
        roles that the rules give. Nothing on it is changed. Raises NotEntitled, and the errors of cards and stores.
        """
        asked = frozenset(roles)
        decisions = decide(resident, at)
        granted = _granted(decisions, asked)
        try:
            with self._session(card, profile, _leave_blank) as session:
                keys = {role: session.public_key(role) for role in granted} if session.sealed else {}
        except WrongLifeCycle:
            return None
        with self.authority.store.snapshot() as view:
            stored, work = view.card(session.serial), view.open_job(session.serial)
        if stored is None or stored.holder != resident.resident_id or stored.delivered_at is None or work is not None:
            return None
        found = [None if key is None else self.authority.status_of_key(key, at) for key in keys.values()]
        valid = tuple(one.name for one in found if one is not None and one.state is CertificateState.VALID)
        return _handed_over(stored, valid, decisions, asked) if len(valid) == len(granted) else None

    def issue(
        self,
        card: Card,
        profile: CardProfile,
        resident: Resident,
        pins: Mapping[Role, Pin],
        at: datetime,
        *,
        roles: Iterable[Role] = _ROLES,
        occasion: Occasion = Occasion.FIRST,
        imported: Mapping[Role, rsa.RSAPrivateKey] | None = None,
    ) -> Delivered:
        """Makes a blank card this resident's, or finishes it; the same call again after an interruption is safe.

        Keys are generated on the card unless `imported`. Raises NotEntitled, NewPinNeeded and BadPinForm before the
        card is touched, the authority's IssueRefused, CardOfAnother, CardFinished, CardUnknown, JobLost, WrongLifeCycle
        for a card that says it is blank and cannot be, and the errors of cards and stores.
        """
        asked = frozenset(roles)
        decisions = decide(resident, at)
        granted = _granted(decisions, asked)
        _check_pins(profile, pins, granted)
        with self._session(card, profile, self._refuse_known) as session:
            new = StoredCard(session.serial, resident.resident_id, profile.name, _expiry(decisions), None)

            def allow() -> None:
                self._refuse_hopeless(resident, granted, at, occasion, new.expires_on)

            work = begin_first(self.authority.store, new, occasion, at, sealed=session.sealed, allow=allow)
            self.watch(Step.OPENED, None)
            served = work.roles if session.sealed else _union(granted, work.roles)
            _check_pins(profile, pins, served)
            job = CardJob(self, session, work, resident, pins, served, at)
            if session.sealed:
                job.hand_over()
            else:
                job.personalise(imported or {})
            return self._deliver(job, decisions, asked)

    def renew(
        self,
        card: Card,
        profile: CardProfile,
        resident: Resident,
        pins: Mapping[Role, Pin],
        at: datetime,
        *,
        roles: Iterable[Role] | None = None,
        occasion: Occasion = Occasion.RENEWAL,
        allow_last_try: bool = False,
    ) -> Delivered:
        """Gives a finished card new keys and certificates; until each is activated the card works with the old one.

        `roles` None means those whose certificates the card has. Every PIN is verified before anything is changed, and
        the last try is not used unless that is allowed (LastTry). Raises WrongPin, PinBlocked, NewPinNeeded,
        BadPinForm, the authority's IssueRefused, CardOfAnother, CardUnknown, CardUnfinished, CardExpired, JobLost, and
        the errors of cards and stores.
        """
        _check_pins(profile, pins, pins)
        with self._session(card, profile, self._refuse_blank) as session:
            if not session.sealed:
                raise CardUnfinished(card=session.serial)
            asked = _present(session, roles)
            stored = known_card(self.authority.store, session.serial)
            decisions = decide(resident, at, card_expiry=stored.expires_on)

            def allow() -> None:
                granted = _granted(decisions, asked)
                self._refuse_hopeless(resident, granted, at, occasion, stored.expires_on)
                self._verify_pins(session, profile, pins, granted, allow_last_try=allow_last_try)

            work = begin_later(self.authority.store, session.serial, resident.resident_id, occasion, at, allow=allow)
            served = _union(_granted(decisions, asked), work.roles)
            self._verify_pins(session, profile, pins, served, allow_last_try=allow_last_try)
            self.watch(Step.OPENED, None)
            job = CardJob(self, session, work, resident, pins, served, at)
            job.renew()
            return self._deliver(job, decisions, asked)

    def reset_pin(self, card: Card, profile: CardProfile, role: Role, new: Pin, *, holder: str | None = None) -> str:
        """Gives a finished card of this ledger a new PIN and all its tries; returns the card's serial number.

        With `holder` the card must be that one's. Raises BadPinForm before the card is touched, CardUnknown,
        CardUnfinished, CardOfAnother, NoCertificate, and the errors of cards and stores.
        """
        _check_pins(profile, {role: new}, (role,))
        with self._session(card, profile, self._refuse_blank) as session:
            stored = known_card(self.authority.store, session.serial)
            if holder is not None and stored.holder != holder:
                raise CardOfAnother(card=session.serial)
            _present(session, (role,))
            session.reset_pin(role, new)
            return session.serial.hex().upper()

    @contextmanager
    def _session(self, card: Card, profile: CardProfile, blank: Callable[[bytes], None]) -> Iterator[IssuerSession]:
        keys = self.authority.issuer_master_key()
        with issuer_session(card, profile, keys, self.random, blank=blank, extended=self.extended) as session:
            yield session

    def _refuse_known(self, serial: bytes) -> None:
        # A card of the ledger has its own keys: one that says it is blank only goes by that card's serial number.
        with self.authority.store.snapshot() as view:
            if view.card(serial) is not None:
                raise WrongLifeCycle(found="blank")

    def _refuse_blank(self, serial: bytes) -> None:
        known_card(self.authority.store, serial)
        raise WrongLifeCycle(found="blank")

    def _refuse_hopeless(
        self, resident: Resident, roles: Iterable[Role], at: datetime, occasion: Occasion, card_expiry: date | None
    ) -> None:
        outcome = self.authority.foresee(resident, roles, at, occasion=occasion, card_expiry=card_expiry)
        for foreseen in outcome.values():
            if isinstance(foreseen, IssueRefused):
                raise foreseen

    def _verify_pins(
        self,
        session: IssuerSession,
        profile: CardProfile,
        pins: Mapping[Role, Pin],
        roles: Iterable[Role],
        *,
        allow_last_try: bool,
    ) -> None:
        _check_pins(profile, pins, roles)
        for role in roles:
            if not session.jpki.verified(role):
                session.jpki.verify_pin(role, pins[role], allow_last_try=allow_last_try)

    def _deliver(self, job: CardJob, decisions: Decisions, asked: frozenset[Role]) -> Delivered:
        for name in job.work.certificates:
            self.authority.confirm(name, job.at)
        end_work(self.authority.store, job.work, job.at)
        return _handed_over(job.work.card, job.work.certificates, decisions, asked)


def _leave_blank(_: bytes) -> None:
    raise WrongLifeCycle(found="blank")


def _handed_over(
    card: StoredCard, certificates: tuple[CertificateName, ...], decisions: Decisions, asked: frozenset[Role]
) -> Delivered:
    missing = asked - {name.authority for name in certificates}
    return Delivered(
        card=card.serial.hex().upper(),
        holder=card.holder,
        card_expiry=card.expires_on,
        certificates=certificates,
        left_out={one.role: one.reasons for one in _refusals(decisions) if one.role in missing},
        notices=tuple(decisions.notices),
    )


def _check_pins(profile: CardProfile, pins: Mapping[Role, Pin], roles: Iterable[Role]) -> None:
    """Raises where a PIN is missing, or could never be one: before the card sees anything."""
    for role in roles:
        if role not in pins:
            raise NewPinNeeded(role=role)
        files = profile.jpki.roles.get(role)
        if files is not None:
            refuse_bad_form(role, files.pin, pins[role])


def _present(session: IssuerSession, roles: Iterable[Role] | None) -> frozenset[Role]:
    """Returns the roles asked for, all of them on the card; raises NoCertificate."""
    present = session.jpki.certificates_present()
    for role in () if roles is None else roles:
        if role not in present:
            raise NoCertificate(role=role)
    return present if roles is None else frozenset(roles)


def _granted(decisions: Decisions, asked: frozenset[Role]) -> tuple[Role, ...]:
    """Returns the roles of those asked for that the rules give; raises NotEntitled where they give none."""
    granted = tuple(role for role in _ROLES if role in asked and isinstance(decisions.of(role), Certifiable))
    if not granted:
        refusal = next(one for one in _refusals(decisions) if one.role in asked)
        raise NotEntitled(role=refusal.role, reasons=refusal.reasons)
    return granted


def _union(one: Iterable[Role], other: Iterable[Role]) -> tuple[Role, ...]:
    both = {*one, *other}
    return tuple(role for role in _ROLES if role in both)


def _refusals(decisions: Decisions) -> tuple[Refusal, ...]:
    both = (decisions.signature, decisions.authentication)
    return tuple(one for one in both if isinstance(one, Refusal))


def _expiry(decisions: Decisions) -> date:
    if decisions.card_expiry is None:
        raise ValueError("a card without a last day")
    return decisions.card_expiry
