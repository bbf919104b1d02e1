"""The life of a certificate as values: what each event does to each certificate, and where that is known from.

Source: docs/life-events.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from jpki.formats import RevocationReason
from jpki.terms import Role

__all__ = [
    "OURS",
    "Cell",
    "Fact",
    "Fate",
    "Later",
    "LifeEffect",
    "LifePolicy",
    "LifeRow",
    "LifeTable",
    "Reporter",
    "Since",
]

T = TypeVar("T")

OURS = "ours"  # stands among the sources of a cell where we chose


class Reporter(Enum):
    """Who an event is known from."""

    REGISTER = "register"  # 住民票
    CARD = "card"
    HOLDER = "holder"
    AUTHORITY = "authority"


class LifeEffect(Enum):
    """What an event does to a certificate.

    RELEASE ends a hold where the policy lets it end, and otherwise revokes what is held. EXPIRE does nothing: the
    certificate has ended by itself by then. SUPERSEDE revokes all but the newest that is confirmed.
    """

    NOTHING = "nothing"
    REVOKE = "revoke"
    HOLD = "hold"
    RELEASE = "release"
    EXPIRE = "expire"
    SUPERSEDE = "supersede"


class Since(Enum):
    """From when on an event counts; a day begins at 00:00:00 in Japan and ends at 23:59:59."""

    MOMENT = "moment"  # the event's own; where only its day is known, the beginning of it
    DEPARTURE = "departure"  # the beginning of the day of leaving Japan
    END_OF_DAY = "end of day"  # the last second of the event's day


class Later(Enum):
    """What an event does to a certificate that was issued after it, where it ends or holds those issued before it."""

    STAYS = "stays"  # it says the new content already
    AS_THE_OTHERS = "as the others"  # who has no claim any more had none then: it ends with its own beginning
    ON_ITS_CARD = "if on its card"  # the same, on the card that the event names; else the event is refused
    REFUSED = "refused"


class Fact(Enum):
    """What an event may say besides who, what and when."""

    DEPARTURE = "departure"
    CARD = "card"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Cell(Generic[T]):
    """A value of the table and its sources: names that the table declares, or OURS."""

    value: T
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fate:
    """What an event does to the certificates of one role.

    `reason` is why they are revoked or held (for RELEASE: why they are revoked if their hold cannot end), `undone_by`
    the kind of event that can take the effect back, or None in the cell where nothing can; both are None where nothing
    is done to them.
    """

    effect: Cell[LifeEffect]
    reason: Cell[RevocationReason] | None
    undone_by: Cell[str | None] | None


@dataclass(frozen=True, slots=True)
class LifeRow:
    """One kind of event: its names by language, what else it needs to say or may say, its effects and what follows.

    `later` is what becomes of certificates issued after it. `follows` names sentences of the table; `note` tells by
    language where sources differ, and is empty where they do not.
    """

    kind: str
    names: Mapping[str, str]
    reporter: Reporter
    needs: frozenset[Fact]
    takes: frozenset[Fact]
    since: Cell[Since]
    later: Cell[Later]
    follows: Cell[tuple[str, ...]]
    fates: Mapping[Role, Fate]
    note: Mapping[str, str]

    @property
    def ends_claim(self) -> bool:
        """Returns whether the person has no claim to any certificate after it."""
        return self.later.value is Later.AS_THE_OTHERS


@dataclass(frozen=True, slots=True)
class LifePolicy:
    """Whether a hold can end with the certificate valid again; sources differ, so an operator may choose."""

    authentication_hold_can_end: bool = True
    signature_hold_can_end: bool = False

    def hold_can_end(self, role: Role) -> bool:
        """Returns whether a hold of a certificate of this role can end."""
        return self.signature_hold_can_end if role is Role.SIGNATURE else self.authentication_hold_can_end


@dataclass(frozen=True, slots=True)
class LifeTable:
    """All events of a certificate's life, by kind, with the rules for all of them.

    `sources` and `follows` are the names that cells use, with what they stand for by language. `hold_can_end` is the
    policy by role, `phone` who shares the fate of the card's certificate, `last` the events that nothing follows,
    `again` those after which a person whose claim had ended has one again, each with its sources; `notes` tells by rule
    and language where sources differ.
    """

    rows: Mapping[str, LifeRow]
    sources: Mapping[str, Mapping[str, str]]
    follows: Mapping[str, Mapping[str, str]]
    hold_can_end: Mapping[Role, Cell[bool]]
    phone: Cell[str]
    last: Cell[tuple[str, ...]]
    again: Cell[tuple[str, ...]]
    notes: Mapping[str, Mapping[str, str]]

    @property
    def policy(self) -> LifePolicy:
        """Returns the policy that holds unless another is chosen."""
        return LifePolicy(self.hold_can_end[Role.AUTHENTICATION].value, self.hold_can_end[Role.SIGNATURE].value)
