"""What can go wrong on the command line before anything else is asked, and around it.

BadInput
├── BadUsage(problem)                    a command line that cannot be understood
│   ├── NoSuchCommand(command, similar)
│   ├── NoSuchOption(option, similar)
│   ├── MissingParameter(parameter)
│   ├── BadValue(parameter, problem)     the value itself is not repeated: it may be a PIN in the wrong place
│   └── TooManyArguments(count)          nor are these
├── TwoCards(reader, emulator)           a reader and an emulated card were named
├── SecretInArguments(position)          a card command with a secret, where every program of the machine sees it
├── SecretSourceError(source, problem)   a PIN or passphrase that cannot be read from where it should come
├── NoSecret(what, variable)             nobody to ask, and no other source was named
├── PassphraseTooShort(least)            a new passphrase with fewer characters than these
├── SecretsDiffer(what)                  typed twice, not the same
├── SettingsError(path, where, problem)
├── FileUnreadable(path, problem)
│   ├── WrongFile(path, what, problem)   a file that is not what it was named for
│   ├── NotSigned(path, problem, document)    no signature beside a document, or no certificate
│   ├── NothingInFolder(path, what, problem)  a folder without a file of the kind that is looked for
│   └── ResidentsUnreadable(path, problem, row, missing, unknown)   a file of residents that is none, or of another form
├── FileUnwritable(path, problem)
├── FileInTheWay(path)                   a file would be overwritten
├── NoSuchResident(resident_id, path)    a file of residents without this one
├── ConfirmationNeeded(option)           nobody to ask whether it is meant, and the option that says so was not given
├── TerminalNeeded(command)              people have to answer, and there is no terminal
├── TrustNeeded                          nobody said whose certificates are believed
├── TwoTrusts                            Japan's authorities and test authorities, which never go together
└── ForeignFolder(path)                  a folder with files that the demonstration did not make
"""

from __future__ import annotations

from jpki.errors import BadInput

__all__ = [
    "BadUsage",
    "BadValue",
    "ConfirmationNeeded",
    "FileInTheWay",
    "FileUnreadable",
    "FileUnwritable",
    "ForeignFolder",
    "MissingParameter",
    "NoSecret",
    "NoSuchCommand",
    "NoSuchOption",
    "NoSuchResident",
    "NotSigned",
    "NothingInFolder",
    "PassphraseTooShort",
    "ResidentsUnreadable",
    "SecretInArguments",
    "SecretSourceError",
    "SecretsDiffer",
    "SettingsError",
    "TerminalNeeded",
    "TooManyArguments",
    "TrustNeeded",
    "TwoCards",
    "TwoTrusts",
    "WrongFile",
]


class BadUsage(BadInput):
    """Says that a command line cannot be understood."""

    def __init__(self, *, problem: str) -> None:
        super().__init__()
        self.problem = problem


class NoSuchCommand(BadUsage):
    """Says that there is no such command, and which ones look like it."""

    def __init__(self, *, command: str, similar: tuple[str, ...]) -> None:
        super().__init__(problem="no such command")
        self.command = command
        self.similar = similar


class NoSuchOption(BadUsage):
    """Says that the command has no such option, and which ones look like it."""

    def __init__(self, *, option: str, similar: tuple[str, ...]) -> None:
        super().__init__(problem="no such option")
        self.option = option
        self.similar = similar


class MissingParameter(BadUsage):
    """Says which argument or option is missing, as the command's help writes it."""

    def __init__(self, *, parameter: str) -> None:
        super().__init__(problem="missing")
        self.parameter = parameter


class BadValue(BadUsage):
    """Says which argument or option has a value that cannot be, and why; the value is not repeated."""

    def __init__(self, *, parameter: str, problem: str) -> None:
        super().__init__(problem=problem)
        self.parameter = parameter


class TooManyArguments(BadUsage):
    """Says how many words of the command line are too many; they are not repeated."""

    def __init__(self, *, count: int) -> None:
        super().__init__(problem="too many arguments")
        self.count = count


class TwoCards(BadInput):
    """Says that both a reader and an emulated card were named, at the same level."""

    def __init__(self, *, reader: str, emulator: str) -> None:
        super().__init__()
        self.reader = reader
        self.emulator = emulator


class SecretInArguments(BadInput):
    """Says which of the card commands on the command line (from 1) may carry a secret."""

    def __init__(self, *, position: int) -> None:
        super().__init__()
        self.position = position


class SecretSourceError(BadInput):
    """Says that a PIN or passphrase cannot be read from its file, file descriptor or variable."""

    def __init__(self, *, source: str, problem: str) -> None:
        super().__init__()
        self.source = source
        self.problem = problem


class NoSecret(BadInput):
    """Says that a PIN or passphrase is needed, that there is no terminal to ask at, and which variable would do."""

    def __init__(self, *, what: str, variable: str) -> None:
        super().__init__()
        self.what = what
        self.variable = variable


class PassphraseTooShort(BadInput):
    """Says how many characters a new passphrase has to have at least."""

    def __init__(self, *, least: int) -> None:
        super().__init__()
        self.least = least


class SecretsDiffer(BadInput):
    """Says that a new PIN or passphrase was typed twice, differently."""

    def __init__(self, *, what: str) -> None:
        super().__init__()
        self.what = what


class SettingsError(BadInput):
    """Says what is wrong in the settings file or with a variable (`path` is its name), and where."""

    def __init__(self, *, path: str, where: str, problem: str) -> None:
        super().__init__()
        self.path = path
        self.where = where
        self.problem = problem


class FileUnreadable(BadInput):
    """Says that a file cannot be read."""

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__()
        self.path = path
        self.problem = problem


class WrongFile(FileUnreadable):
    """Says that a file is not what it was named for (`what`: "certificate", "login response", …), and why not."""

    def __init__(self, *, path: str, what: str, problem: str) -> None:
        super().__init__(path=path, problem=problem)
        self.what = what


class NotSigned(FileUnreadable):
    """Says that the file `path` is missing, which goes with the signature over a document."""

    def __init__(self, *, path: str, problem: str, document: str) -> None:
        super().__init__(path=path, problem=problem)
        self.document = document


class NothingInFolder(FileUnreadable):
    """Says that a folder holds no file of the kind that is looked for, and how the names of such files end."""

    def __init__(self, *, path: str, what: str, problem: str) -> None:
        super().__init__(path=path, problem=problem)
        self.what = what


class ResidentsUnreadable(FileUnreadable):
    """Says why a file is none of residents, from which row on (counted from 1), and which columns are wrong."""

    def __init__(
        self, *, path: str, problem: str, row: int, missing: tuple[str, ...] = (), unknown: tuple[str, ...] = ()
    ) -> None:
        super().__init__(path=path, problem=problem)
        self.row = row
        self.missing = missing
        self.unknown = unknown


class FileUnwritable(BadInput):
    """Says that a file cannot be written."""

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__()
        self.path = path
        self.problem = problem


class FileInTheWay(BadInput):
    """Says that a file is there already, and that nobody said it may be overwritten."""

    def __init__(self, *, path: str) -> None:
        super().__init__()
        self.path = path


class NoSuchResident(BadInput):
    """Says that a file of residents has no row with this number."""

    def __init__(self, *, resident_id: str, path: str) -> None:
        super().__init__()
        self.resident_id = resident_id
        self.path = path


class ConfirmationNeeded(BadInput):
    """Says that what cannot be taken back has to be confirmed, at a terminal or by an option."""

    def __init__(self, *, option: str) -> None:
        super().__init__()
        self.option = option


class TerminalNeeded(BadInput):
    """Says that a command asks people, at a terminal, and nothing stands in for their answers."""

    def __init__(self, *, command: str) -> None:
        super().__init__()
        self.command = command


class TrustNeeded(BadInput):
    """Says that nobody said whose certificates are to be believed; there is no default."""


class TwoTrusts(BadInput):
    """Says that both Japan's authorities and test authorities were named: no verdict believes both."""


class ForeignFolder(BadInput):
    """Says that a folder holds files that the demonstration did not make, and so may not replace."""

    def __init__(self, *, path: str) -> None:
        super().__init__()
        self.path = path
