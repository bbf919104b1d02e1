"""Lines of at most so many columns, in Japanese as in English."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .foreign import cells

__all__ = ["wrapped"]

# A word of Latin letters stays whole, and so does a moment; a line may end behind each Japanese character.
_MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d JST[\x21-\x7e]*\s*"
_PIECE = re.compile(_MOMENT + r"|[\x21-\x7e]+\s*|[^\x21-\x7e]\s*")
_NOT_FIRST = frozenset("、。，．：；）」』】］！？・ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ")
_NOT_LAST = frozenset("（「『【［")


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yields a paragraph as lines of at most `width` columns; a longer word stands alone and keeps its length.

    No line begins with a closing bracket, a full stop or a small kana, and none ends with an opening bracket.
    """
    line = ""
    for piece in _unbreakable(text.strip()):
        if line and cells(line + piece.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece
    if line:
        yield line.rstrip()


def _unbreakable(text: str) -> list[str]:
    pieces: list[str] = []
    for piece in _PIECE.findall(text):
        if pieces and (piece[0] in _NOT_FIRST or pieces[-1][-1] in _NOT_LAST):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces
