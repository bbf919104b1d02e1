"""A store with every kind of row that the audit trail tells of, and what somebody with SQL does to it."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from authorities import NOW, Applicants, PoolKeys, issue_one, name_in, seal_key

from jpki.ca import AuditFinding, Authority, AuthoritySettings, LifeEvent, SealFolder, check_audit_trail
from jpki.formats import RevocationReason
from jpki.store import Store, StoredResponder, told
from jpki.terms import CertificateName, Role

HOUR = timedelta(hours=1)
SIGN, AUTH = Role.SIGNATURE, Role.AUTHENTICATION


def seals_in(folder: Path) -> SealFolder:
    return SealFolder(folder / "seals", folder / "audit.pub")


def lived(folder: Path) -> Path:
    """Makes an authority in whose trail everything stands, sealed at the end; returns its store's file."""
    file, seals, keys = folder / "authority.sqlite3", seals_in(folder), PoolKeys()
    with Authority.create(Store.create(file), keys, AuthoritySettings(), NOW, seals=seals) as authority:
        applicants = Applicants()
        people = [issue_one(authority, applicants.asks()) for _ in range(3)]
        first, second = name_in(people[0], SIGN), name_in(people[0], AUTH)
        authority.confirm(first, NOW)
        authority.revoke(first, RevocationReason.CERTIFICATE_HOLD, NOW)
        authority.revoke(second, RevocationReason.CERTIFICATE_HOLD, NOW)
        authority.seal(NOW + HOUR)
        authority.revoke(first, RevocationReason.KEY_COMPROMISE, NOW + HOUR)
        authority.release(second, NOW + HOUR)
        death = LifeEvent("E1", people[1].holder, "death", NOW + HOUR)
        authority.apply_event(death, NOW + 2 * HOUR)
        answers = StoredResponder(CertificateName(SIGN, 0x0200_0000), authority.certificates[SIGN].name, NOW, NOW, b"x")
        with authority.store.transaction() as change:
            change.add_responder(answers, change.note("responder", NOW + HOUR, told(responders=[answers])))
        for hours in (3, 4):
            authority.certificate_list(SIGN, NOW + hours * HOUR)
        issue_one(authority, applicants.asks(), NOW + 5 * HOUR)
        authority.seal(NOW + 6 * HOUR)
    return file


def copied(source: Path, folder: Path) -> Path:
    """Returns the store's file in a copy of a folder."""
    shutil.copytree(source.parent, folder)
    return folder / source.name


class Meddler:
    """Somebody who may write the database, and knows how the trail is made."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("PRAGMA foreign_keys = OFF")

    def __enter__(self) -> Meddler:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def run(self, *statements: str) -> None:
        for statement in statements:
            assert self._connection.execute(statement).rowcount > 0, statement

    def rows(self, query: str, values: Iterable[object] = ()) -> list[tuple[object, ...]]:
        return self._connection.execute(query, tuple(values)).fetchall()

    def body(self, number: int) -> bytes:
        ((body,),) = self.rows("SELECT body FROM audit_entry WHERE number = ?", [number])
        assert isinstance(body, bytes)
        return body

    def write(self, number: int, body: bytes, digest: bytes | None = None) -> None:
        self._connection.execute("UPDATE audit_entry SET body = ? WHERE number = ?", [body, number])
        if digest is not None:
            self._connection.execute("UPDATE audit_entry SET digest = ? WHERE number = ?", [digest, number])

    def swap(self, one: int, other: int) -> None:
        move = "UPDATE audit_entry SET number = ? WHERE number = ?"
        for target, source in ((0, one), (one, other), (other, 0)):
            self._connection.execute(move, [target, source])

    def repeat(self, number: int, place: int) -> None:
        again = "INSERT INTO audit_entry SELECT chain, ?, body, digest FROM audit_entry WHERE number = ?"
        self._connection.execute(again, [place, number])

    def rechain(self, first: int) -> None:
        """Computes all digests from an entry on anew, as somebody would who wants the chain to fit."""
        before = bytes(32)
        for number, body in self.rows("SELECT number, body FROM audit_entry ORDER BY number"):
            assert isinstance(number, int)
            assert isinstance(body, bytes)
            before = hashlib.sha256(before + body).digest()
            if number >= first:
                self.write(number, body, before)


def otherwise(body: bytes) -> bytes:
    """Returns an entry's JSON with another moment in it."""
    assert b'"at":"2026-11-22' in body
    return body.replace(b'"at":"2026-11-22', b'"at":"2026-11-21')


def findings(file: Path) -> set[str]:
    """Returns what a check of the trail finds, each as one text."""
    with Store.open(file) as store:
        report = check_audit_trail(store, seal_key().public_key_info, files=seals_in(file.parent).read())
    return {text_of(one) for one in report.findings}


def done_to(file: Path, *statements: str) -> set[str]:
    """Returns what is found after some SQL."""
    with Meddler(file) as meddler:
        meddler.run(*statements)
    return findings(file)


def text_of(one: AuditFinding) -> str:
    """Returns a finding as one text: problem, entry, row, seal and facts, as far as it has them."""
    entry = "" if one.entry is None else f"{one.entry[0]}/{one.entry[1]}"
    until = "" if one.until is None else f"-{one.until}"
    belongs = "" if one.belongs is None else f"<{one.belongs[0]}/{one.belongs[1]}"
    row = "" if one.row is None else f"{one.row_kind} {one.row}"
    seal = "" if one.seal is None else f"seal {one.seal}"
    return " ".join(part for part in (one.problem.value, entry + until + belongs, row, seal, *one.facts) if part)


__all__ = ["Meddler", "copied", "done_to", "findings", "lived", "otherwise", "seals_in", "text_of"]
