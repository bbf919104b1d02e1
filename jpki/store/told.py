"""What entries of the audit trail say of rows: written here from values, and read again to be held against the rows.

Names of certificates, digests, reasons, numbers, moments; never an attribute of a person, and no holder's number: what
ties a certificate to its holder goes into a digest together with the hash of the certificate's key.

Source: docs/audit.md, facts
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from jpki.terms import CertificateName

from .audit import canonical
from .values import (
    NewCertificate,
    PublishedList,
    StoredAuthorityKey,
    StoredEvent,
    StoredResponder,
    StoredRevocation,
    id_of,
    seconds_of,
)

__all__ = ["Told", "digest_of_place", "list_name", "told", "told_in"]


class Told(NamedTuple):
    """What an entry says of one thing: its kind (as the table's), its name, and what has to be so there."""

    kind: str
    name: str
    facts: Mapping[str, object]


def told(
    *,
    certificates: Iterable[NewCertificate] = (),
    confirmed: Iterable[CertificateName] = (),
    revoked: Iterable[StoredRevocation] = (),
    released: Iterable[CertificateName] = (),
    lists: Iterable[PublishedList] = (),
    events: Iterable[StoredEvent] = (),
    responders: Iterable[StoredResponder] = (),
    keys: Iterable[StoredAuthorityKey] = (),
    settings: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """Returns the facts of an entry about rows that its transaction adds or changes; what is empty is left out."""
    facts: dict[str, object] = {
        "certificates": [_certificate(one) for one in certificates],
        "confirmed": [str(name) for name in confirmed],
        "revoked": _revoked(revoked),
        "released": [str(name) for name in released],
        "lists": [_list(one) for one in lists],
        "events": [
            {"id": one.id, "kind": one.kind, "sha256": one.digest.hex(), "outcome": _digest(one.outcome.encode())}
            for one in events
        ],
        "responders": [
            {"name": str(one.name), "issuer": str(one.issuer), "sha256": _digest(one.encoded)} for one in responders
        ],
        "keys": [{"name": str(one.name), "generation": one.generation, "sha256": _digest(one.encoded)} for one in keys],
        "settings": dict(settings or {}),
    }
    return {name: value for name, value in facts.items() if value}


def told_in(facts: Mapping[str, Any]) -> Iterator[Told]:
    """Yields what an entry's facts say of rows; KeyError, TypeError where they are not of this form."""
    for one in facts.get("certificates", ()):
        yield Told("certificate", one["name"], {"sha256": one["sha256"], "place": one["place"]})
    for name in facts.get("confirmed", ()):
        yield Told("confirmation", name, {})
    for group in facts.get("revoked", ()):
        for name in group["names"]:
            yield Told("revocation", name, {"reason": group["reason"], "since": group["since"]})
    for name in facts.get("released", ()):
        yield Told("release", name, {})
    for one in facts.get("lists", ()):
        yield Told("revocation_list", list_name(one), {"entries": one["entries"], "sha256": one["sha256"]})
    for one in facts.get("events", ()):
        yield Told("event", one["id"], {"kind": one["kind"], "sha256": one["sha256"], "outcome": one["outcome"]})
    for one in facts.get("responders", ()):
        yield Told("responder", one["name"], {"issuer": one["issuer"], "sha256": one["sha256"]})
    for one in facts.get("keys", ()):
        yield Told("authority_key", one["name"], {"generation": one["generation"], "sha256": one["sha256"]})
    for name, value in facts.get("settings", {}).items():
        yield Told("setting", name, {"value": value})


def list_name(one: Mapping[str, object]) -> str:
    """Returns a revocation list's name: the key that signed it, scope, base (0: complete) and number."""
    return f"{one['issuer']}/{one['scope']}/{one['base']}/{one['number']}"


def digest_of_place(row: Sequence[str | int | bytes | None]) -> str:
    """Returns the digest of what the store knows of a certificate beside its encoded form.

    `row` is holder, ordinal, issuer, municipality, first and last second, hash of the key, submission, counterpart;
    names are integers (`id_of`).
    """
    return _digest(canonical([one.hex() if isinstance(one, bytes) else one for one in row]))


def _certificate(one: NewCertificate) -> dict[str, object]:
    row = (
        one.holder,
        one.ordinal,
        id_of(one.issuer),
        one.municipality,
        seconds_of(one.not_before),
        seconds_of(one.not_after),
        one.key_hash,
        one.submission,
        id_of(one.counterpart) if one.counterpart is not None else None,
    )
    return {"name": str(one.name), "sha256": _digest(one.encoded), "place": digest_of_place(row)}


def _revoked(revoked: Iterable[StoredRevocation]) -> list[dict[str, object]]:
    groups: dict[tuple[int, int], list[str]] = {}
    for one in revoked:
        groups.setdefault((int(one.reason), seconds_of(one.revoked_at)), []).append(str(one.name))
    return [{"reason": reason, "since": since, "names": names} for (reason, since), names in groups.items()]


def _list(one: PublishedList) -> dict[str, object]:
    return {
        "issuer": str(one.scope.issuer),
        "scope": one.scope.point,
        "base": one.base,
        "number": one.number,
        "entries": one.entries,
        "sha256": one.digest.hex(),
    }


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
