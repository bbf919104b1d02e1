"""Values that do not print."""

from __future__ import annotations

import hmac
from typing import NoReturn

__all__ = ["HIDDEN", "Pin", "Secret"]

HIDDEN = "•••"


class Secret:
    """Bytes that show as `•••` wherever they are printed: a PIN, a key, a passphrase.

    Only `reveal()` gives them out. Two secrets compare in constant time; a secret has no hash, no length and no pickle.
    """

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # a hash would allow a dictionary to compare secrets in variable time

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """Returns the bytes themselves."""
        return self._value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


class Pin(Secret):
    """A PIN or password as the card takes it: ASCII text. Its form is judged by the card profile's PIN policy."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        # What is no text at all is let through, to be refused by its form: an encoding error would carry the PIN.
        super().__init__(text.encode("utf-8", "surrogatepass"))
