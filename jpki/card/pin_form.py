"""The form of a PIN, judged before a card sees it: a PIN that cannot be right must not cost a try."""

from __future__ import annotations

from card_profiles import PinPolicy
from jpki.terms import Pin, Role

from .errors import BadPinForm

__all__ = ["refuse_bad_form"]


def refuse_bad_form(role: Role, policy: PinPolicy, pin: Pin) -> None:
    """Raises BadPinForm where a PIN has not the form that its card asks for."""
    if (problem := policy.problem(pin)) is not None:
        shortest, longest = policy.lengths
        raise BadPinForm(role=role, form=policy.format, shortest=shortest, longest=longest, problem=problem)
