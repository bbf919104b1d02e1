"""The life of a certificate: a table of events, an engine that says what each of them does, and a feed of them."""

from .applying import AppliedEvent, apply_event
from .claims import end_of_claim
from .engine import Carrier, HolderCertificate, LifeAction, LifeChange, LifeOutcome, outcome_of
from .errors import (
    BadEventFact,
    BadLifeEvent,
    CardOfAnother,
    CertificateOutlivesCard,
    EventBeforeCertificate,
    EventChanged,
    EventForTheDead,
    EventInFuture,
    EventOutOfOrder,
    LifeEventRefused,
    NothingHeld,
    UnknownEventKind,
    UnknownPerson,
)
from .events import LifeEvent, PersonHistory
from .feed import FeedLine, read_life_events
from .table import OURS, Cell, Fact, Fate, Later, LifeEffect, LifePolicy, LifeRow, LifeTable, Reporter, Since
from .table_file import load_life_table, parse_life_table

__all__ = [
    "OURS",
    "AppliedEvent",
    "BadEventFact",
    "BadLifeEvent",
    "CardOfAnother",
    "Carrier",
    "Cell",
    "CertificateOutlivesCard",
    "EventBeforeCertificate",
    "EventChanged",
    "EventForTheDead",
    "EventInFuture",
    "EventOutOfOrder",
    "Fact",
    "Fate",
    "FeedLine",
    "HolderCertificate",
    "Later",
    "LifeAction",
    "LifeChange",
    "LifeEffect",
    "LifeEvent",
    "LifeEventRefused",
    "LifeOutcome",
    "LifePolicy",
    "LifeRow",
    "LifeTable",
    "NothingHeld",
    "PersonHistory",
    "Reporter",
    "Since",
    "UnknownEventKind",
    "UnknownPerson",
    "apply_event",
    "end_of_claim",
    "load_life_table",
    "outcome_of",
    "parse_life_table",
    "read_life_events",
]
