"""A thousand numbers in every state, answered many at a time: OpenSSL and GnuTLS read what was recorded."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authorities import BOTH
from responding import OpensslOcsp, issuer_of, ocsptool_says, responding
from store_rows import row

from jpki.ca import Authority
from jpki.formats import RevocationReason
from jpki.store import StoredRevocation
from jpki.terms import CertificateName, Role

FIRST, COUNT, TOGETHER = 0x0200_0000, 1000, 100
HOUR = timedelta(hours=1)
HOLD = RevocationReason.CERTIFICATE_HOLD
# What becomes of a number, in turn. "listed": revoked, and the certificate is not in the store.
STATES = {
    "valid": "good",
    "unspecified": "revoked",
    "keyCompromise": "revoked",
    "affiliationChanged": "revoked",
    "superseded": "revoked",
    "cessationOfOperation": "revoked",
    "certificateHold": "revoked",
    "released": "good",
    "expired": "good",
    "expired and revoked": "revoked",
    "listed": "revoked",
    "never given": "unknown",
}
GIVEN = [state for state in STATES if state not in ("never given", "listed")]


def recorded(authority: Authority, role: Role, at: datetime) -> dict[int, str]:
    """Records a thousand numbers, and returns what is to be said of each."""
    states = {FIRST + place: list(STATES)[place % len(STATES)] for place in range(COUNT)}
    own = authority.certificates[role].name
    with authority.store.transaction() as change:
        point = change.take_point(role, "13101", b"a point")
        rows = [
            row(
                number,
                name=CertificateName(role, number),
                issuer=own,
                point=point,
                not_after=at - HOUR if state.startswith("expired") else at + 1000 * HOUR,
            )
            for number, state in states.items()
            if state in GIVEN
        ]
        change.add_certificates(rows)
    for number, state in states.items():
        revoke(authority, CertificateName(role, number), state, at - 2 * HOUR)
    return {number: STATES[state] for number, state in states.items()}


def revoke(authority: Authority, name: CertificateName, state: str, at: datetime) -> None:
    if state in ("valid", "expired", "never given"):
        return
    reasons = {one.text: one for one in RevocationReason} | {"released": HOLD}
    one = StoredRevocation(name, reasons.get(state, RevocationReason.KEY_COMPROMISE), at, at)
    with authority.store.transaction() as change:
        stored = change.certificate(name)
        if stored is None:
            own = authority.certificates[name.authority]
            change.add_revocation(one, issuer=own.name, not_after=own.not_after)
        else:
            change.add_revocations([(stored, one)])
        if state == "released":
            change.release(name, at + HOUR)


@pytest.mark.parametrize("role", BOTH)
def test_other_programs_read_of_a_thousand_numbers_what_was_recorded(
    authority: Authority, tmp_path: Path, role: Role
) -> None:
    at = datetime.now(UTC)  # this machine's clock: those programs go by no other
    expected = recorded(authority, role, at)
    root = issuer_of(authority, role).raw
    openssl = OpensslOcsp(tmp_path, root)
    by_openssl: dict[int, str] = {}
    by_gnutls: dict[int, str] = {}
    with responding(authority, at) as responders:
        for start in range(FIRST, FIRST + COUNT, TOGETHER):
            numbers = list(range(start, start + TOGETHER))
            said = openssl.says(lambda request: responders.answers([request], at)[0].encoded, numbers)
            assert "Response verify OK" in said
            found = [line.split(": ") for line in said if line.startswith("0x")]
            by_openssl |= {int(number, 16): state for number, state in found}
            other = ocsptool_says(tmp_path, (tmp_path / "answer.der").read_bytes(), root)
            assert "Verifying OCSP Response: Success" in other
            pairs = re.findall(r"Serial Number: ([0-9a-f]+)\s+Certificate Status: (\w+)", other)
            by_gnutls |= {int(number, 16): state for number, state in pairs}
    assert by_openssl == expected
    assert by_gnutls == expected
