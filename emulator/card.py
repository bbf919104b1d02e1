"""A card in software: bytes in, bytes out, and a card file behind it where the card is to last."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from card_profiles import CardProfile, load_profile
from jpki.formats import MAX_EXTENDED, Command, FormatError, Response, StatusWord

from .card_file import CardFile
from .commands import ANYWHERE, INSIDE
from .errors import CardFileNotWritten
from .keys import GeneratedKeys, KeySource
from .memory import VolatileMemory
from .session import CardMemory, Refusal, Session
from .state import CardState, blank_state

__all__ = ["EmulatedCard", "create_blank", "open_card"]

_CHANNEL_NUMBER, _SECURE, _OTHER_SECURE, _CHAINED = 0x03, 0x04, 0x08, 0x10
_FURTHER_CHANNELS, _RESERVED = 0x40, 0x20
_EXTERNAL_AUTHENTICATE = 0x8482
_GET_RESPONSE = (0x00C0, 0x80C0)

_NO_OTHER_SECURE_MESSAGING = StatusWord(0x6882)
_MEMORY_FAILURE = b"\x65\x81"
_NO_DIAGNOSIS = b"\x6f\x00"
_DONE = Response()


class EmulatedCard:
    """A card as a reader sees it: power, reset, and one command at a time, from any thread.

    `transmit` gives a card without power its power first, as a reader does. It answers everything with a status word,
    and raises nothing; with `strict`, for tests, an error inside the emulator is raised instead of answered 6F00. With
    `stumbles` the first command after each power-off answers 6F00 and is not carried out, as some cards do. Randomness
    and fresh keys come from `random` and `keys`.
    """

    def __init__(
        self,
        profile: CardProfile,
        memory: CardMemory,
        *,
        keys: KeySource | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
        strict: bool = False,
        stumbles: bool = False,
    ) -> None:
        self.profile = profile
        self._memory = memory
        self._keys = keys or GeneratedKeys()
        self._random = random
        self._strict = strict
        self._stumbles = stumbles
        self._one_at_a_time = Lock()
        self._closed = False
        self._silent = False
        self._session: Session | None = None
        self._chain: Command | None = None
        self._waiting: Response | None = None

    @property
    def state(self) -> CardState:
        """Returns everything that the card keeps without power, secrets included."""
        return self._memory.state

    @property
    def atr(self) -> bytes:
        """Returns the answer to reset, which the card gives with or without power."""
        return self.profile.atr

    @property
    def powered(self) -> bool:
        """Returns whether the card has power."""
        return self._session is not None

    def power_on(self) -> bytes:
        """Gives the card power and returns its ATR; a card that has power stays as it is."""
        with self._one_at_a_time:
            self._awake()
            return self.profile.atr

    def power_off(self) -> None:
        """Takes the card's power, or the card out of the field: what is selected and verified is forgotten."""
        with self._one_at_a_time:
            self._forget()

    def reset(self) -> bytes:
        """Resets a card that keeps its power, and returns its ATR.

        The secure channel, chains and waiting answers end. The selected application and its verified PINs stay, as on
        a My Number Card. Source: docs/facts.md, commands.
        """
        with self._one_at_a_time:
            session = self._awake()
            session.end_channel()
            self._chain = self._waiting = None
            return self.profile.atr

    def transmit(self, command: bytes) -> bytes:
        """Carries out one command and returns data and status word."""
        with self._one_at_a_time:
            try:
                return self._answer(command if isinstance(command, bytes) else bytes(command))
            except Exception:
                self._forget()
                if self._strict:
                    raise
                return _NO_DIAGNOSIS

    def close(self) -> None:
        """Takes the card's power and lets go of its file; after that it answers 6F00."""
        with self._one_at_a_time:
            self._forget()
            self._closed = self._silent = True
            self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _awake(self) -> Session:
        if self._session is None:
            self._session = Session(self.profile, self._memory, self._keys, self._random)
        return self._session

    def _forget(self) -> None:
        if self._session is not None:
            self._silent = self._stumbles or self._closed
        self._session = self._chain = self._waiting = None

    def _answer(self, raw: bytes) -> bytes:
        session = self._session or self._awake()
        if self._silent:
            self._silent = self._closed
            return _NO_DIAGNOSIS
        try:
            command = Command.decode(raw)
        except FormatError:
            self._chain = self._waiting = None
            return self.profile.status.length.to_bytes(2, "big")
        try:
            response = self._carry_out(session, command)
        except Refusal as refusal:
            return refusal.status.to_bytes(2, "big")
        except CardFileNotWritten:
            return _MEMORY_FAILURE
        data = response.data
        if len(data) > (command.le or 0):
            return self._deliver(response, command.le or 0)
        return data + response.status.to_bytes(2, "big")

    def _carry_out(self, session: Session, command: Command) -> Response:
        waiting, self._waiting = self._waiting, None
        if command.cla & 0x7F or self._chain is not None:
            whole = self._assemble(session, command)
            if whole is None:
                return _DONE
            command = whole
        key = command.cla << 8 | command.ins
        if session.channel is None:
            handler = ANYWHERE.get(key)
            if handler is not None:
                return handler(session, command)
        if key in _GET_RESPONSE:
            return self._rest(waiting, command)
        if command.cla & _SECURE and key != _EXTERNAL_AUTHENTICATE:
            return self._carry_out_secured(session, command)
        if session.channel is not None:
            # A command without secure messaging ends the channel, and is then judged as a plain one.
            session.end_channel()
        return self._handle(session, key, command)

    def _carry_out_secured(self, session: Session, command: Command) -> Response:
        channel = session.channel
        if channel is None:
            raise Refusal(self.profile.status.conditions)
        try:
            plain = channel.unwrap(command)
        except Refusal:
            session.end_channel()
            raise
        session.secured = True
        try:
            response = self._handle(session, plain.cla << 8 | plain.ins, plain)
        finally:
            session.secured = False
        wrapped = response.status >> 8 in (0x90, 0x62, 0x63)
        return channel.wrap(response) if wrapped and session.channel is channel else response

    def _handle(self, session: Session, key: int, command: Command) -> Response:
        handler = (INSIDE.get(key) if session.secured else None) or ANYWHERE.get(key)
        if handler is None:
            status = self.profile.status
            raise Refusal(status.not_allowed if key in INSIDE else status.instruction)
        return handler(session, command)

    def _assemble(self, session: Session, command: Command) -> Command | None:
        """Judges the class, and puts a chain together: None while parts are missing. Source: ISO/IEC 7816-4, 5.3.3."""
        started, self._chain = self._chain, None
        cla, status = command.cla, self.profile.status
        if cla & _RESERVED:
            raise Refusal(status.cla)
        if cla & (_FURTHER_CHANNELS | _CHANNEL_NUMBER):
            raise Refusal(status.channel)
        if cla & _OTHER_SECURE:
            raise Refusal(_NO_OTHER_SECURE_MESSAGING)
        if started is not None and started.header == bytes((cla | _CHAINED, command.ins, command.p1, command.p2)):
            body = started.body + command.body
            if len(body) > MAX_EXTENDED:
                raise Refusal(status.length)
            command = command.with_data(body)
        if not cla & _CHAINED:
            return command
        if not cla & _SECURE:
            session.end_channel()
        self._chain = command
        return None

    def _rest(self, waiting: Response | None, command: Command) -> Response:
        status = self.profile.status
        if command.p1 or command.p2:
            raise Refusal(status.parameters)
        if waiting is None:
            raise Refusal(status.conditions)
        if command.data or command.le is None:
            self._waiting = waiting
            raise Refusal(status.length)
        return waiting

    def _deliver(self, response: Response, expected: int) -> bytes:
        """Gives out what Le allows; the rest waits for GET RESPONSE. Source: ISO/IEC 7816-4, 5.3.4."""
        rest = response.data[expected:]
        self._waiting = Response(rest, response.status)
        return response.data[:expected] + bytes((0x61, len(rest) if len(rest) < 0x100 else 0))


def create_blank(
    profile: CardProfile,
    serial: bytes,
    path: Path | None = None,
    *,
    keys: KeySource | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
    strict: bool = False,
    stumbles: bool = False,
) -> EmulatedCard:
    """Makes a blank card, in a new card file or (no path) in this process only.

    The serial number has 10 bytes. Raises CardFileExists, CardFileBusy, CardFileNotWritten.
    """
    state = blank_state(profile, serial)
    memory = VolatileMemory(state) if path is None else CardFile.create(path, state)
    return EmulatedCard(profile, memory, keys=keys, random=random, strict=strict, stumbles=stumbles)


def open_card(
    path: Path,
    profile: CardProfile | None = None,
    *,
    keys: KeySource | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
    strict: bool = False,
    stumbles: bool = False,
) -> EmulatedCard:
    """Opens a card file; `profile` stands in for the shipped profile of the name that the card gives.

    Raises NoCardFile, CardFileBusy, CardFileExposed, CardFileDamaged and NoSuchProfile.
    """
    file = CardFile.open(path, profile)
    found = profile if profile is not None and profile.name == file.state.profile else load_profile(file.state.profile)
    return EmulatedCard(found, file, keys=keys, random=random, strict=strict, stumbles=stumbles)
