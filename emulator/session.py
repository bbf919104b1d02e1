"""A powered card as its commands see it: what the card knows, what is selected, and how an answer is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from card_profiles import Application, CardProfile, InternalFile, Key, PinPolicy, TransparentFile
from jpki.formats import Command, Response, StatusWord

from .keys import KeySource
from .state import ApplicationState, CardState

__all__ = ["CardMemory", "Handler", "Refusal", "SecureMessaging", "Session"]


class Refusal(Exception):
    """Ends a command with a status word and no data; whoever raises it has changed nothing."""

    def __init__(self, status: StatusWord | int) -> None:
        super().__init__()
        self.status = StatusWord(status)


class CardMemory(Protocol):
    """Where a card's state lasts."""

    @property
    def state(self) -> CardState:
        """Returns what lasts now, whatever happened."""
        ...

    def write(self, state: CardState) -> None:
        """Makes another state last, whole or not at all; raises CardFileNotWritten."""
        ...

    def close(self) -> None:
        """Lets go of whatever holds the state."""
        ...


class SecureMessaging(Protocol):
    """An open secure channel, as the dispatcher uses it."""

    @property
    def own(self) -> bool:
        """Returns whether it was opened with the card's own keys."""
        ...

    def unwrap(self, command: Command) -> Command:
        """Takes a command as it came, its chain put together and the chaining bit clear, and returns the plain one.

        The plain one has no secure-messaging bit. Raises Refusal where MAC or body is wrong; the dispatcher then ends
        the channel.
        """
        ...

    def wrap(self, response: Response) -> Response:
        """Protects an answer with 9000 or a warning (62xx, 63xx); error answers leave as two bare bytes."""
        ...


class Session:
    """One powered card. Commands read and change it; the dispatcher alone makes, resets and drops it.

    - `application`: the selected application, or None while the issuer security domain is selected
    - `file`: identifier of the current EF, or None
    - `verified`: names of the PINs verified in this application
    - `channel`: the open secure channel, or None; `handshake`: whatever INITIALIZE UPDATE leaves for the next command
    - `secured`: whether the command being carried out came through the channel
    """

    __slots__ = (
        "application",
        "channel",
        "file",
        "handshake",
        "keys",
        "memory",
        "profile",
        "random",
        "secured",
        "verified",
    )

    def __init__(
        self, profile: CardProfile, memory: CardMemory, keys: KeySource, random: Callable[[int], bytes]
    ) -> None:
        self.profile = profile
        self.memory = memory
        self.keys = keys
        self.random = random
        self.application: Application | None = None
        self.file: int | None = None
        self.verified: set[str] = set()
        self.channel: SecureMessaging | None = None
        self.handshake: object | None = None
        self.secured = False

    @property
    def state(self) -> CardState:
        """Returns the card's lasting state."""
        return self.memory.state

    @property
    def own(self) -> bool:
        """Returns whether this command came through a channel that was opened with the card's own keys."""
        return self.secured and self.channel is not None and self.channel.own

    @property
    def selected(self) -> Application:
        """Returns the selected application; refuses the command where only the issuer domain is selected."""
        if self.application is None:
            raise Refusal(self.profile.status.no_current)
        return self.application

    @property
    def contents(self) -> ApplicationState:
        """Returns what the selected application holds; refuses the command where only the issuer domain is selected."""
        if self.application is None:
            raise Refusal(self.profile.status.no_current)
        return self.memory.state.applications[self.application.name]

    def commit(self, state: CardState) -> None:
        """Makes a state last before the command goes on; raises CardFileNotWritten, which the card answers by 6581."""
        self.memory.write(state)

    def commit_contents(self, contents: ApplicationState) -> None:
        """Makes other contents of the selected application last; raises CardFileNotWritten."""
        self.commit(self.state.with_application(self.selected.name, contents))

    def select(self, application: Application | None) -> None:
        """Makes an application current (None: the issuer domain), without a current EF; ends the secure channel.

        Verified PINs are forgotten when another application than the current one is selected.
        Source: docs/facts.md, commands.
        """
        if application is not self.application:
            self.verified.clear()
        self.application = application
        self.file = None
        self.end_channel()

    def find(self, file: int) -> TransparentFile | PinPolicy | Key | InternalFile:
        """Returns what the profile declares under a file identifier; refuses one that is not there.

        A transparent file is there once it was created; a key or PIN file always, even while it is empty.
        """
        application = self.application
        if application is None:
            raise Refusal(self.profile.status.no_current)
        declared = application.by_id.get(file)
        files = self.memory.state.applications[application.name].files
        if declared is None or (file not in files and isinstance(declared, TransparentFile)):
            raise Refusal(self.profile.status.no_file)
        return declared

    def refer(self, reference: int) -> TransparentFile | PinPolicy | Key | InternalFile:
        """Returns what P2 of VERIFY or COMPUTE DIGITAL SIGNATURE names, and makes it the current EF.

        80 is the current EF, 81 to 9E a short identifier; anything else is refused. Source: docs/facts.md, commands.
        """
        if not 0x80 <= reference <= 0x9E:
            raise Refusal(self.profile.status.parameters)
        file = reference & 0x1F or self.file
        if file is None:
            raise Refusal(self.profile.status.no_current)
        declared = self.find(file)
        self.file = file
        return declared

    def end_channel(self) -> None:
        """Ends the secure channel, and a handshake on its way to one."""
        self.channel = None
        self.handshake = None


Handler: TypeAlias = Callable[[Session, Command], Response]
