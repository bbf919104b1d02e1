"""The program, and cards for it to use."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cards_in_files import card_file_of, card_of
from command_line import AtTerminal, Done, Invoke, Program, Terminal, surroundings
from offices import ADULT, DUE, Office, made_office, years_ago
from virtual_reader import pcsc_daemon, pcscd

from cli.app import run
from cli.language import use_language

__all__ = ["pcsc_daemon", "pcscd"]


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return card_file_of(tmp_path / "card.jpki", card_of())


@pytest.fixture
def jpki(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def at_terminal(jpki: Program) -> Iterator[AtTerminal]:
    """Starts the program at a terminal; whatever still runs is ended with the test."""
    started: list[Terminal] = []

    def start(*arguments: object, columns: int = 100, **env: str) -> Terminal:
        started.append(jpki.at_terminal(*arguments, columns=columns, **env))
        return started[-1]

    yield start
    for terminal in started:
        terminal.kill()


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Invoke]:
    """Runs the program in this process, quickly, as `Program` runs it in one of its own."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.chdir(tmp_path)

    def started(*arguments: object, stdin: bytes = b"", at_terminal: bool = False, **env: str) -> Done:
        with monkeypatch.context() as patch:
            for name in os.environ:
                if name.startswith(("JPKI_", "LC_", "LANG", "XDG_")):
                    patch.delenv(name)
            for name, value in surroundings(tmp_path, **env).items():
                patch.setenv(name, value)
            streams = {name: io.TextIOWrapper(io.BytesIO(), "utf-8") for name in ("stdout", "stderr")}
            if at_terminal:
                patch.setenv("NO_COLOR", "1")
                patch.setattr(streams["stdout"], "isatty", lambda: True)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
            for name, stream in streams.items():
                patch.setattr(sys, name, stream)
            with pytest.raises(SystemExit) as end:
                run([str(argument) for argument in arguments])
            use_language(None)
            out, told = (_content(streams[name]) for name in ("stdout", "stderr"))
            assert isinstance(end.value.code, int)
            return Done(end.value.code, out, told.decode("utf-8"))

    yield started
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _content(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


@pytest.fixture(scope="session")
def office_originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Office]:
    """Offices that are made once, because keys under a passphrase take their time: copy them."""
    new = made_office(tmp_path_factory.mktemp("office"), datetime.now(UTC).replace(microsecond=0))
    issued = new.copied_to(tmp_path_factory.mktemp("office") / "issued")
    issued.issue(ADULT, datetime.now(UTC).replace(microsecond=0))
    old = made_office(tmp_path_factory.mktemp("office"), years_ago())
    old.issue(DUE, years_ago())
    signed = issued.copied_to(tmp_path_factory.mktemp("office") / "signed")
    signed.sign("contract", b"what was agreed")
    signed.publish()
    return {"new": new, "issued": issued, "old": old, "signed": signed}


@pytest.fixture
def office(office_originals: dict[str, Office], tmp_path: Path) -> Office:
    """An office that has issued nothing, in the folder in which the program runs."""
    return office_originals["new"].copied_to(tmp_path)


@pytest.fixture
def issued_office(office_originals: dict[str, Office], tmp_path: Path) -> Office:
    """An office that has issued a card just now, to ADULT."""
    return office_originals["issued"].copied_to(tmp_path)


@pytest.fixture
def old_office(office_originals: dict[str, Office], tmp_path: Path) -> Office:
    """An office that issued a card years ago, to DUE; its certificates end thirty days from now."""
    return office_originals["old"].copied_to(tmp_path)


@pytest.fixture
def signed(office_originals: dict[str, Office], tmp_path: Path) -> Office:
    """An office with a signed contract and lists of just now."""
    return office_originals["signed"].copied_to(tmp_path)
