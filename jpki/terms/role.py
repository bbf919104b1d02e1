"""The two purposes a JPKI key serves, and the name of a certificate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from .errors import BadCertificateName

__all__ = ["CertificateName", "Role"]


class Role(Enum):
    """The purpose of a key, its certificate, its PIN, and the authority that certifies it."""

    SIGNATURE = "signature"  # 署名用
    AUTHENTICATION = "authentication"  # 利用者証明用

    # Each member is one object: its place in memory is a faster hash than its name, and roles are keys everywhere.
    __hash__ = object.__hash__

    @property
    def short(self) -> str:
        """Returns the word used in names of certificates and on the command line: `sign` or `auth`."""
        return "sign" if self is Role.SIGNATURE else "auth"

    @classmethod
    def from_short(cls, word: str) -> Role:
        """Returns the role that `sign` or `auth` (or the long word) names; ValueError for another word."""
        for role in cls:
            if word in (role.short, role.value):
                return role
        raise ValueError(word)

    @property
    def other(self) -> Role:
        """Returns the other one of the two."""
        return Role.AUTHENTICATION if self is Role.SIGNATURE else Role.SIGNATURE


_NAME = re.compile(r"(sign|auth):([0-9A-Fa-f]{1,40})")


@dataclass(frozen=True, slots=True, order=False)
class CertificateName:
    """A certificate by authority and serial number (発行番号): each authority counts for itself.

    Written `sign:06D18006`: the number in hexadecimal, upper case, whole octets, at least four.
    """

    authority: Role
    number: int

    @classmethod
    def parse(cls, text: str) -> CertificateName:
        """Reads `sign:06D18006`; raises BadCertificateName."""
        match = _NAME.fullmatch(text.strip())
        if match is None:
            raise BadCertificateName(text=text)
        return cls(Role.from_short(match[1]), int(match[2], 16))

    def __str__(self) -> str:
        octets = max(4, (self.number.bit_length() + 7) // 8)
        return f"{self.authority.short}:{self.number:0{octets * 2}X}"
