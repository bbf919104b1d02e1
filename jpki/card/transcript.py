"""A card's answers written down, and a card that gives them again: a JSON object a line (docs/card.md, transcripts)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from jpki.formats import Command, FormatError, Response

from .channel import Card, Wrapped
from .errors import OffTranscript
from .trace import SECRET_BODIES

__all__ = ["Entry", "Recorded", "Replayed", "read_transcript"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange of a transcript. `body` is None where it was secret: then any body fits.

    The command is kept without its length fields, because how it travels is not the card's matter.
    """

    header: bytes
    body: bytes | None
    le: int | None
    response: Response

    @classmethod
    def of(cls, command: Command, response: Response) -> Entry:
        """Returns the entry for an exchange, without a body that may be a secret."""
        secret = command.secret or (command.ins in SECRET_BODIES and bool(command.body))
        return cls(command.header, None if secret else command.body, command.le, response)

    def fits(self, command: Command) -> bool:
        """Returns whether a command is the one of this entry, as far as the entry knows it."""
        same = self.header == command.header and self.le == command.le
        return same and (bool(command.body) if self.body is None else self.body == command.body)

    def to_json(self) -> str:
        """Returns the line of this entry."""
        body = None if self.body is None else self.body.hex().upper()
        entry = {"header": self.header.hex().upper(), "body": body, "le": self.le}
        return json.dumps(entry | {"response": self.response.encode().hex().upper()})

    @classmethod
    def from_json(cls, line: str) -> Entry:
        """Reads one line; raises FormatError."""
        try:
            entry = json.loads(line)
            body = None if entry["body"] is None else bytes.fromhex(entry["body"])
            header, le = bytes.fromhex(entry["header"]), entry["le"]
            response = Response.decode(bytes.fromhex(entry["response"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FormatError(what="transcript", problem="a line that is no exchange") from error
        if len(header) != 4 or not (le is None or isinstance(le, int)):
            raise FormatError(what="transcript", problem="a line that is no exchange")
        return cls(header, body, le, response)


def read_transcript(lines: Iterable[str]) -> tuple[Entry, ...]:
    """Reads a transcript, empty lines left out; raises FormatError."""
    return tuple(Entry.from_json(line) for line in lines if line.strip())


class Recorded(Wrapped):
    """Writes down each exchange, one line at a time.

    PINs and keys on their way to the card are left out. What the card answers is kept whole: record test cards only.
    """

    def __init__(self, card: Card, write: Callable[[str], object]) -> None:
        super().__init__(card)
        self._write = write

    def send(self, command: Command) -> Response:
        """Brings the response of the card below, and writes the exchange down."""
        response = self._card.send(command)
        self._write(Entry.of(command, response).to_json() + "\n")
        return response


class Replayed:
    """A card that gives the answers of a transcript to the same commands in the same order."""

    def __init__(self, transcript: Iterable[Entry]) -> None:
        self._entries: Iterator[Entry] = iter(tuple(transcript))
        self._number = 0

    def send(self, command: Command) -> Response:
        """Brings the next response of the transcript; raises OffTranscript where the command is another."""
        self._number += 1
        entry = next(self._entries, None)
        if entry is None:
            raise OffTranscript(number=self._number, problem="the transcript has ended")
        if not entry.fits(command):
            raise OffTranscript(number=self._number, problem="another command than the transcript's")
        return entry.response

    def exclusive(self) -> AbstractContextManager[None]:
        """Does nothing: nobody else is at a transcript."""
        return nullcontext()
