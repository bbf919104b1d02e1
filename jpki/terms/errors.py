"""What can be wrong with a word everybody uses.

BadInput
└── BadCertificateName(text)    not of the form sign:06D18006
"""

from __future__ import annotations

from jpki.errors import BadInput

__all__ = ["BadCertificateName"]


class BadCertificateName(BadInput):
    """Says that a text does not name a certificate by authority and number."""

    def __init__(self, *, text: str) -> None:
        super().__init__()
        self.text = text
