"""A key ceremony: new keys are made before witnesses, certified, and told of in a record that the new keys sign.

What was done is noted after every step, so an interrupted ceremony goes on where it stood, and no step is done twice.

Source: docs/keys.md, the ceremony
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from jpki.formats import Certificate
from jpki.store import StoredAuthorityKey
from jpki.terms import Role

from ..authority import Authority
from ..errors import ForeignKey
from ..files import replace_file, write_new_file
from .ceremony_file import Ceremony, CeremonyKey, Witness
from .ceremony_journal import CeremonyJournal, Entry
from .errors import CeremonyFileFailed, CeremonyHeld, CeremonyOutOfTurn, KeyAlreadyThere, WordsDiffer

__all__ = ["CeremonyPeople", "HeldCeremony", "hold_ceremony", "witness_words"]

_VERSION = 1
_MORAE = re.findall(
    "[a-z]+",
    "a i u e o ka ki ku ke ko sa shi su se so ta chi tsu te to na ni nu ne no ha hi fu he ho ma mi mu me mo ya yu yo "
    "ra ri ru re ro wa ga gi gu ge go za ji zu ze zo ba bi bu be bo da de do pa pi",
)
_WORDS, _MORAE_OF_A_WORD, _BITS_OF_A_MORA = 3, 4, 6


class CeremonyPeople(Protocol):
    """Those who hold a ceremony, and what the program asks of them."""

    def taken_up(self, begun_at: datetime, done: tuple[str, ...]) -> None:
        """Is told that an interrupted ceremony goes on, when it began and what of it is done."""
        ...

    def do(self, text: str) -> None:
        """Does a step of theirs, and returns when it is done."""
        ...

    def made(self, key: CeremonyKey, place: str, public_key: bytes) -> None:
        """Is shown a key that was just made: where, and the SHA-256 of its public key."""
        ...

    def type_words(self, witness: Witness, words: str) -> str:
        """Shows a witness words, and returns what the witness typed."""
        ...


@dataclass(frozen=True, slots=True)
class HeldCeremony:
    """What a ceremony left: the record, the signature of each new key over it, and the new generations."""

    record: Path
    signatures: dict[Role, Path]
    generations: tuple[StoredAuthorityKey, ...]


def witness_words(ceremony: bytes, keys: tuple[bytes, ...], witness: str) -> str:
    """Returns the words that a witness is shown: they follow from the file, from what was made, and from the name.

    `ceremony` is the SHA-256 of the file, `keys` those of the public keys in the order of the file. Three words of
    four syllables each, 72 bits. Source: docs/keys.md, the words of the witnesses
    """
    digest = sha256(b"".join([ceremony, *keys, unicodedata.normalize("NFC", witness).encode()])).digest()
    bits = int.from_bytes(digest[:9], "big")
    count = _WORDS * _MORAE_OF_A_WORD
    morae = [_MORAE[bits >> (_BITS_OF_A_MORA * (count - 1 - place)) & 0x3F] for place in range(count)]
    return " ".join("".join(morae[start : start + _MORAE_OF_A_WORD]) for start in range(0, count, _MORAE_OF_A_WORD))


def hold_ceremony(
    ceremony: Ceremony,
    authority: Authority,
    people: CeremonyPeople,
    record: Path,
    *,
    clock: Callable[[], datetime],
    tool: str,
    hand_out: Callable[[], None] = lambda: None,
    rehearsal: bool = False,
) -> HeldCeremony:
    """Holds a ceremony, or goes on with one that was interrupted, and leaves its record; nothing is done twice.

    `hand_out` is called when the new certificates are in the store. Raises CeremonyRefused, KeysUnusable, StoreError.
    An error leaves the ceremony where it stands; what `people` raises does too.
    """
    room = _Room(ceremony, authority, people, CeremonyJournal(record), clock)
    begun = room.begin(tool)
    hashes = room.make_keys()
    room.hear_witnesses(hashes)
    generations = tuple(room.certify(key, digest) for key, digest in zip(ceremony.keys, hashes, strict=True))
    hand_out()
    ended = room.once("ended", None)
    frame = {"rehearsal": rehearsal, "begun_at": begun["at"], "ended_at": ended["at"], "tool": begun["tool"]}
    content = _record(room, generations, frame)
    return _leave(room, content, generations)


@dataclass(frozen=True, slots=True)
class _Room:
    """One ceremony in one authority, and how far it is."""

    ceremony: Ceremony
    authority: Authority
    people: CeremonyPeople
    journal: CeremonyJournal
    clock: Callable[[], datetime]

    def once(self, kind: str, which: object, **facts: object) -> Entry:
        """Returns the entry of what is done, noted now if it was not before."""
        return self.journal.found(kind, which) or self.journal.note(kind, which, at=self._now(), **facts)

    def begin(self, tool: str) -> Entry:
        """Returns the first entry of the journal; a ceremony that is new is refused where it cannot be held."""
        own = {role.short: sha256(every[0].encoded).hexdigest() for role, every in self.authority.generations.items()}
        first = {"kind": "begun", "ceremony": self.ceremony.digest.hex(), "authority": own}
        first |= {"at": self._now(), "tool": tool}
        if self.journal.record.exists():
            raise CeremonyHeld(record=str(self.journal.record))
        if not self.journal.file.exists():
            self._refuse_beforehand()
        begun = self.journal.begin(first)
        if begun is not first:
            self.people.taken_up(datetime.fromisoformat(begun["at"]), self._done())
        return begun

    def make_keys(self) -> tuple[bytes, ...]:
        """Does the steps in their order; returns the SHA-256 of the public keys in the order of the file."""
        keys = {key.role: key for key in self.ceremony.keys}
        for number, step in enumerate(self.ceremony.steps, 1):
            if step.make is not None:
                self._make(keys[step.make])
            elif self.journal.found("step", number) is None:
                self.people.do(step.say)
                self.journal.note("step", number, at=self._now())
        return tuple(
            bytes.fromhex(self.journal.told("made", key.role.short)["public_key"]) for key in self.ceremony.keys
        )

    def hear_witnesses(self, hashes: tuple[bytes, ...]) -> None:
        """Has each witness type the words; raises WordsDiffer."""
        for witness in self.ceremony.witnesses:
            if self.journal.found("witness", witness.name) is None:
                shown = witness_words(self.ceremony.digest, hashes, witness.name)
                typed = " ".join(unicodedata.normalize("NFKC", self.people.type_words(witness, shown)).lower().split())
                if typed != shown:
                    raise WordsDiffer(record=str(self.journal.record), witness=witness.name)
                self.journal.note("witness", witness.name, shown=shown, typed=typed, at=self._now())

    def certify(self, key: CeremonyKey, digest: bytes) -> StoredAuthorityKey:
        """Returns the new generation in the store: the one that is there already, or now made."""
        self.authority.refresh()
        there = {one.generation: one for one in self.authority.generations[key.role]}
        made = there.get(key.generation)
        if made is None:
            if key.generation != max(there) + 1:
                raise CeremonyOutOfTurn(record=str(self.journal.record), role=key.role, expected=max(there) + 1)
            made = self.authority.new_generation(key.role, self.clock(), key.place)
        if sha256(Certificate.parse(made.encoded).public_key_info).digest() != digest:
            raise ForeignKey(file=self.authority.key_place(key.role, key.generation, key.place), role=key.role)
        return made

    def _refuse_beforehand(self) -> None:
        record = str(self.journal.record)
        for key in self.ceremony.keys:
            expected = self.authority.certificates[key.role].generation + 1
            if key.generation != expected:
                raise CeremonyOutOfTurn(record=record, role=key.role, expected=expected)
            if self.authority.holds_key(key.role, key.generation, key.place):
                place = self.authority.key_place(key.role, key.generation, key.place)
                raise KeyAlreadyThere(record=record, file=place)

    def _make(self, key: CeremonyKey) -> None:
        """Makes a key unless it was made; a key that came to its place in between is not taken for a new one."""
        which = key.role.short
        if self.journal.found("made", which) is not None:
            return
        place = self.authority.key_place(key.role, key.generation, key.place)
        if self.journal.found("making", which) is None:
            if self.authority.holds_key(key.role, key.generation, key.place):
                raise KeyAlreadyThere(record=str(self.journal.record), file=place)
            self.journal.note("making", which, at=self._now())
        info = self.authority.make_key(key.role, key.generation, key.place)
        digest = sha256(info).digest()
        self.journal.note("made", which, place=place, public_key=digest.hex(), at=self._now())
        self.people.made(key, place, digest)

    def _done(self) -> tuple[str, ...]:
        """Returns what is done, in words of the file: steps of people, keys, names of witnesses."""
        done = []
        names = {key.role: f"{key.role.short}-{key.generation}" for key in self.ceremony.keys}
        for number, step in enumerate(self.ceremony.steps, 1):
            if step.make is not None and self.journal.found("made", step.make.short):
                done.append(names[step.make])
            elif step.say and self.journal.found("step", number):
                done.append(step.say)
        return (*done, *(one.name for one in self.ceremony.witnesses if self.journal.found("witness", one.name)))

    def _now(self) -> str:
        return _text(self.clock())


def _record(room: _Room, generations: tuple[StoredAuthorityKey, ...], frame: dict[str, object]) -> bytes:
    """Returns the record: the same bytes however often the ceremony was interrupted."""
    ceremony, journal = room.ceremony, room.journal
    whole = {
        "kind": "key-ceremony",
        "version": _VERSION,
        "title": ceremony.title,
        "ceremony_sha256": ceremony.digest.hex(),
        **frame,
        "keys": [
            {
                "role": key.role.short,
                "generation": made.generation,
                "place": journal.told("made", key.role.short)["place"],
                "made_at": journal.told("made", key.role.short)["at"],
                "public_key_sha256": journal.told("made", key.role.short)["public_key"],
                "certificate": str(made.name),
                "certificate_sha256": sha256(made.encoded).hexdigest(),
                "not_before": _text(made.not_before),
                "not_after": _text(made.not_after),
            }
            for key, made in zip(ceremony.keys, generations, strict=True)
        ],
        "steps": [
            {"say": step.say, "at": journal.told("step", number)["at"]}
            for number, step in enumerate(ceremony.steps, 1)
            if step.say
        ],
        "witnesses": [
            {"name": one.name, "part": one.part}
            | {name: journal.told("witness", one.name)[name] for name in ("shown", "typed", "at")}
            for one in ceremony.witnesses
        ],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2).encode() + b"\n"


def _leave(room: _Room, content: bytes, generations: tuple[StoredAuthorityKey, ...]) -> HeldCeremony:
    """Writes the signatures, and then the record: where it is, all is done."""
    record = room.journal.record
    signatures = {}
    try:
        for key, made in zip(room.ceremony.keys, generations, strict=True):
            file = record.with_name(f"{record.name}.{key.role.short}-{key.generation}.sig")
            replace_file(file, room.authority.issuer(key.role, made.generation).sign_digest(sha256(content).digest()))
            signatures[key.role] = file
        write_new_file(record, content, mode=0o644)
    except FileExistsError:
        raise CeremonyHeld(record=str(record)) from None
    except OSError as error:
        raise CeremonyFileFailed(record=str(record), problem=error.strerror or type(error).__name__) from error
    room.journal.end()
    return HeldCeremony(record, signatures, generations)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
