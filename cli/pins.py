"""Where PINs and passphrases come from: a file descriptor, a file, a variable, or a prompt; never an argument."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jpki.terms import Pin, Role, Secret

from .catalogue import words
from .console import say
from .errors import NoSecret, SecretsDiffer, SecretSourceError
from .frame import file_option, option

__all__ = [
    "SecretSource",
    "as_pin",
    "ask_new_secret",
    "ask_secret",
    "new_pin_options",
    "passphrase_options",
    "pin_options",
    "pin_variable",
    "refuse_without_terminal",
    "type_again",
    "type_secret",
]

_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where one secret is read from when nobody is to be asked. `options` are the names of those for fd and file.

    A file descriptor gives its next line, a file its line number `line`, counted from 1.
    """

    variable: str
    fd: int | None = None
    file: Path | None = None
    options: tuple[str, str] = ("--pin-fd", "--pin-file")
    line: int = 1

    def __post_init__(self) -> None:
        if self.fd is not None and self.file is not None:
            raise SecretSourceError(source=", ".join(self.options), problem="both were given")

    @property
    def given(self) -> bool:
        """Returns whether there is such a place, so that nobody has to be asked."""
        return self.fd is not None or self.file is not None or bool(os.environ.get(self.variable))

    def read(self) -> Secret | None:
        """Returns the secret (a line, without the line end), or None where no source has it."""
        if self.fd is not None:
            number = self.fd
            return _one_line(f"{self.options[0]} {number}", lambda: _read_fd(number))
        if self.file is not None:
            path = self.file
            return _one_line(str(path), lambda: _read_file(path, self.line))
        value = os.environ.get(self.variable)
        return Secret(os.fsencode(value)) if value else None


def _read_fd(number: int) -> bytes:
    # One byte at a time: the next line may be the next secret.
    line = bytearray()
    while len(line) < _LONGEST and (byte := os.read(number, 1)) not in (b"", b"\n"):
        line += byte
    return bytes(line)


def _read_file(path: Path, line: int) -> bytes:
    with path.open("rb") as stream:
        for _ in range(line - 1):
            stream.readline(_LONGEST)
        return stream.readline(_LONGEST)


def _one_line(source: str, read: Callable[[], bytes]) -> Secret:
    try:
        line = read()
    except (OSError, ValueError, OverflowError) as error:
        problem = error.strerror if isinstance(error, OSError) and error.strerror else "cannot be read"
        raise SecretSourceError(source=source, problem=problem) from error
    value = line.rstrip(b"\r\n")
    if not value:
        raise SecretSourceError(source=source, problem="empty")
    return Secret(value)


def ask_secret(source: SecretSource, prompt: str, what: str) -> Secret:
    """Returns the secret from its source, or else from a prompt without echo; NoSecret where nobody can be asked."""
    found = source.read()
    if found is not None:
        return found
    refuse_without_terminal(source, what)
    return type_secret(prompt)


def ask_new_secret(source: SecretSource, prompt: str, what: str) -> Secret:
    """Returns a new secret like `ask_secret`; at a prompt it is typed twice, and SecretsDiffer where the two differ."""
    found = source.read()
    if found is not None:
        return found
    refuse_without_terminal(source, what)
    first = type_secret(prompt)
    type_again(first, what)
    return first


def refuse_without_terminal(source: SecretSource, what: str) -> None:
    """Raises NoSecret where a secret comes from no source and nobody can be asked: before a card is asked anything."""
    if not source.given and not sys.stdin.isatty():
        raise NoSecret(what=what, variable=source.variable)


def type_secret(prompt: str) -> Secret:
    """Returns what a person types at the terminal, which does not show it."""
    import getpass  # loads termios, which not every command needs

    try:
        return Secret(getpass.getpass(prompt, stream=sys.stderr).encode("utf-8", "surrogateescape"))
    except BaseException:
        say("")  # what is said next begins a line of its own
        raise


def type_again(first: Secret, what: str) -> None:
    """Has a new secret typed once more; raises SecretsDiffer where the two differ."""
    if first != type_secret(words("prompts", "again")):
        raise SecretsDiffer(what=what)


def as_pin(secret: Secret) -> Pin:
    """Returns a secret as a PIN; bytes that are no text become a PIN of the wrong form."""
    return Pin(secret.reveal().decode("utf-8", "replace"))


def pin_variable(role: Role, *, new: bool = False) -> str:
    """Returns the environment variable that may hold a role's PIN, or its new PIN."""
    return f"JPKI_{'NEW_' if new else ''}{role.short.upper()}_PIN"


def pin_options(function: Any) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds `--pin-fd` and `--pin-file` to a command."""
    return option("--pin-fd", type=int, metavar="N")(file_option("--pin-file")(function))


def new_pin_options(function: Any) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds `--new-pin-fd` and `--new-pin-file` to a command."""
    return option("--new-pin-fd", type=int, metavar="N")(file_option("--new-pin-file")(function))


def passphrase_options(function: Any) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds `--passphrase-fd` to a command."""
    return option("--passphrase-fd", type=int, metavar="N")(function)
