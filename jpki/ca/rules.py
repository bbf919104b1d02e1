"""Who gets which certificate, with which contents and for how long.

A record either becomes certificates, or goes back to a person with reasons; both are answers here, not errors.
Source: docs/rules.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import lru_cache

from jpki.terms import BirthDate, FourAttributes, Role, day_in_japan, end_of_day_in_japan

from .characters import (
    NameFormats,
    Written,
    can_stand_in,
    characters_of,
    compose,
    joined,
    repertoire,
    write,
    write_name,
)
from .periods import age_on, birthday_after, first_day_of_renewal, new_card_expiry
from .residents import Resident

__all__ = ["Certifiable", "Decision", "Decisions", "Notice", "NoticeKind", "Reason", "Refusal", "decide"]

_SIGNING_AGE = 15
_LONGEST_ADDRESS = 200  # characters as written
_NOTHING_BEFORE: Mapping[Role, datetime] = {}
# A batch has one moment, and meets the same days again and again.
_day = lru_cache(maxsize=64)(day_in_japan)
_last_second = lru_cache(maxsize=4096)(end_of_day_in_japan)


class Reason(Enum):
    """Why there is no certificate."""

    UNDER_15 = "under 15"
    ADULT_WARD = "adult ward"  # 成年被後見人
    BIRTH_DATE_UNKNOWN = "birth date unknown"
    BIRTH_DATE_IN_FUTURE = "birth date in the future"
    STAY_ENDED = "stay ended"
    CARD_EXPIRED = "card expired"
    NAME_NOT_WRITABLE = "name not writable"
    NAME_NOT_DIVIDED = "name not divided"  # a former name stands between family and given name
    FORMER_NAME_NOT_WRITABLE = "former name not writable"
    ALIAS_NOT_WRITABLE = "alias not writable"
    FORMER_NAME_AND_ALIAS = "former name and alias"  # the first is for nationals, the second for foreign residents
    ADDRESS_NOT_WRITABLE = "address not writable"
    ADDRESS_TOO_LONG = "address too long"
    SUBSTITUTE_NOT_WRITABLE = "substitute not writable"

    @property
    def back_to_a_person(self) -> bool:
        """Returns whether somebody has to look at the record; False where the rule is simply so."""
        return self not in (Reason.UNDER_15, Reason.ADULT_WARD)


class NoticeKind(Enum):
    """What the desk should know of a record that became certificates."""

    SUBSTITUTE_NOT_NEEDED = "substitute not needed"  # the character is in the repertoire and stays
    SUBSTITUTE_NOT_USED = "substitute not used"  # the character is in none of the texts


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice about the substitute asked for at `position`, counted from 1; it names no character of the person."""

    kind: NoticeKind
    position: int


@dataclass(frozen=True, slots=True)
class Certifiable:
    """The certificate of one role can be issued: its last second, in UTC, and what it says of the holder.

    `attributes` are those of a signature certificate; an authentication certificate holds none.
    """

    role: Role
    not_after: datetime
    attributes: FourAttributes | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """There is no certificate of one role."""

    role: Role
    reasons: tuple[Reason, ...]

    @property
    def back_to_a_person(self) -> bool:
        """Returns whether somebody has to look at the record."""
        return any(reason.back_to_a_person for reason in self.reasons)


Decision = Certifiable | Refusal


@dataclass(frozen=True, slots=True)
class Decisions:
    """What one resident gets: a decision per role, the card's last day (None where it cannot be told), notices."""

    signature: Decision
    authentication: Decision
    card_expiry: date | None
    notices: tuple[Notice, ...]

    def of(self, role: Role) -> Decision:
        """Returns the decision on one role."""
        return self.signature if role is Role.SIGNATURE else self.authentication

    @property
    def back_to_a_person(self) -> bool:
        """Returns whether the record goes back to a person; then there is no certificate of either role."""
        return isinstance(self.authentication, Refusal) and self.authentication.back_to_a_person


def decide(
    resident: Resident,
    at: datetime,
    *,
    card_expiry: date | None = None,
    previous_not_after: Mapping[Role, datetime] = _NOTHING_BEFORE,
    name_formats: NameFormats | None = None,
) -> Decisions:
    """Returns what a resident gets at a moment, which must carry a time zone (ValueError otherwise).

    `card_expiry` is the last day stored on the card in hand; without it a new card is meant. `previous_not_after`
    holds, by role, the end of the certificate that is being renewed. `name_formats` stands in for those of the
    certificate profile. Source: docs/rules.md
    """
    day = _day(at)
    expiry, reasons = _card(resident, day, card_expiry)
    attributes, unwritable, notices = _attributes(resident, name_formats)
    reasons += unwritable
    birth = resident.birth_date
    if reasons or attributes is None or birth is None or expiry is None:
        why = tuple(reasons)
        return Decisions(Refusal(Role.SIGNATURE, why), Refusal(Role.AUTHENTICATION, why), expiry, notices)
    signing_ends = min(_last_day(day, birth, previous_not_after.get(Role.SIGNATURE)), expiry)
    logging_in_ends = signing_ends
    if previous_not_after:
        logging_in_ends = min(_last_day(day, birth, previous_not_after.get(Role.AUTHENTICATION)), expiry)
    barred = _barred_from_signing(resident, day, birth)
    signature = Refusal(Role.SIGNATURE, barred) if barred else _certifiable(Role.SIGNATURE, signing_ends, attributes)
    return Decisions(signature, _certifiable(Role.AUTHENTICATION, logging_in_ends, None), expiry, notices)


def _certifiable(role: Role, last_day: date, attributes: FourAttributes | None) -> Certifiable:
    return Certifiable(role, _last_second(last_day), attributes)


def _last_day(day: date, birth: date, previous: datetime | None) -> date:
    """Returns the fifth birthday after `day`; the sixth for a renewal with less than three months left."""
    if previous is None:
        return birthday_after(day, birth, 5)
    expiry = day_in_japan(previous)
    return birthday_after(day, birth, 6 if first_day_of_renewal(expiry) <= day <= expiry else 5)


def _barred_from_signing(resident: Resident, day: date, birth: date) -> tuple[Reason, ...]:
    """Returns why a person has no signature certificate although nothing is wrong with the record."""
    under_age = (Reason.UNDER_15,) if age_on(day, birth) < _SIGNING_AGE else ()
    return (*under_age, Reason.ADULT_WARD) if resident.adult_ward else under_age


def _card(resident: Resident, day: date, stored: date | None) -> tuple[date | None, list[Reason]]:
    """Returns the last day of the card, stored or to be made, and what bars a card and its certificates altogether."""
    birth, stay = resident.birth_date, resident.residence_expiry
    reasons = []
    if birth is None:
        reasons.append(Reason.BIRTH_DATE_UNKNOWN)
    elif birth > day:
        reasons.append(Reason.BIRTH_DATE_IN_FUTURE)
    if stay is not None and stay < day:
        reasons.append(Reason.STAY_ENDED)
    if stored is not None and stored < day:
        reasons.append(Reason.CARD_EXPIRED)
    if stored is not None:
        return (stored if stay is None else min(stored, stay)), reasons
    if birth is None or birth > day:
        return None, reasons
    return new_card_expiry(day, birth, stay), reasons


def _attributes(
    resident: Resident, formats: NameFormats | None
) -> tuple[FourAttributes | None, list[Reason], tuple[Notice, ...]]:
    """Returns the four attributes as written, or None and the reasons; and the notices."""
    wishes, reasons, notices = _wishes(resident) if resident.substitutes else ({}, [], ())
    name = _name(resident, wishes, formats)
    if isinstance(name, Reason):
        reasons.append(name)
    address = write(resident.address, wishes)
    if address is None:
        reasons.append(Reason.ADDRESS_NOT_WRITABLE)
    elif len(address.text) > _LONGEST_ADDRESS:
        reasons.append(Reason.ADDRESS_TOO_LONG)
    if reasons or isinstance(name, Reason) or address is None or resident.birth_date is None:
        return None, reasons, notices
    birth_date = BirthDate.of(resident.birth_date)
    attributes = FourAttributes(name.text, name.flags, address.text, address.flags, birth_date, resident.sex)
    return attributes, reasons, notices


def _wishes(resident: Resident) -> tuple[dict[str, str], list[Reason], tuple[Notice, ...]]:
    """Returns the substitutes to use of those asked for, what is wrong with the others, and what is done without."""
    texts = (resident.name, resident.former_name, resident.alias, resident.address)
    present = {character for text in texts for character, _ in characters_of(text)}
    wishes: dict[str, str] = {}
    reasons: list[Reason] = []
    notices = []
    for position, (character, substitute) in enumerate(resident.substitutes, 1):
        if character in repertoire():
            notices.append(Notice(NoticeKind.SUBSTITUTE_NOT_NEEDED, position))
        elif character not in present:
            notices.append(Notice(NoticeKind.SUBSTITUTE_NOT_USED, position))
        elif can_stand_in(substitute):
            wishes[character] = substitute
        else:
            reasons = [Reason.SUBSTITUTE_NOT_WRITABLE]
    return wishes, reasons, tuple(notices)


def _name(resident: Resident, wishes: Mapping[str, str], formats: NameFormats | None) -> Written | Reason:
    """Returns the whole name as written, with a former name or an alias, or why it cannot be."""
    if not resident.former_name and not resident.alias and repertoire().issuperset(resident.name):
        return Written(resident.name, "0" * len(resident.name))
    parts = write_name(resident.name, resident.furigana, wishes)
    if parts is None:
        return Reason.NAME_NOT_WRITABLE
    if resident.former_name and resident.alias:
        return Reason.FORMER_NAME_AND_ALIAS
    formats = formats or NameFormats.of_profile()
    if resident.former_name:
        return _with_former_name(parts, write(resident.former_name, wishes), formats)
    if not resident.alias:
        return joined(parts)
    alias = write(resident.alias, wishes)
    return Reason.ALIAS_NOT_WRITABLE if alias is None else compose(formats.alias, name=joined(parts), alias=alias)


def _with_former_name(parts: tuple[Written, ...], former: Written | None, formats: NameFormats) -> Written | Reason:
    """Returns family, former and given name; the family name ends at the first full-width space, else at any."""
    if former is None:
        return Reason.FORMER_NAME_NOT_WRITABLE
    spaces = range(1, len(parts), 2)
    space = next((index for index in spaces if "\u3000" in parts[index].text), 1)
    if space >= len(parts):
        return Reason.NAME_NOT_DIVIDED
    family, given = joined(parts[:space]), joined(parts[space + 1 :])
    return compose(formats.former_name, family=family, former=former, given=given)
