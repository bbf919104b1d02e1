"""Why a certificate was revoked."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["RevocationReason"]


class RevocationReason(IntEnum):
    """Why a certificate was revoked; the values are those of CRLReason. Source: RFC 5280, 5.3.1."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
    REMOVE_FROM_CRL = 8
    PRIVILEGE_WITHDRAWN = 9
    AA_COMPROMISE = 10

    @property
    def text(self) -> str:
        """Returns the standard's word: `keyCompromise`."""
        return _REASON_WORDS[self]

    @classmethod
    def from_text(cls, word: str) -> RevocationReason:
        """Returns the reason that one of the standard's words names; ValueError for another word."""
        for reason, text in _REASON_WORDS.items():
            if text == word:
                return reason
        raise ValueError(word)


_REASON_WORDS = {
    RevocationReason.UNSPECIFIED: "unspecified",
    RevocationReason.KEY_COMPROMISE: "keyCompromise",
    RevocationReason.CA_COMPROMISE: "cACompromise",
    RevocationReason.AFFILIATION_CHANGED: "affiliationChanged",
    RevocationReason.SUPERSEDED: "superseded",
    RevocationReason.CESSATION_OF_OPERATION: "cessationOfOperation",
    RevocationReason.CERTIFICATE_HOLD: "certificateHold",
    RevocationReason.REMOVE_FROM_CRL: "removeFromCRL",
    RevocationReason.PRIVILEGE_WITHDRAWN: "privilegeWithdrawn",
    RevocationReason.AA_COMPROMISE: "aACompromise",
}
