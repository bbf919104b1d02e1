"""The PIN of a card operation: tries left before the prompt, nothing held while a person types, then the same card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jpki.terms import Pin, Role

from .cards import OpenedCard
from .catalogue import words
from .console import say
from .frame import option
from .pins import SecretSource, as_pin, ask_new_secret, ask_secret, refuse_without_terminal

if TYPE_CHECKING:
    from card_profiles import PinPolicy
    from jpki.card import JpkiApplication

__all__ = ["AskedPin", "ask_new_pin", "ask_pin", "last_try_option", "logged_in", "pin_name", "refuse_bad_form"]


@dataclass(frozen=True, slots=True)
class AskedPin:
    """A PIN, and the tries that were left when it was asked for; None where the card was not asked."""

    pin: Pin
    tries_left: int | None = None


def pin_name(role: Role, *, new: bool = False) -> str:
    """Returns what people call the PIN of a role: a password for signatures, a PIN for logins."""
    return words("prompts", f"{'new-' if new else ''}pin.{role.short}")


@contextmanager
def logged_in(
    opened: OpenedCard, role: Role, source: SecretSource, *, allow_last_try: bool
) -> Iterator[JpkiApplication]:
    """Opens a session in which the PIN of a role is verified.

    With the PIN at hand that is select, tries (unless the last may be used) and verify; else two sessions, select and
    tries before the prompt, select and verify after it. Raises NoSecret, BadPinForm, WrongPin, PinBlocked, LastTry.
    """
    asked = ask_pin(opened, role, source, allow_last_try=allow_last_try)
    with opened.session() as jpki:
        jpki.verify_pin(role, asked.pin, allow_last_try=allow_last_try, tries_left=asked.tries_left)
        yield jpki


def ask_pin(opened: OpenedCard, role: Role, source: SecretSource, *, allow_last_try: bool) -> AskedPin:
    """Returns the PIN of a role from its source, or from a prompt that shows the tries left.

    Nobody is asked for a PIN that is blocked (PinBlocked), nor for the last try where that may not be used (LastTry).
    """
    refuse_without_terminal(source, pin_name(role))
    if (found := source.read()) is not None:
        return AskedPin(as_pin(found))
    with opened.session() as jpki:
        left = jpki.tries_left(role)
        policy = jpki.profile.jpki.roles[role].pin
    _refuse_hopeless(role, left, allow_last_try=allow_last_try)
    prompt = words("prompts", "pin.ask", what=pin_name(role), form=_form(policy), left=_left(left))
    pin = as_pin(ask_secret(source, prompt, pin_name(role)))
    refuse_bad_form(role, policy, pin)
    return AskedPin(pin, left)


def ask_new_pin(role: Role, source: SecretSource, policy: PinPolicy | None) -> Pin:
    """Returns a new PIN from its source, or from a prompt, typed twice; raises NoSecret, SecretsDiffer, BadPinForm."""
    what = pin_name(role, new=True)
    form = "" if policy is None else _form(policy)
    pin = as_pin(ask_new_secret(source, words("prompts", "new-pin.ask", what=what, form=form), what))
    if policy is not None:
        refuse_bad_form(role, policy, pin)
    return pin


def refuse_bad_form(role: Role, policy: PinPolicy, pin: Pin) -> None:
    """Raises BadPinForm where a PIN has not the form that its card asks for."""
    from jpki.card import BadPinForm

    if not policy.accepts(pin):
        shortest, longest = policy.lengths
        raise BadPinForm(role=role, form=policy.format, shortest=shortest, longest=longest)


def last_try_option(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds `--allow-last-try` to a command."""
    return option("--allow-last-try", is_flag=True)(function)


def _refuse_hopeless(role: Role, left: int | None, *, allow_last_try: bool) -> None:
    from jpki.card import LastTry, PinBlocked

    if left == 0:
        raise PinBlocked(role=role)
    if left == 1:
        if not allow_last_try:
            raise LastTry(role=role)
        say(words("prompts", "last-try"))


def _form(policy: PinPolicy) -> str:
    shortest, longest = policy.lengths
    length = str(shortest) if shortest == longest else f"{shortest}–{longest}"
    letters = "digits" if "A-Z" not in policy.format else "letters"
    return words("prompts", f"form.{letters}", length=length)


def _left(left: int | None) -> str:
    return words("prompts", "left.unknown") if left is None else words("prompts", "left", count=left)
