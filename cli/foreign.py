"""Text from a card, a certificate or a file, made safe to print: no control, escape or bidirectional characters."""

from __future__ import annotations

import unicodedata

__all__ = ["cells", "escaped", "printable"]

# Cc control, Cf format (bidirectional overrides, zero-width characters), Cs surrogates, Co private use, Cn unassigned,
# Zl and Zp line and paragraph separators.
_UNSAFE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_MARKS = frozenset(("Mn", "Me"))
_WIDE = frozenset("WF")


def printable(text: str) -> str:
    """Returns the text with every character that could act on a terminal, or hide, written as `\\u{XXXX}`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{{{ord(char):04X}}}" if unicodedata.category(char) in _UNSAFE else char for char in text)


def escaped(json: str) -> str:
    """Returns JSON text with the same characters written as JSON escapes: it still says what it said."""
    return "".join(_escape(char) if char != "\n" and unicodedata.category(char) in _UNSAFE else char for char in json)


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def cells(text: str) -> int:
    """Returns how many columns of a terminal a printable text takes: two for most Japanese characters."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(char) in _MARKS else 1 + (unicodedata.east_asian_width(char) in _WIDE)
        for char in text
    )
