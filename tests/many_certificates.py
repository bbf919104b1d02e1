"""Rows of certificates by the thousand in a store, without a key or a signature: for what only looks at rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from jpki.ca import AuthorityFolder
from jpki.store import NewCertificate
from jpki.terms import CertificateName, Role

__all__ = ["fill"]

_AT_ONCE = 20_000


def fill(folder: Path, count: int, role: Role = Role.SIGNATURE, points: int = 20) -> int:
    """Adds valid certificates of an authority, of as many people, issued thirty days ago; returns how many."""
    issued = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
    with AuthorityFolder(folder).open() as authority:
        issuer = authority.certificates[role].name
        with authority.store.transaction() as change:
            places = [change.take_point(role, f"{place:05}", b"point %d" % place) for place in range(points)]
        for start in range(0, count, _AT_ONCE):
            with authority.store.transaction() as change:
                numbers = change.take_numbers(role, min(_AT_ONCE, count - start))
                change.add_certificates(
                    [
                        NewCertificate(
                            name=CertificateName(role, number),
                            holder=f"M{number}",
                            ordinal=1,
                            issuer=issuer,
                            municipality=f"{number % points:05}",
                            point=places[number % points],
                            not_before=issued,
                            not_after=issued + timedelta(days=1000),
                            key_hash=number.to_bytes(16, "big"),
                            submission=number.to_bytes(16, "big"),
                            counterpart=None,
                            encoded=b"certificate %d" % number,
                        )
                        for number in numbers
                    ]
                )
    return count
