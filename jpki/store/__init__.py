"""The authority's memory: engine, tables, statements, transactions, migrations. Plain frozen values in and out."""

from .address import full_address
from .audit import FIRST_DIGEST, AuditEntry, ChainHead, canonical, digest_after, entry_id, entry_of
from .audited import AUDITED, AuditedRow
from .errors import (
    BadStoreUrl,
    ForeignStore,
    NoStore,
    StoreBusy,
    StoreConflict,
    StoreDamaged,
    StoreDenied,
    StoreError,
    StoreExists,
    StoreFull,
    StoreGone,
    StoreReadOnly,
    StoreTooNew,
)
from .holds import Holdable, NamedStates, told_holds
from .ledger import StoredCard, StoredJob
from .reading import StoreReading
from .relying import RelyingStore, StoredChallenge
from .standing import Sequences
from .statuses import NumberStatus, Statuses, StatusesAt
from .store import NEWEST_SCHEMA, Store
from .told import Told, told, told_in
from .trail import AuditChain, SealRow
from .values import (
    CertificateState,
    Intent,
    ListBlock,
    NewCertificate,
    PublishedList,
    Scope,
    StoredAuthorityKey,
    StoredCertificate,
    StoredEvent,
    StoredPoint,
    StoredResponder,
    StoredRevocation,
)
from .watched import StoredCopy
from .writing import StoreWriting

__all__ = [
    "AUDITED",
    "FIRST_DIGEST",
    "NEWEST_SCHEMA",
    "AuditChain",
    "AuditEntry",
    "AuditedRow",
    "BadStoreUrl",
    "CertificateState",
    "ChainHead",
    "ForeignStore",
    "Holdable",
    "Intent",
    "ListBlock",
    "NamedStates",
    "NewCertificate",
    "NoStore",
    "NumberStatus",
    "PublishedList",
    "RelyingStore",
    "Scope",
    "SealRow",
    "Sequences",
    "Statuses",
    "StatusesAt",
    "Store",
    "StoreBusy",
    "StoreConflict",
    "StoreDamaged",
    "StoreDenied",
    "StoreError",
    "StoreExists",
    "StoreFull",
    "StoreGone",
    "StoreReadOnly",
    "StoreReading",
    "StoreTooNew",
    "StoreWriting",
    "StoredAuthorityKey",
    "StoredCard",
    "StoredCertificate",
    "StoredChallenge",
    "StoredCopy",
    "StoredEvent",
    "StoredJob",
    "StoredPoint",
    "StoredResponder",
    "StoredRevocation",
    "Told",
    "canonical",
    "digest_after",
    "entry_id",
    "entry_of",
    "full_address",
    "told",
    "told_holds",
    "told_in",
]
