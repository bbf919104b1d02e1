"""The card of a command: in a reader, or emulated; and one session of its JPKI application after another."""

from __future__ import annotations

import functools
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from .console import say
from .errors import TwoCards
from .foreign import printable
from .frame import file_option, frame_of, option
from .settings import Settings
from .stopping import interruption_told_as

if TYPE_CHECKING:
    from card_profiles import CardProfile
    from jpki.card import Card, Connection, Exchange, JpkiApplication

__all__ = [
    "DEFAULT_PROFILE",
    "CardChoice",
    "OpenedCard",
    "card_options",
    "issuing_command",
    "open_chosen_card",
    "profile_option",
    "show_exchange",
]


DEFAULT_PROFILE = "mynumber"
"""What a blank card is, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class CardChoice:
    """Which card is meant, and what is known of it. No reader and no file: the only JPKI card in any reader."""

    reader: str | None = None
    emulator: Path | None = None
    profile: str | None = None
    trace: bool = False

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        reader: str | None = None,
        emulator: Path | None = None,
        profile: str | None = None,
        trace: bool = False,
    ) -> CardChoice:
        """Returns the choice of the options, else that of the settings; raises TwoCards where one of them names two."""
        if reader is None and emulator is None:
            reader = settings.reader
            emulator = Path(settings.emulator).expanduser() if settings.emulator else None
        if reader is not None and emulator is not None:
            raise TwoCards(reader=reader, emulator=str(emulator))
        return cls(reader, emulator, profile or settings.profile, trace)

    def command(self, words: str) -> str:
        """Returns a command for this card as it can be typed now."""
        if self.emulator is not None:
            return f"{words} --emulator {shlex.quote(str(self.emulator))}"
        return words if self.reader is None else f"{words} --reader {shlex.quote(self.reader)}"


def issuing_command(words: str, card: CardChoice, settings: Settings) -> str:
    """Returns a command of the card's authority as it can be typed now, but for what is in capitals."""
    return card.command(words if settings.ca else f"{words} --ca FOLDER")


@dataclass(slots=True)
class OpenedCard:
    """A card that was opened: `connection` below, `card` to send commands to, `profile` as far as it is known."""

    connection: Connection
    card: Card
    profile: CardProfile | None

    @property
    def name(self) -> str:
        """Returns the reader's name, or the card file."""
        return self.connection.name

    def kind(self) -> CardProfile:
        """Returns the profile, found out by a session of its own where it is not known yet."""
        if self.profile is not None:
            return self.profile
        with self.session() as jpki:
            return jpki.profile

    @contextmanager
    def session(self) -> Iterator[JpkiApplication]:
        """Selects the JPKI application, for a block in which nobody else gets at the card, logged out at its end.

        The first session finds out which kind of card it is, if that is not known: one exchange more.
        """
        from jpki.card import JpkiApplication, find_application

        if self.profile is None:
            with find_application(self.card) as jpki:
                self.profile = jpki.profile
                yield jpki
        else:
            with JpkiApplication.select(self.card, self.profile) as jpki:
                yield jpki


@contextmanager
def open_chosen_card(choice: CardChoice) -> Iterator[OpenedCard]:
    """Opens the card that is meant, and gives it back logged out. Raises CardError, and BadInput for a card file."""
    from jpki.card import Encoded, Resolving, Traced

    connection, profile = _connect(choice)
    with interruption_told_as("card"), connection:
        encoded = Encoded(connection)
        lowest = Traced(encoded, show_exchange, time.monotonic) if choice.trace else encoded
        yield OpenedCard(connection, Resolving(lowest), profile)


def _connect(choice: CardChoice) -> tuple[Connection, CardProfile | None]:
    if choice.emulator is not None:
        from .emulated import CardFileConnection

        emulated = CardFileConnection(choice.emulator)
        return emulated, emulated.profile
    from card_profiles import load_profile
    from jpki.card import open_card_reader

    profile = None if choice.profile is None else load_profile(choice.profile)
    return open_card_reader(choice.reader), profile


def show_exchange(exchange: Exchange) -> None:
    """Prints an exchange on standard error; no secret is in it."""
    say(str(exchange))


def card_options(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds the options that say which card is meant; the function gets them as its first argument, a CardChoice."""

    @functools.wraps(function)
    def with_choice(
        *, reader: str | None, emulator: Path | None, profile: str | None, trace: bool, **others: object
    ) -> object:
        settings = frame_of(click.get_current_context()).settings
        choice = CardChoice.of(settings, reader=reader, emulator=emulator, profile=profile, trace=trace)
        return function(choice, **others)

    decorated: Any = with_choice
    for decorate in (
        option("--trace", is_flag=True),
        profile_option,
        file_option("--emulator", "-e"),
        option("--reader", "-r", metavar="NAME", shell_complete=_complete_readers),
    ):
        decorated = decorate(decorated)
    return decorated


def profile_option(function: Any) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds `--profile` to a command."""
    return option("--profile", metavar="NAME", shell_complete=_complete_profiles)(function)


def _complete_readers(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from jpki.card import readers
    from jpki.errors import JpkiError

    try:
        found = readers()
    except JpkiError:
        return []
    quoted = os.environ.get("_JPKI_COMPLETE", "").startswith("bash")
    # A name with characters that act on a terminal is one that nobody can type.
    names = [reader.name for reader in found if printable(reader.name) == reader.name]
    fitting = [name for name in names if incomplete.casefold() in name.casefold()]
    return [CompletionItem(_quoted_for_bash(name) if quoted else name) for name in fitting]


def _quoted_for_bash(name: str) -> str:
    """Returns a name as it would be typed, and that once more: the script of bash takes one layer off.

    The other shells do their own quoting.
    """
    return re.sub(r"([^\w@%+=:,./-])", r"\\\\\1", name)


def _complete_profiles(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from card_profiles import profile_names

    return [CompletionItem(name) for name in profile_names() if name.startswith(incomplete)]
