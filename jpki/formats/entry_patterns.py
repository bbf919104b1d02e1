"""What nearly every entry of a revocation list looks like, as parts of regular expressions over its octets.

A part matches only what `RevokedEntry.read` takes; what it does not match may still be an entry, read the long way.
Sources: RFC 5280, 4.1.2.5, 5.1 and 5.3; ITU-T X.690, section 10.
"""

from __future__ import annotations

__all__ = ["EXTENSIONS", "MOMENTS"]

# 29 February stands where the two digits before are a year that 4 divides; of the years written here, 1900 alone is
# such a year without that day.
_MONTH_AND_DAY = (
    rb"(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31"
    rb"|(?<=[02468][048]|[13579][26])0229)"
)
_CLOCK = rb"(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z"
_YEAR_OF_FOUR_DIGITS = rb"(?:19(?!00)|20)[0-9][0-9]"
_GENERALIZED_TIME = rb"\x18\x0f" + _YEAR_OF_FOUR_DIGITS + _MONTH_AND_DAY + _CLOCK

MOMENTS = {15: rb"\x17\x0d[0-9][0-9]" + _MONTH_AND_DAY + _CLOCK, 17: _GENERALIZED_TIME}
"""The moment of revocation, as UTCTime and as GeneralizedTime, by the octets it takes."""

_REASON = rb"\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01[\x00-\x06\x08-\x0a]"
_INVALIDITY_DATE = rb"\x30\x18\x06\x03\x55\x1d\x18\x04\x11" + _GENERALIZED_TIME

EXTENSIONS = {
    14: rb"\x30\x0c" + _REASON,
    0: b"",
    28: rb"\x30\x1a" + _INVALIDITY_DATE,
    40: rb"\x30\x26" + _REASON + _INVALIDITY_DATE,
}
"""All extensions of an entry, by the octets they take: a reason, none, an invalidity date, or both in this order."""
