"""The authority's service over HTTP: OCSP, revocation lists, and figures for those who watch it."""

from .answering import Answer, Responder
from .application import Application
from .connection import Limits
from .errors import AddressRefused, AddressTaken, ServiceError, WorkerLost
from .freshness import LOOK_EVERY, STALE_AFTER, Freshness
from .journal import Journal
from .mark import ServiceMark
from .ocsp_desk import MAX_AGE
from .running import listening_sockets, run_worker, run_workers
from .tally import Count, Tally

__all__ = [
    "LOOK_EVERY",
    "MAX_AGE",
    "STALE_AFTER",
    "AddressRefused",
    "AddressTaken",
    "Answer",
    "Application",
    "Count",
    "Freshness",
    "Journal",
    "Limits",
    "Responder",
    "ServiceError",
    "ServiceMark",
    "Tally",
    "WorkerLost",
    "listening_sockets",
    "run_worker",
    "run_workers",
]
