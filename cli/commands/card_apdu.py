"""`jpki card apdu`: commands as bytes, for people who develop for cards."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click

from jpki.formats import Command, FormatError, Response
from jpki.terms import Secret

from ..cards import CardChoice, card_options, open_chosen_card, show_exchange
from ..catalogue import text_of, words
from ..console import say, write_text
from ..errors import BadValue, SecretInArguments
from ..frame import argument, command, frame_of
from ..report import Report

if TYPE_CHECKING:
    from jpki.card import Connection

__all__ = ["apdu"]

_HEADER = 4
_WITHOUT_BODY = 5
_MOST_BYTES = 4 + 3 + 65_535 + 2
_MOST_INPUT = 1 << 26


@command("card.apdu")
@argument("commands", nargs=-1, metavar="[HEX]...")
@card_options
@click.pass_context
def apdu(context: click.Context, choice: CardChoice, *, commands: tuple[str, ...]) -> Report | None:
    """Sends commands as they are typed, and prints each response: its data and the status word."""
    raw = _from_arguments(commands) if commands else _from_standard_input()
    as_json = frame_of(context).json
    answered: list[dict[str, object]] = []
    with open_chosen_card(choice) as opened, opened.connection.exclusive():
        for number, response in enumerate(_responses(opened.connection, raw, trace=choice.trace), 1):
            answered.append({"number": number, "data": response.data, "status": response.status})
            if not as_json:
                write_text(f"{response.data.hex().upper()} {text_of(response.status)}".strip())
        name = opened.name
    return Report("card-apdu", {"card": name, "responses": answered}) if as_json else None


def _responses(connection: Connection, raw: list[bytes], *, trace: bool) -> Iterator[Response]:
    from jpki.card import Traced

    exact = _AsTyped(connection)
    card = Traced(exact, show_exchange, time.monotonic) if trace else exact
    for command_bytes in raw:
        exact.typed = command_bytes
        yield card.send(_for_the_trace(command_bytes))


class _AsTyped:
    """A card that gets `typed`, the bytes themselves: how a command is written may be what is to be tried."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.typed = b""

    def send(self, command: Command) -> Response:
        """Brings the response to what was typed."""
        return Response.decode(self._connection.transmit(self.typed))

    def exclusive(self) -> AbstractContextManager[None]:
        """Keeps every other program off the card while it lasts."""
        return self._connection.exclusive()


def _for_the_trace(raw: bytes) -> Command:
    try:
        return Command.decode(raw)
    except FormatError:
        # No command of any case: what stands behind the header may be anything, a PIN too.
        return Command(raw[0], raw[1], raw[2], raw[3], Secret(raw[_HEADER:]))


def _from_arguments(commands: tuple[str, ...]) -> list[bytes]:
    from jpki.card import SECRET_BODIES

    raw = [_bytes_of(text) for text in commands]
    for position, command_bytes in enumerate(raw, 1):
        if len(command_bytes) > _WITHOUT_BODY and command_bytes[1] in SECRET_BODIES:
            raise SecretInArguments(position=position)
    return raw


def _from_standard_input() -> list[bytes]:
    if sys.stdin.isatty():
        # All of them are read before the first is sent: nobody holds a card while a person types.
        say(words("prompts", "apdu"))
    lines = sys.stdin.buffer.read(_MOST_INPUT).decode("ascii", "replace").splitlines()
    return [_bytes_of(text) for line in lines if (text := line.partition("#")[0].strip())]


def _bytes_of(text: str) -> bytes:
    digits = re.sub(r"[\s:]", "", text)
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", digits):
        raise BadValue(parameter="HEX", problem="not whole octets in hexadecimal")
    raw = bytes.fromhex(digits)
    if len(raw) < _HEADER:
        raise BadValue(parameter="HEX", problem="shorter than a command's header")
    if len(raw) > _MOST_BYTES:
        raise BadValue(parameter="HEX", problem="longer than any command")
    return raw
