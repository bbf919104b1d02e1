"""Rows to put into a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jpki.store import NewCertificate
from jpki.terms import CertificateName, Role

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CA = CertificateName(Role.SIGNATURE, 0x0100_0001)


def row(number: int, holder: str = "", **different: object) -> NewCertificate:
    """Returns a signature certificate's row that is unlike any other by its number."""
    fields: dict[str, object] = {
        "name": CertificateName(Role.SIGNATURE, number),
        "holder": holder or f"R{number}",
        "ordinal": 1,
        "issuer": CA,
        "municipality": "13101",
        "point": 1,
        "not_before": NOW,
        "not_after": NOW + timedelta(days=1000),
        "key_hash": number.to_bytes(16, "big"),
        "submission": number.to_bytes(16, "big"),
        "counterpart": None,
        "encoded": b"certificate %d" % number,
    }
    return NewCertificate(**(fields | different))  # type: ignore[arg-type]
