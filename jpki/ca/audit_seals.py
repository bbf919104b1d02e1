"""Seals, held against their key, against one another, against their files, and against the entries that they cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from jpki.store import ChainHead, SealRow, StoreReading

from .audit import Seal, read_seal
from .audit_findings import AuditFinding, AuditProblem, Named
from .errors import SealUnreadable

__all__ = ["SealWalk", "sealed_by"]

_FIRST = bytes(32).hex()


@dataclass(slots=True)
class SealWalk:
    """One walk along all seals, of the store and of a folder together. It remembers one number for each chain."""

    view: StoreReading
    named: Named
    public_key_info: bytes
    files: Iterable[SealRow] | None = None
    seals: int = 0
    last: Seal | None = None
    sealed: dict[int, int] = field(default_factory=dict)
    """The last entry of each chain that a seal covers as it is."""
    _unfiled: list[int] = field(default_factory=list)
    _broken: set[int] = field(default_factory=set)
    _lost: dict[int, AuditFinding] = field(default_factory=dict)
    _whole: bool = True  # every seal was read, and is in the store

    def findings(self) -> Iterator[AuditFinding]:
        """Yields what is wrong with seals, and with entries that are not as they were sealed."""
        expected = 1
        for stored, filed in self._pairs():
            row = stored or filed
            if row is None:
                continue
            if row.number > expected:
                yield _seal(AuditProblem.SEAL_MISSING, expected, until=row.number - 1)
                self.last, self._whole = None, False
            expected = row.number + 1
            self.seals += 1
            yield from self._compared(stored, filed)
            yield from self._checked(row)
        yield from map(self.named.add, self._lost.values())

    def marks(self) -> Iterator[AuditFinding]:
        """Yields the chains that have lost all entries, and those marked as sealed otherwise than their seals say."""
        for chain in self.view.audit_chains():
            if chain.last == 0 and not self.named.entry((chain.chain, 1)):
                yield self.named.add(AuditFinding(AuditProblem.ENTRY_MISSING, (chain.chain, 1)))
            said = self.sealed.get(chain.chain, 0)
            if chain.sealed != said and chain.chain not in self._broken and self._whole:
                yield AuditFinding(AuditProblem.CHAIN_MARK, (chain.chain, chain.sealed))

    def _pairs(self) -> Iterator[tuple[SealRow | None, SealRow | None]]:
        """Yields each seal as the store and as the folder has it, in order of number."""
        stored = self.view.audit_seals()
        filed = iter(self.files or ())
        one, other = next(stored, None), next(filed, None)
        while one is not None or other is not None:
            number = min(each.number for each in (one, other) if each is not None)
            mine = one if one is not None and one.number == number else None
            its = other if other is not None and other.number == number else None
            yield mine, its
            one = next(stored, None) if mine is not None else one
            other = next(filed, None) if its is not None else other

    def _compared(self, stored: SealRow | None, filed: SealRow | None) -> Iterator[AuditFinding]:
        self._whole = self._whole and stored is not None
        if filed is not None:
            # A copy of the folder may be older than the store: only what is missing before its last file is a hole.
            yield from (_seal(AuditProblem.SEAL_WITHOUT_FILE, number) for number in self._unfiled)
            self._unfiled.clear()
        if stored is None and filed is not None:
            yield _seal(AuditProblem.SEAL_ONLY_IN_FILE, filed.number)
        elif stored is not None and filed is None:
            self._unfiled.append(stored.number)
        elif stored is not None and filed is not None and stored != filed:
            yield _seal(AuditProblem.SEAL_UNLIKE_FILE, stored.number)

    def _checked(self, row: SealRow) -> Iterator[AuditFinding]:
        try:
            seal = read_seal(row)
        except SealUnreadable:
            yield _seal(AuditProblem.SEAL_UNREADABLE, row.number)
            self.last, self._whole = None, False
            return
        problem = self._problem(seal)
        if problem is not None:
            yield _seal(problem, row.number)
        if problem is None or problem is AuditProblem.SEAL_OUT_OF_ORDER:
            yield from self._heads(seal)
            self.last = seal
        else:
            self.last, self._whole = None, False

    def _problem(self, seal: Seal) -> AuditProblem | None:
        if seal.key != sha256(self.public_key_info).hexdigest():
            return AuditProblem.SEAL_BY_ANOTHER_KEY
        if not sealed_by(self.public_key_info, seal.row):
            return AuditProblem.SEAL_CHANGED
        if seal.number == 1 and seal.previous != _FIRST:
            return AuditProblem.SEAL_OUT_OF_ORDER
        if self.last is not None and (seal.previous != self.last.digest or seal.at < self.last.at):
            return AuditProblem.SEAL_OUT_OF_ORDER
        return None

    def _heads(self, seal: Seal) -> Iterator[AuditFinding]:
        for head in seal.heads:
            entry = self.view.audit_entry(head.chain, head.number)
            if entry is not None and entry.digest == head.digest:
                self.sealed[head.chain] = head.number
            elif entry is None:
                self._lose(head, seal.number)
            elif head.chain not in self._broken:
                found = self._changed(head, seal.number)
                if found is not None:
                    yield self.named.add(found)
            if self.sealed.get(head.chain) != head.number:
                self._broken.add(head.chain)

    def _lose(self, head: ChainHead, seal: int) -> None:
        """Notes that a chain does not reach to where it was sealed: one finding in the end, with the first seal."""
        known = self._lost.get(head.chain)
        if known is not None and known.entry is not None:
            self._lost[head.chain] = replace(known, until=head.number)
            return
        first = max(self.view.chain_end(head.chain), self.named.last_of(head.chain)) + 1
        if first <= head.number:
            until = head.number if head.number > first else None
            self._lost[head.chain] = AuditFinding(AuditProblem.ENTRY_MISSING, (head.chain, first), until, seal=seal)

    def _changed(self, head: ChainHead, seal: int) -> AuditFinding | None:
        """Returns between which entries something was rewritten after it was sealed; None where that was told."""
        first = self.sealed.get(head.chain, 0) + 1
        if any(self.named.entry((head.chain, number)) for number in (first, head.number)):
            return None
        if first <= self.named.last_of(head.chain) <= head.number:
            return None
        until = head.number if head.number > first else None
        return AuditFinding(AuditProblem.ENTRY_NOT_AS_SEALED, (head.chain, first), until, seal=seal)


def _seal(problem: AuditProblem, number: int, until: int | None = None) -> AuditFinding:
    return AuditFinding(problem, seal=number, until=until if until is not None and until > number else None)


def sealed_by(public_key_info: bytes, row: SealRow) -> bool:
    """Returns whether a seal is signed by a key (SubjectPublicKeyInfo, DER): RSA, sha256WithRSAEncryption."""
    try:
        key = load_der_public_key(public_key_info)
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(row.signature, row.body, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True
