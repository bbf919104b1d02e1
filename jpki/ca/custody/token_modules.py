"""The PKCS#11 modules of this process: loaded once, started again after a fault, one login a token.

A module is shared by all that is kept in its tokens. Whoever works with it says so (`use`), so that it is started
again only while nobody does: to start a module ends every session there is.

Source: PKCS#11 2.40 base, 2.5 (general-purpose functions), 2.6 (sessions)
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pkcs11
from pkcs11 import PKCS11Error, Session, Token, TokenFlag

from jpki.terms import Secret

from .errors import (
    TokenAmbiguous,
    TokenFailed,
    TokenMissing,
    TokenModuleFailed,
    TokenPinBlocked,
    TokenPinMissing,
    TokenPinUnreadable,
    TokenPinWrong,
)
from .key_uri import TokenPlace
from .module_start import make_token, restart

if TYPE_CHECKING:
    from pkcs11._pkcs11 import lib

__all__ = ["TokenModule", "module_of"]

_LONGEST_PIN = 256

# Made at the start and kept nowhere else. A plain hash of four digits is as good as the digits.
_MARKING_KEY = Secret(secrets.token_bytes(32))


class TokenModule:
    """One PKCS#11 module in this process. Every method may be called by several threads at once."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.epoch = 0
        self._library: lib | None = None
        # PINs that a token refused, as marks under a key of this process: none is sent a second time.
        self._refused: set[tuple[str, bytes]] = set()
        self.forget_the_parent()

    def forget_the_parent(self) -> None:
        """Makes a process that was forked start the module for itself; locks of other threads stayed behind."""
        self._turn = threading.Condition()
        self._login = threading.Lock()
        self._users = 0
        self._stale = True
        self._logged_in: dict[str, Session] = {}

    @contextmanager
    def use(self, place: TokenPlace) -> Iterator[int]:
        """Keeps the module as it is within the block, and gives its epoch: sessions of an earlier one are gone.

        Not to be nested. Any error of the module spoils it: the next use starts it again. Raises TokenModuleFailed,
        TokenFailed.
        """
        with self._turn:
            self._turn.wait_for(lambda: not (self._stale and self._users))
            if self._stale:
                self._start(place)
            self._users += 1
            epoch = self.epoch
        try:
            yield epoch
        except PKCS11Error as error:
            self.spoil()
            raise TokenFailed(file=str(place), problem=_reason(error)) from error
        finally:
            with self._turn:
                self._users -= 1
                self._turn.notify_all()

    def spoil(self) -> None:
        """Has the module started again before it is used the next time."""
        with self._turn:
            self._stale = True

    def session(self, place: TokenPlace, *, writing: bool = False) -> Session:
        """Returns a new session on the token of a place, logged in; to be called within `use`.

        Raises TokenMissing, TokenAmbiguous, TokenPinMissing, TokenPinUnreadable, TokenPinWrong, TokenPinBlocked.
        """
        token = self._token(place)
        if token.flags & TokenFlag.LOGIN_REQUIRED:
            self._log_in(token, place)
        # Without a PIN: a session that brought one logs all others out when it is closed.
        return token.open(rw=writing)

    def initialise(self, place: TokenPlace, security_officer_pin: Secret, pin: Secret) -> None:
        """Makes an empty token in a slot that has none yet, with the label and the PIN of a place.

        Only for a rehearsal: a real token is initialised with its maker's program. Raises TokenMissing where every slot
        has its token, TokenFailed.
        """
        with self.use(place):
            slots = self._library.get_slots(token_present=True) if self._library is not None else []
            empty = [one for one in slots if not one.get_token().flags & TokenFlag.TOKEN_INITIALIZED]
            if not empty:
                raise TokenMissing(file=str(place), module=self.path)
            problem = make_token(self.path, empty[0].slot_id, place.token, security_officer_pin)
            if problem is not None:
                raise TokenFailed(file=str(place), problem=problem)
        self.spoil()  # the slot of the new token has another number from now on
        with self.use(place):
            session = self._token(place).open(rw=True, so_pin=security_officer_pin.reveal().decode())
            session.init_pin(pin.reveal().decode())
            session.close()

    def _start(self, place: TokenPlace) -> None:
        self._logged_in.clear()
        self.epoch += 1
        try:
            if self._library is None:
                self._library = pkcs11.lib(self.path)
            problem = restart(self.path)
        except PKCS11Error as error:
            problem = _reason(error)
        if problem is not None:
            raise TokenModuleFailed(file=str(place), module=self.path, problem=problem)
        self._stale = False

    def _token(self, place: TokenPlace) -> Token:
        found: list[Token] = []
        for slot in self._library.get_slots(token_present=True) if self._library is not None else ():
            if place.slot_id is not None and slot.slot_id != place.slot_id:
                continue
            try:
                token = slot.get_token()
            except PKCS11Error:
                continue  # taken out meanwhile, or out of order: not the one that is looked for
            if token.flags & TokenFlag.TOKEN_INITIALIZED and _fits(token, place):
                found.append(token)
        if not found:
            # Some modules look for tokens only when they start.
            self.spoil()
            raise TokenMissing(file=str(place), module=self.path)
        if len(found) > 1:
            raise TokenAmbiguous(file=str(place), count=len(found))
        return found[0]

    def _log_in(self, token: Token, place: TokenPlace) -> None:
        with self._login:
            which = f"{token.slot.slot_id}/{_serial(token)}/{token.label}"
            if which in self._logged_in:
                return
            pin = _pin(place)
            mark = (f"{_serial(token)}/{token.label}", _mark_of(pin))
            if mark in self._refused:
                raise TokenPinWrong(file=str(place))
            if token.flags & TokenFlag.USER_PIN_LOCKED:
                raise TokenPinBlocked(file=str(place))
            try:
                self._logged_in[which] = _logged_in_by(token, pin)
            except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange):
                self._refused.add(mark)
                raise TokenPinWrong(file=str(place)) from None
            except pkcs11.PinLocked:
                self._refused.add(mark)
                raise TokenPinBlocked(file=str(place)) from None


_modules: dict[str, TokenModule] = {}
_modules_lock = threading.Lock()


def module_of(place: TokenPlace) -> TokenModule:
    """Returns the module of a place; there is one in this process for each path."""
    path = place.module_path or _file_name(place.module_name)
    with _modules_lock:
        return _modules.setdefault(path, TokenModule(path))


def _file_name(name: str) -> str:
    """Returns what a module is called where the system looks for libraries. Source: RFC 7512, 2.3"""
    if sys.platform == "win32":
        return f"{name}.dll"
    return f"lib{name}.dylib" if sys.platform == "darwin" else f"lib{name}.so"


def _after_fork() -> None:
    global _modules_lock  # noqa: PLW0603 - a lock that another thread held stays locked in the child
    _modules_lock = threading.Lock()
    for module in _modules.values():
        module.forget_the_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _fits(token: Token, place: TokenPlace) -> bool:
    pairs = (
        (place.token, token.label),
        (place.serial, _serial(token)),
        (place.manufacturer, token.manufacturer_id),
        (place.model, token.model),
    )
    return all(wanted in ("", there) for wanted, there in pairs)


def _serial(token: Token) -> str:
    return token.serial.decode("utf-8", "replace").strip("\x00 ")


def _pin(place: TokenPlace) -> Secret:
    """Returns the PIN: the first line of the file that the place names."""
    source = place.pin_source
    if source is None:
        raise TokenPinMissing(file=str(place))
    try:
        with source.open("rb") as stream:
            if os.name != "nt" and os.fstat(stream.fileno()).st_mode & stat.S_IRWXO:
                raise TokenPinUnreadable(file=str(place), source=str(source), problem="open to everybody")
            pin = Secret(stream.readline(_LONGEST_PIN + 2).rstrip(b"\r\n"))
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise TokenPinUnreadable(file=str(place), source=str(source), problem=problem) from None
    if not pin:
        raise TokenPinUnreadable(file=str(place), source=str(source), problem="empty")
    try:
        text = len(pin.reveal().decode()) <= _LONGEST_PIN
    except UnicodeDecodeError:
        text = False
    if not text:
        raise TokenPinUnreadable(file=str(place), source=str(source), problem="not a PIN")
    return pin


def _mark_of(pin: Secret) -> bytes:
    """Returns what tells a PIN from others within this process, and tells nobody else anything."""
    return hmac.digest(_MARKING_KEY.reveal(), pin.reveal(), "sha256")


def _logged_in_by(token: Token, pin: Secret) -> Session:
    """Opens the session that keeps the token logged in: the one place where a PIN leaves this process."""
    return token.open(user_pin=pin.reveal().decode())


def _reason(error: PKCS11Error) -> str:
    """Returns what the module says, in a few words: the loader's where it gave any, else the error's name."""
    told = str(error).strip()
    return told.rpartition(": ")[2] if told.startswith("OS exception") else type(error).__name__
