"""The object identifiers this toolkit knows, in dotted form, under the names that standards give them.

Sources: RFC 5280, appendix A; RFC 8017, appendix C; RFC 6960, appendix B; docs/facts.md, certificates.
"""

from __future__ import annotations

__all__: list[str] = []  # read as a module: `from . import object_identifiers as oids`

COMMON_NAME = "2.5.4.3"
COUNTRY = "2.5.4.6"
LOCALITY = "2.5.4.7"
STATE = "2.5.4.8"
ORGANIZATION = "2.5.4.10"
ORGANIZATIONAL_UNIT = "2.5.4.11"

NAME_WORDS = {
    "CN": COMMON_NAME,
    "C": COUNTRY,
    "L": LOCALITY,
    "ST": STATE,
    "O": ORGANIZATION,
    "OU": ORGANIZATIONAL_UNIT,
    "SN": "2.5.4.4",
    "serialNumber": "2.5.4.5",
    "street": "2.5.4.9",
    "title": "2.5.4.12",
    "GN": "2.5.4.42",
    "dnQualifier": "2.5.4.46",
    "DC": "0.9.2342.19200300.100.1.25",
    "UID": "0.9.2342.19200300.100.1.1",
    "emailAddress": "1.2.840.113549.1.9.1",
}

SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
KEY_USAGE = "2.5.29.15"
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
ISSUER_ALTERNATIVE_NAME = "2.5.29.18"
BASIC_CONSTRAINTS = "2.5.29.19"
CRL_NUMBER = "2.5.29.20"
REASON_CODE = "2.5.29.21"
INVALIDITY_DATE = "2.5.29.24"
DELTA_CRL_INDICATOR = "2.5.29.27"
ISSUING_DISTRIBUTION_POINT = "2.5.29.28"
CERTIFICATE_ISSUER = "2.5.29.29"
CRL_DISTRIBUTION_POINTS = "2.5.29.31"
CERTIFICATE_POLICIES = "2.5.29.32"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
EXTENDED_KEY_USAGE = "2.5.29.37"
FRESHEST_CRL = "2.5.29.46"
AUTHORITY_INFORMATION_ACCESS = "1.3.6.1.5.5.7.1.1"

CPS_QUALIFIER = "1.3.6.1.5.5.7.2.1"
OCSP_ACCESS = "1.3.6.1.5.5.7.48.1"
OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1"
OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2"
OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5"
OCSP_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6"
CLIENT_AUTHENTICATION = "1.3.6.1.5.5.7.3.2"
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"

SHA1 = "1.3.14.3.2.26"
SHA256 = "2.16.840.1.101.3.4.2.1"

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
SHA256_WITH_RSA_ENCRYPTION = "1.2.840.113549.1.1.11"

JPKI_NAME = "1.2.392.200149.8.5.5.1"
JPKI_NAME_FLAGS = "1.2.392.200149.8.5.5.2"
JPKI_SEX = "1.2.392.200149.8.5.5.3"
JPKI_BIRTH_DATE = "1.2.392.200149.8.5.5.4"
JPKI_ADDRESS = "1.2.392.200149.8.5.5.5"
JPKI_ADDRESS_FLAGS = "1.2.392.200149.8.5.5.6"

# The policies of Japan's authorities, which a verifier reads and nobody here issues under …
SIGNATURE_POLICY = "1.2.392.200149.8.5.1.1.20"
PHONE_SIGNATURE_POLICY = "1.2.392.200149.8.5.1.1.40"  # second-hand
AUTHENTICATION_POLICY = "1.2.392.200149.8.5.1.3.30"
# … and those of the test arc, the only ones issued under here.
TEST_POLICY_ARC = "1.2.392.200149.8.5.1.0."
TEST_SIGNATURE_POLICY = TEST_POLICY_ARC + "20"
TEST_AUTHENTICATION_POLICY = TEST_POLICY_ARC + "30"  # ours: no source names the authentication one
TEST_RESPONDER_POLICY = TEST_POLICY_ARC + "90"  # ours: of those who answer for an authority, never of a holder
