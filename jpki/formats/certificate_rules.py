"""What a certificate profile says of one extension and of the common name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

__all__ = ["ATTRIBUTES", "CommonNameRule", "ExtensionRule", "Pairs", "ProfileKind"]

Pairs = tuple[tuple[str, str], ...]
"""The attributes of a name in order: type (`OU`) and text, which may hold place holders in braces."""

ATTRIBUTES = "attributes"
"""The `content` of an alternative name that holds the four attributes."""


class ProfileKind(Enum):
    """Whose certificates a profile describes: an authority's own, a holder's, an authority's OCSP responder's."""

    AUTHORITY = "authority"
    HOLDER = "holder"
    RESPONDER = "responder"


@dataclass(frozen=True, slots=True)
class ExtensionRule:
    """One extension of a profile, in the order of the file; which of the fields mean something depends on the type."""

    oid: str
    critical: bool
    usages: frozenset[str] = frozenset()
    purposes: tuple[str, ...] = ()
    policy: str = ""
    url: str = ""
    name: Pairs = ()
    content: str = ""


@dataclass(frozen=True, slots=True)
class CommonNameRule:
    """How a common name is put together: texts with a place holder each, and the patterns they then match."""

    parts: tuple[tuple[str, re.Pattern[str]], ...]
    whole: re.Pattern[str]
