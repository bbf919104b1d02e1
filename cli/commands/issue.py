"""`jpki issue`: one resident onto one card; a renewal; a replacement."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jpki.terms import Pin, Role

from ..authorities import (
    AuthorityChoice,
    known_card_expiry,
    left_out_facts,
    notice_facts,
    signing_options,
)
from ..card_login import ask_new_pin, ask_pin, last_try_option, pin_name, pin_policy
from ..cards import DEFAULT_PROFILE, CardChoice, OpenedCard, card_options, open_chosen_card
from ..catalogue import error_words, words
from ..console import say
from ..errors import BadValue
from ..exits import ExitCode, exit_code_of
from ..facts import attribute_facts
from ..frame import command, option
from ..language import Language
from ..moments import now
from ..pins import SecretSource, pin_options, pin_variable, refuse_without_terminal
from ..report import Advice, Report
from ..residents import find_resident, resident_arguments
from ..stopping import interruption_told_as
from ..values import Word

if TYPE_CHECKING:
    from card_profiles import CardProfile
    from jpki.ca import Authority, Certifiable, CertificateStatus, IssueRefused, Occasion, Resident
    from jpki.issuance import Delivered, IssuanceDesk, Step

__all__ = ["issue", "profile_of", "step_words"]

_BOTH = "both"


@command("issue")
@resident_arguments
@option("--renew", is_flag=True)
@option("--replace", is_flag=True, variant="card")
@option("--role", type=click.Choice(["sign", "auth", _BOTH]), default=_BOTH, variant="issue")
@option("--dry-run", is_flag=True)
@pin_options
@last_try_option
@card_options
@signing_options
def issue(
    choice: AuthorityChoice,
    card: CardChoice,
    *,
    residents: Path,
    resident_id: str,
    renew: bool,
    replace: bool,
    role: str,
    dry_run: bool,
    pin_fd: int | None,
    pin_file: Path | None,
    allow_last_try: bool,
) -> Report:
    """Makes a blank card a resident's, or gives a finished one new certificates; taken up where it was interrupted."""
    from jpki.ca import Occasion

    if renew and replace:
        raise BadValue(parameter="--renew, --replace", problem="both were given")
    occasion = Occasion.RENEWAL if renew else Occasion.REPLACEMENT if replace else Occasion.FIRST
    roles = None if role == _BOTH else (Role.from_short(role),)
    resident = find_resident(residents, resident_id)
    if dry_run:
        with choice.answering() as authority:
            return _foreseen(authority, resident, roles, occasion)
    asking = _Asking(pin_fd, pin_file, allow_last_try)
    with choice.signing() as authority, open_chosen_card(card) as opened, interruption_told_as("issue"):
        work = _Work(authority, opened, profile_of(opened, card), resident, asking)
        delivered = work.done(occasion, roles)
        statuses = [authority.chain(name, now()).certificate for name in delivered.certificates]
        facts = _facts(opened, occasion, delivered, statuses, repeated=work.repeated)
    if work.repeated:
        advice = Advice(words("prompts", "issued.before", holder=delivered.holder))
    elif occasion is Occasion.FIRST or all(one.predecessor is None for one in statuses):
        advice = Advice(words("prompts", "issued.card"), card.command("jpki card sign FILE"))
    else:
        advice = Advice(words("prompts", "issued.card.replaced"), choice.command("jpki ca crl --out FOLDER"))
    return Report("card-issue", facts, advice=(advice,))


def profile_of(opened: OpenedCard, card: CardChoice) -> CardProfile:
    """Returns the profile of a card, which a blank one in a reader cannot tell: then the one named, or the default."""
    from card_profiles import load_profile
    from jpki.card import UnknownToken

    try:
        return opened.kind()
    except UnknownToken as unknown:
        if unknown.label:
            raise
    opened.profile = load_profile(card.profile or DEFAULT_PROFILE)
    return opened.profile


def step_words(step: Step, role: Role | None) -> str:
    """Returns what was just done to the card, as people are told it."""
    done = words("prompts", f"step.{step.name}")
    return words("prompts", "step", done=done) if role is None else words("prompts", "step.of", done=done, role=role)


def _tell(step: Step, role: Role | None) -> None:
    say(step_words(step, role))


class _Asking:
    """Where the PINs of a piece of work come from; those that a file or descriptor holds stand one on each line."""

    def __init__(self, fd: int | None, file: Path | None, allow_last_try: bool) -> None:
        self._fd = fd
        self._file = file
        self.allow_last_try = allow_last_try

    def sources(self, roles: tuple[Role, ...], *, new: bool) -> Mapping[Role, SecretSource]:
        """Returns one source for each role; raises NoSecret where one of them would have to ask nobody."""
        found = {
            role: SecretSource(pin_variable(role), self._fd, self._file, line=line)
            for line, role in enumerate(roles, 1)
        }
        for role, source in found.items():
            refuse_without_terminal(source, pin_name(role, new=new))
        return found


class _Work:
    """One resident, one card and the desk; PINs are asked for when it is known that they are needed."""

    def __init__(
        self, authority: Authority, opened: OpenedCard, profile: CardProfile, resident: Resident, asking: _Asking
    ) -> None:
        from jpki.issuance import IssuanceDesk

        self._desk: IssuanceDesk = IssuanceDesk(authority, secrets.token_bytes, _tell)
        self._opened = opened
        self._profile = profile
        self._resident = resident
        self._asking = asking
        # Whether the card was finished before, so that nothing was left to do.
        self.repeated = False

    def done(self, occasion: Occasion, roles: tuple[Role, ...] | None) -> Delivered:
        """Does the work; `roles` None are all that the rules give, or that a finished card has."""
        if occasion.value == "renewal" or (
            occasion.value == "replacement" and self._desk.finished(self._opened.card, self._profile)
        ):
            return self._renew(occasion, roles)
        return self._issue(occasion, tuple(Role) if roles is None else roles)

    def _issue(self, occasion: Occasion, roles: tuple[Role, ...]) -> Delivered:
        from jpki.ca import AlreadyCertified

        try:
            granted = self._desk.check(self._resident, now(), roles=roles, occasion=occasion)
        except AlreadyCertified:
            if (done := self._delivered(roles)) is None:
                raise
            self.repeated = True
            return done
        pins: dict[Role, Pin] = {}
        for role, source in self._asking.sources(granted, new=True).items():
            pins[role] = ask_new_pin(role, source, pin_policy(self._profile, role))
        return self._desk.issue(
            self._opened.card, self._profile, self._resident, pins, now(), roles=roles, occasion=occasion
        )

    def _delivered(self, roles: tuple[Role, ...]) -> Delivered | None:
        from jpki.errors import CardError

        try:
            return self._desk.delivered(self._opened.card, self._profile, self._resident, now(), roles=roles)
        except CardError:
            return None  # not a card of this desk: that the resident has a certificate is what there is to say

    def _renew(self, occasion: Occasion, roles: tuple[Role, ...] | None) -> Delivered:
        from jpki.card import NoCertificate

        with self._opened.session() as jpki:
            present = jpki.certificates_present()
        served = tuple(role for role in Role if role in (present if roles is None else roles))
        if not served:
            raise NoCertificate(role=Role.SIGNATURE)
        self._desk.check(self._resident, now(), roles=served, occasion=occasion)
        last_try = self._asking.allow_last_try
        pins: dict[Role, Pin] = {}
        for role, source in self._asking.sources(served, new=False).items():
            pins[role] = ask_pin(self._opened, role, source, allow_last_try=last_try).pin
        return self._desk.renew(
            self._opened.card,
            self._profile,
            self._resident,
            pins,
            now(),
            roles=roles,
            occasion=occasion,
            allow_last_try=last_try,
        )


def _facts(
    opened: OpenedCard,
    occasion: Occasion,
    delivered: Delivered,
    statuses: list[CertificateStatus],
    *,
    repeated: bool,
) -> dict[str, object]:
    return {
        "card": opened.name,
        "card_serial": delivered.card,
        "holder": delivered.holder,
        "occasion": Word(occasion.value, of="occasion"),
        "card_expiry": delivered.card_expiry,
        "certificates": [
            {"name": one.name, "not_after": one.not_after, "predecessor": one.predecessor} for one in statuses
        ],
        "repeated": repeated,
        "left_out": left_out_facts(delivered.left_out),
        "notices": notice_facts(delivered.notices),
    }


def _foreseen(authority: Authority, resident: Resident, asked: tuple[Role, ...] | None, occasion: Occasion) -> Report:
    """Returns what would be issued, nothing touched: neither a card nor the store.

    It ends with the exit code of the refusal that `jpki issue` would end with.
    """
    from jpki.ca import Occasion, decide

    at = now()
    roles = tuple(Role) if asked is None else asked
    if asked is None and occasion is Occasion.RENEWAL:
        # What the card will say: only those that there are can be renewed.
        listed = authority.list_certificates(at, holder=resident.resident_id)
        roles = tuple(role for role in Role if any(one.name.authority is role for one in listed)) or roles
    known = None if occasion is Occasion.FIRST else known_card_expiry(authority, resident.resident_id, at)
    decisions = decide(resident, at, card_expiry=known)
    outcome = authority.foresee(resident, roles, at, occasion=occasion, card_expiry=known)
    facts = {
        "holder": resident.resident_id,
        "occasion": Word(occasion.value, of="occasion"),
        "card_expiry": decisions.card_expiry,
        "certificates": [_foreseen_certificate(role, found) for role, found in outcome.items()],
        "notices": notice_facts(decisions.notices),
    }
    return Report("card-issue-foreseen", facts, exit_code=_refusal(authority, resident, at, roles, occasion))


def _refusal(
    authority: Authority, resident: Resident, at: datetime, roles: tuple[Role, ...], occasion: Occasion
) -> ExitCode:
    """Returns the exit code with which the desk would refuse the work, or that of success."""
    from jpki.errors import AuthorityError
    from jpki.issuance import IssuanceDesk

    try:
        IssuanceDesk(authority, secrets.token_bytes).check(resident, at, roles=roles, occasion=occasion)
    except AuthorityError as refused:
        return exit_code_of(refused)
    return ExitCode.OK


def _foreseen_certificate(role: Role, found: Certifiable | IssueRefused) -> dict[str, object]:
    from jpki.ca import IssueRefused

    if isinstance(found, IssueRefused):
        said = {language.value: error_words(found, language).what for language in Language}
        refusal: object = Word(type(found).__name__, said=said)
        return {"role": role, "granted": False, "refusal": refusal, "not_after": None, "attributes": None}
    attributes = None if found.attributes is None else attribute_facts(found.attributes)
    return {
        "role": role,
        "granted": True,
        "refusal": None,
        "not_after": found.not_after,
        "attributes": attributes,
    }
