"""`jpki ca key ceremony`: a key ceremony from its file, rehearsed or in earnest."""

from __future__ import annotations

import shlex
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..authorities import FOLDER, AuthorityChoice, signing_options
from ..catalogue import words
from ..console import say
from ..errors import ConfirmationNeeded, FileInTheWay, TerminalNeeded
from ..files import make_folder, read_file
from ..frame import FILE, argument, command, file_option, option
from ..moments import now
from ..report import Advice, Report
from ..stopping import Interrupted, interruption_told_as
from .ca_key import key_row, on_token

if TYPE_CHECKING:
    from jpki.ca import Authority, Ceremony, CeremonyKey, HeldCeremony, Witness

__all__ = ["rehearse", "run"]

_LONGEST = 1_000_000


@command("ca.key.ceremony.rehearse")
@argument("ceremony", type=FILE)
@option("--out", "-o", type=FOLDER, metavar="FOLDER", variant="rehearsal")
@option("--alone", is_flag=True)
@file_option("--module")
def rehearse(*, ceremony: Path, out: Path | None, alone: bool, module: Path | None) -> Report:
    """Holds a ceremony wholly, with a token in software and an authority of its own, both in an empty folder."""
    from jpki.ca import rehearse_ceremony

    meant = _read(ceremony)
    if not alone and not sys.stdin.isatty():
        raise ConfirmationNeeded(option="--alone")
    folder = Path(tempfile.mkdtemp(prefix="jpki-rehearsal-")) if out is None else _empty(out)
    held, authority = rehearse_ceremony(
        meant,
        _People(meant, alone=alone),
        folder.absolute(),
        clock=now,
        tool=_tool(),
        module=None if module is None else str(module.absolute()),
    )
    with authority:
        certificates = folder / "certificates"
        make_folder(certificates)
        for own in held.generations:
            (certificates / f"{own.name.authority.short}-{own.generation}.cer").write_bytes(own.encoded)
        return _report(authority, held, certificates, rehearsal=True)


@command("ca.key.ceremony.run")
@argument("ceremony", type=FILE)
@file_option("--record", required=True)
@signing_options
def run(choice: AuthorityChoice, *, ceremony: Path, record: Path) -> Report:
    """Holds a ceremony once, or goes on with one that was interrupted; people sit at the terminal."""
    from jpki.ca import AuthorityFolder, CeremonyHeld, hold_ceremony

    meant = _read(ceremony)
    if record.exists():
        raise CeremonyHeld(record=str(record))
    if not sys.stdin.isatty():
        raise TerminalNeeded(command="jpki ca key ceremony run")
    folder = AuthorityFolder(choice.folder)
    tokens_only = all(on_token(one.place) for one in meant.keys)
    with choice.answering() if tokens_only else choice.signing() as authority, interruption_told_as("ceremony"):
        held = hold_ceremony(
            meant,
            authority,
            _People(meant, alone=False),
            record,
            clock=now,
            tool=_tool(),
            hand_out=lambda: folder.hand_out(authority),
        )
        return _report(authority, held, folder.path / "certificates", rehearsal=False)


def _read(file: Path) -> Ceremony:
    from jpki.ca import read_ceremony

    return read_ceremony(read_file(file, largest=_LONGEST))


def _empty(folder: Path) -> Path:
    make_folder(folder)
    if any(folder.iterdir()):
        raise FileInTheWay(path=str(folder))
    return folder


def _tool() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"jpki {version('jpki-toolkit')}"
    except PackageNotFoundError:
        return "jpki"


def _report(authority: Authority, held: HeldCeremony, certificates: Path, *, rehearsal: bool) -> Report:
    """Returns what the ceremony left, and the commands by which anybody verifies the record."""
    rows, advice = [], [Advice(words("prompts", "ceremony.rehearsed" if rehearsal else "ceremony.held"))]
    for own in held.generations:
        role = own.name.authority
        file = certificates / f"{role.short}-{own.generation}.cer"
        public = f"{held.record.name}.{role.short}-{own.generation}.pem"
        rows.append(
            key_row(authority, own) | {"certificate_file": str(file), "signature_file": str(held.signatures[role])}
        )
        advice += [
            Advice(
                words("prompts", "ceremony.key", role=role, generation=own.generation),
                f"openssl x509 -inform DER -in {shlex.quote(str(file))} -noout -pubkey > {shlex.quote(public)}",
            ),
            Advice(
                words("prompts", "ceremony.verify"),
                f"openssl dgst -sha256 -verify {shlex.quote(public)} "
                f"-signature {shlex.quote(str(held.signatures[role]))} {shlex.quote(str(held.record))}",
            ),
        ]
    facts = {"record": str(held.record), "rehearsal": rehearsal, "keys": rows}
    return Report("key-ceremony", facts, advice=tuple(advice))


class _People:
    """The people at the terminal; with `alone`, the program in their place."""

    def __init__(self, ceremony: Ceremony, *, alone: bool) -> None:
        self._alone = alone
        say(words("prompts", "ceremony.title", title=ceremony.title))

    def taken_up(self, begun_at: datetime, done: tuple[str, ...]) -> None:
        """Says what is done already."""
        say(words("prompts", "ceremony.taken-up", begun_at=begun_at, done=done))

    def do(self, text: str) -> None:
        """Says what is to be done, and waits for Enter."""
        say(words("prompts", "ceremony.step", text=text))
        self._line(words("prompts", "ceremony.step.ask"))

    def made(self, key: CeremonyKey, place: str, public_key: bytes) -> None:
        """Says which key was made."""
        told = words(
            "prompts", "ceremony.made", role=key.role, generation=key.generation, place=place, sha256=public_key
        )
        say(told)

    def type_words(self, witness: Witness, words_shown: str) -> str:
        """Shows a witness the words, and returns what the witness types."""
        who = f"{witness.name} ({witness.part})" if witness.part else witness.name
        say(words("prompts", "ceremony.words", witness=who, shown=words_shown))
        return words_shown if self._alone else self._line(words("prompts", "ceremony.words.ask"))

    def _line(self, prompt: str) -> str:
        if self._alone:
            return ""
        with interruption_told_as("ceremony"):
            sys.stderr.write(prompt)
            sys.stderr.flush()
            line = sys.stdin.readline()
        if not line:
            raise Interrupted("ceremony")
        return line
