"""Joins card and authority: a blank card becomes a resident's, is renewed, and gets new PINs; every job in a ledger."""

from .desk import Delivered, IssuanceDesk
from .errors import (
    CardExpired,
    CardFinished,
    CardOfAnother,
    CardUnfinished,
    CardUnknown,
    IssuanceError,
    JobLost,
    NewPinNeeded,
)
from .job import Step, Watch

__all__ = [
    "CardExpired",
    "CardFinished",
    "CardOfAnother",
    "CardUnfinished",
    "CardUnknown",
    "Delivered",
    "IssuanceDesk",
    "IssuanceError",
    "JobLost",
    "NewPinNeeded",
    "Step",
    "Watch",
]
