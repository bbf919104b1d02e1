"""What can be wrong with what a municipality hands over."""

from __future__ import annotations

from enum import Enum

__all__ = ["FieldProblem"]


class FieldProblem(Enum):
    """What is wrong with a file of residents, or with one field in it."""

    EMPTY = "empty"
    FORM = "form"
    OUTER_SPACE = "outer space"
    CONTROL_CHARACTER = "control character"
    DUPLICATE = "duplicate"
    CONTRADICTION = "contradiction"
    COLUMNS = "columns"
    ENCODING = "encoding"
    TOO_LONG = "too long"
