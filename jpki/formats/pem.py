"""PEM: DER as text between two lines (RFC 7468)."""

from __future__ import annotations

import base64
import binascii
import re

from .errors import FormatError

__all__ = ["from_pem", "to_pem"]

_COLUMNS = 64


def to_pem(label: str, der: bytes) -> str:
    """Returns the PEM text of DER; `label` is `CERTIFICATE`, `CERTIFICATE REQUEST`, `X509 CRL`, …."""
    text = base64.b64encode(der).decode()
    lines = (text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS))
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))


def from_pem(text: str, label: str) -> tuple[bytes, ...]:
    """Returns the DER of every block of this label in a text; other text is passed over.

    Raises FormatError for a block without end or with octets that are not Base64.
    """
    begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
    blocks = []
    for block in text.split(begin)[1:]:
        body, closed, _ = block.partition(end)
        if not closed:
            raise FormatError(what="PEM", problem="a block without its last line")
        try:
            blocks.append(base64.b64decode(re.sub(r"[ \t\r\n]", "", body), validate=True))
        except (binascii.Error, ValueError):
            raise FormatError(what="PEM", problem="a block that is not Base64") from None
    return tuple(blocks)
