"""What can go wrong with the authority's store.

AuthorityError
└── StoreError(store, problem)          the store cannot be used, or could not keep what it was given
    ├── NoStore(store)                  there is no such file or database
    ├── StoreExists(store)              there is one already, and it was to be made
    ├── ForeignStore(store)             a file or database that is not a store of this toolkit
    ├── StoreTooNew(store, found, known)    made by a later version of this toolkit
    ├── StoreDamaged(store, problem)    a file that was cut short or altered
    ├── StoreBusy(store, seconds)       another program held it for longer than this
    ├── StoreFull(store)                no space left; nothing of the transaction was kept
    ├── StoreReadOnly(store)            may not be written
    ├── StoreGone(store, problem)       the server does not answer, or the connection to it ended
    ├── StoreDenied(store, problem)     the server lets nobody in by this name, or does not let it do this
    └── StoreConflict(store, what)      two writers wanted what only one can have; nothing of the transaction was kept
BadInput
└── BadStoreUrl(problem)                a store is named in a way that cannot be used
"""

from __future__ import annotations

from jpki.errors import AuthorityError, BadInput

__all__ = [
    "BadStoreUrl",
    "ForeignStore",
    "NoStore",
    "StoreBusy",
    "StoreConflict",
    "StoreDamaged",
    "StoreDenied",
    "StoreError",
    "StoreExists",
    "StoreFull",
    "StoreGone",
    "StoreReadOnly",
    "StoreTooNew",
]


class BadStoreUrl(BadInput):
    """Says why a store's address cannot be used. The address itself is left out: it may hold a password."""

    def __init__(self, *, problem: str) -> None:
        super().__init__()
        self.problem = problem


class StoreError(AuthorityError):
    """Says that a store (`store`: its file, or its address) cannot be used, and why in a few English words."""

    def __init__(self, *, store: str, problem: str = "") -> None:
        super().__init__()
        self.store = store
        if problem:
            self.problem = problem


class NoStore(StoreError):
    """Says that there is no store at this place."""


class StoreExists(StoreError):
    """Says that there is a store at this place already."""


class ForeignStore(StoreError):
    """Says that a file or database is not a store of this toolkit."""


class StoreTooNew(StoreError):
    """Says that a later version of this toolkit made the store: its schema `found` is not among the `known` ones."""

    def __init__(self, *, store: str, found: str, known: str) -> None:
        super().__init__(store=store)
        self.found = found
        self.known = known


class StoreDamaged(StoreError):
    """Says that the store's file was cut short or altered."""


class StoreBusy(StoreError):
    """Says that others held what was wanted for longer than `seconds`, or that each waited for the other.

    Nothing was kept; the same once more is safe.
    """

    def __init__(self, *, store: str, seconds: float) -> None:
        super().__init__(store=store)
        self.seconds = seconds


class StoreFull(StoreError):
    """Says that there is no space left for the store; nothing of the transaction was kept."""


class StoreReadOnly(StoreError):
    """Says that the store may not be written."""


class StoreGone(StoreError):
    """Says that the database's server does not answer, or that the connection ended.

    Where it ended while a transaction was being committed, that transaction may be kept or not.
    """


class StoreDenied(StoreError):
    """Says that the server refuses this role, or what it wants to do; `problem` is what the server said."""


class StoreConflict(StoreError):
    """Says that two writers wanted what only one can have (`what`: table and columns); nothing was kept."""

    def __init__(self, *, store: str, what: str) -> None:
        super().__init__(store=store)
        self.what = what
