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
from .pins import SecretSource, as_pin, refuse_without_terminal, type_again, type_secret

if TYPE_CHECKING:
    from card_profiles import CardProfile, PinPolicy
    from jpki.card import JpkiApplication

__all__ = ["AskedPin", "ask_new_pin", "ask_pin", "last_try_option", "logged_in", "pin_name", "pin_policy"]

# How often a PIN that cannot be one is asked for again.
_MOST_SLIPS = 2


@dataclass(frozen=True, slots=True)
class AskedPin:
    """A PIN, and the tries that were left when it was asked for; None where the card was not asked."""

    pin: Pin
    tries_left: int | None = None


def pin_name(role: Role, *, new: bool = False) -> str:
    """Returns what people call the PIN of a role: a password for signatures, a PIN for logins."""
    return words("prompts", f"{'new-' if new else ''}pin.{role.short}")


def pin_policy(profile: CardProfile, role: Role) -> PinPolicy:
    """Returns what a kind of card asks of the PIN of a role; raises NoCertificate where it has no such role."""
    from jpki.card import NoCertificate

    files = profile.jpki.roles.get(role)
    if files is None:
        raise NoCertificate(role=role)
    return files.pin


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
    return AskedPin(_typed_pin(role, policy, prompt), left)


def ask_new_pin(role: Role, source: SecretSource, policy: PinPolicy) -> Pin:
    """Returns a new PIN, of the form that the card asks for, from its source or from a prompt, typed twice.

    Raises NoSecret, BadPinForm, SecretsDiffer; the card is asked nothing.
    """
    from jpki.card import refuse_bad_form

    what = pin_name(role, new=True)
    if (found := source.read()) is not None:
        pin = as_pin(found)
        refuse_bad_form(role, policy, pin)
        return pin
    refuse_without_terminal(source, what)
    pin = _typed_pin(role, policy, words("prompts", "new-pin.ask", what=what, form=_form(policy)))
    type_again(pin, what)
    return pin


def _typed_pin(role: Role, policy: PinPolicy, prompt: str) -> Pin:
    """Returns a PIN that a person typed; one that cannot be right is asked for again. Raises BadPinForm in the end."""
    from jpki.card import refuse_bad_form

    for _ in range(_MOST_SLIPS):
        pin = as_pin(type_secret(prompt))
        if (problem := policy.problem(pin)) is None:
            return pin
        say(words("prompts", "pin.bad-form", problem=problem, form=_form(policy)))
    pin = as_pin(type_secret(prompt))
    refuse_bad_form(role, policy, pin)
    return pin


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
