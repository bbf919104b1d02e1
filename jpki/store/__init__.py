"""The authority's memory: engine, tables, statements, transactions, migrations. Plain frozen values in and out."""

from .errors import (
    BadStoreUrl,
    ForeignStore,
    NoStore,
    StoreBusy,
    StoreConflict,
    StoreDamaged,
    StoreError,
    StoreExists,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
)
from .ledger import StoredCard, StoredJob
from .reading import StoreReading
from .relying import RelyingStore, StoredChallenge
from .store import NEWEST_SCHEMA, Store
from .values import (
    CertificateState,
    Intent,
    ListEntry,
    NewCertificate,
    PublishedList,
    StoredAuthorityKey,
    StoredCertificate,
    StoredRevocation,
)
from .writing import StoreWriting

__all__ = [
    "NEWEST_SCHEMA",
    "BadStoreUrl",
    "CertificateState",
    "ForeignStore",
    "Intent",
    "ListEntry",
    "NewCertificate",
    "NoStore",
    "PublishedList",
    "RelyingStore",
    "Store",
    "StoreBusy",
    "StoreConflict",
    "StoreDamaged",
    "StoreError",
    "StoreExists",
    "StoreFull",
    "StoreReadOnly",
    "StoreReading",
    "StoreTooNew",
    "StoreWriting",
    "StoredAuthorityKey",
    "StoredCard",
    "StoredCertificate",
    "StoredChallenge",
    "StoredJob",
    "StoredRevocation",
]
