"""Stores of millions of certificates, some of them revoked: made by the database itself, without a signature.

    make(authority, certificates=10_000_000, revocations=1_000_000)

The rows are those of signature certificates, one to a person, spread over municipalities; what stands for a certificate
is as long as one and says nothing. Revocations are of every so many-th of them, oldest first.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from jpki.ca import Authority
from jpki.formats import Name, RevocationReason, encode_revoked
from jpki.store import StoredAuthorityKey
from jpki.terms import Role

__all__ = ["MUNICIPALITIES", "enough_room", "make"]

MUNICIPALITIES = 1_900
_ROLE = Role.SIGNATURE
_CODE = 1  # of that authority in the tables
_OCTETS = 1_200  # of a certificate
_ROOM = 20 * 10**9

_FAST = ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -500000")
_RISING = (
    "CREATE TEMP TABLE rising (n INTEGER PRIMARY KEY)",
    "INSERT INTO rising WITH RECURSIVE up(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM up WHERE n + 1 < :count)"
    " SELECT n FROM up",
)
# Made again when all rows are there: sorted once, and not kept sorted meanwhile.
_INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'revocation' AND sql IS NOT NULL"
_CERTIFICATES = """
INSERT INTO certificate (id, holder, authority, ordinal, issuer, municipality, point, not_before, not_after, key_hash,
                         submission)
SELECT :first + n, printf('P%09d', n), :code, 1, :issuer, printf('%05d', :point + n % :points), :point + n % :points,
       :not_before, :not_after, CAST(printf('%032d', n) AS BLOB), x'00112233445566778899AABBCCDDEEFF'
FROM rising"""
_PLACES = """
INSERT INTO holder_certificate (holder, authority, ordinal, certificate)
SELECT printf('P%09d', n), :code, 1, :first + n FROM rising"""
_KEYS = """
INSERT INTO certificate_key (key_hash, certificate) SELECT CAST(printf('%032d', n) AS BLOB), :first + n FROM rising"""
_ENCODED = """
INSERT INTO encoded_certificate (id, encoded) SELECT :first + n, zeroblob(:octets) FROM rising"""
_REVOCATIONS = """
INSERT INTO revocation (id, issuer, point, reason, revoked_at, noted_at, not_after, revision, line)
SELECT :first + n * :step, :issuer, :point + n * :step % :points, :reason, :revoked_at, :revoked_at, :not_after, n + 1,
       line(:number + n * :step)
FROM rising WHERE n < :revocations"""
_POINT = "INSERT INTO distribution_point (authority, municipality, name) VALUES (?, ?, ?)"
_COUNTERS = "UPDATE authority SET next_number = :next, revision = :revision WHERE code = :code"


def enough_room(folder: Path) -> bool:
    """It says whether there is room for ten million certificates (20 GB)."""
    return shutil.disk_usage(folder).free >= _ROOM


def make(authority: Authority, *, certificates: int, revocations: int, encoded: int = _OCTETS) -> range:
    """It fills the empty store of an authority (SQLite), and returns the numbers of the certificates.

    `encoded` is the length in octets of what stands for each certificate. Nobody else may have the store open, and it
    is lost if the machine stops meanwhile.
    """
    own = authority.certificates[_ROLE]
    moment = own.not_before + timedelta(days=1)
    authority.store.close()
    with closing(sqlite3.connect(authority.store.file, isolation_level=None)) as connection:
        for pragma in _FAST:
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("line", 1, _line_maker(moment), deterministic=True)
        values = _values(own, moment, certificates, revocations) | {"octets": encoded, "point": _points(connection)}
        indexes = connection.execute(_INDEXES).fetchall()
        connection.execute("BEGIN")
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        for text in (*_RISING, _CERTIFICATES, _PLACES, _KEYS, _ENCODED, _REVOCATIONS):
            connection.execute(text, values)
        for _, text in indexes:
            connection.execute(text)
        connection.execute(_COUNTERS, values)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    return range(values["number"], values["next"])


def _values(own: StoredAuthorityKey, moment: datetime, certificates: int, revocations: int) -> dict[str, int]:
    number = own.name.number + 1
    return {
        "code": _CODE,
        "issuer": _CODE << 32 | own.name.number,
        "first": _CODE << 32 | number,
        "number": number,
        "points": MUNICIPALITIES,
        "not_before": int(own.not_before.timestamp()),
        "not_after": int(own.not_after.timestamp()),
        "revoked_at": int(moment.timestamp()),
        "reason": int(RevocationReason.SUPERSEDED),
        "count": certificates,
        "revocations": revocations,
        "step": certificates // revocations if revocations else 1,
        "next": number + certificates,
        "revision": revocations,
    }


def _points(connection: sqlite3.Connection) -> int:
    """Returns the first number of the distribution points, which are added."""
    first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM distribution_point").fetchone()[0]
    names = [
        (_CODE, f"{first + place:05}", Name.of(("C", "JP"), ("O", "JPKI-TEST"), ("CN", f"Town {place} CRLDP")).raw)
        for place in range(MUNICIPALITIES)
    ]
    connection.executemany(_POINT, names)
    return int(first)


def _line_maker(moment: datetime) -> Callable[[int], bytes]:
    whole = encode_revoked([(0x0100_0002, moment, RevocationReason.SUPERSEDED)])
    before, _, after = whole.partition((0x0100_0002).to_bytes(4, "big"))

    def line(number: int) -> bytes:
        return before + number.to_bytes(4, "big") + after

    return line
