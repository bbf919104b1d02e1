"""Logins, signatures and certificates of which one check fails alone, and nothing else keeps them from passing."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from judging import CHALLENGE, Alone, document, judged, login
from prime_pool import primes
from small_pki import (
    AUTH_CA,
    EARLIER_SIGN_CA,
    HOLDER,
    NOW,
    SHA384_RSA,
    SIGN_CA,
    STRANGER,
    Authority,
    Key,
    alternative_names,
    authority_key_id,
    authority_name,
    basic_constraints,
    extended_key_usage,
    extension,
    key_of,
    key_usage,
    numbered_key,
    policies,
    sequence,
)

from jpki.terms import Role
from jpki.verify import CertificateAlone, Challenge, CheckName, Problem, Result, Trust, Verdict

UNKNOWN = "1.2.392.200149.8.99.1"
NAME_CONSTRAINTS = "2.5.29.30"
DAY = timedelta(days=1)
INVALID, OPEN = Result.INVALID, Result.INDETERMINATE
KEY_ID = authority_key_id(SIGN_CA.key.key_id)


@cache
def short_key() -> Key:
    return Key(rsa.generate_private_key(65537, 1024))  # noqa: S505


@cache
def exponent_3_key() -> Key:
    fitting = [prime for prime in primes() if prime % 3 == 2]
    return key_of(fitting[0], fitting[1], 3)


def signed_by(holder: Key) -> Verdict:
    return judged(document(SIGN_CA.issue(holder), holder))


def sign_certificate(*lists: bytes, **changes: object) -> Verdict:
    return judged(document(SIGN_CA.issue(HOLDER, **changes)), *lists)  # type: ignore[arg-type]


def auth_certificate(**changes: object) -> Verdict:
    return judged(login(AUTH_CA.issue(HOLDER, **changes)))  # type: ignore[arg-type]


def under_an_expired_root() -> Verdict:
    authority = Authority(Role.SIGNATURE, numbered_key(5), 0x77, not_after=NOW - DAY)
    subject = document(authority.issue(HOLDER))
    return judged(subject, authority.revocation_list(), trust=Trust.test(authority.root()))


def challenged(issued_at_offset: timedelta) -> Verdict:
    return judged(login(challenge=Challenge(CHALLENGE.nonce, CHALLENGE.origin, NOW + issued_at_offset)))


FAILING_CERTIFICATES = {
    "another challenge was answered": Alone(
        CheckName.CHALLENGE, Problem.ANOTHER_CHALLENGE, INVALID, lambda: judged(login(nonce=b"\x55" * 32))
    ),
    "signed for another site": Alone(
        CheckName.ORIGIN,
        Problem.ANOTHER_ORIGIN,
        INVALID,
        lambda: judged(login(origin="https://bank.example.evil.example")),
    ),
    "challenge of the future": Alone(
        CheckName.CHALLENGE_ISSUED, Problem.NOT_YET_ISSUED, INVALID, lambda: challenged(timedelta(seconds=1))
    ),
    "challenge of five minutes ago": Alone(
        CheckName.CHALLENGE_UNEXPIRED, Problem.EXPIRED, INVALID, lambda: challenged(-timedelta(minutes=5))
    ),
    "signature over other bytes": Alone(
        CheckName.SIGNATURE, Problem.DOES_NOT_FIT, INVALID, lambda: judged(document(content=b"another document"))
    ),
    "signature of another key": Alone(
        CheckName.SIGNATURE, Problem.DOES_NOT_FIT, INVALID, lambda: judged(document(key=STRANGER))
    ),
    "signature certificate for a login": Alone(
        CheckName.PURPOSE, Problem.OTHER_PURPOSE, INVALID, lambda: judged(login(SIGN_CA.issue(HOLDER)))
    ),
    "authentication certificate for a document": Alone(
        CheckName.PURPOSE, Problem.OTHER_PURPOSE, INVALID, lambda: judged(document(AUTH_CA.issue(HOLDER)))
    ),
    "authentication certificate alone, asked to sign": Alone(
        CheckName.PURPOSE,
        Problem.OTHER_PURPOSE,
        INVALID,
        lambda: judged(CertificateAlone(AUTH_CA.issue(HOLDER), Role.SIGNATURE)),
    ),
    "an extension that cannot be read": Alone(
        CheckName.FORM,
        Problem.MALFORMED,
        INVALID,
        lambda: sign_certificate(replaced={"access": extension("1.3.6.1.5.5.7.1.1", b"\x30\x03\x02\x01")}),
    ),
    "signed with SHA-384": Alone(
        CheckName.ALGORITHM, Problem.ALGORITHM_REFUSED, INVALID, lambda: sign_certificate(algorithm=SHA384_RSA)
    ),
    "a key of 1,024 bits": Alone(CheckName.KEY, Problem.KEY_TOO_SHORT, INVALID, lambda: signed_by(short_key())),
    "exponent 3": Alone(CheckName.KEY, Problem.BAD_EXPONENT, INVALID, lambda: signed_by(exponent_3_key())),
    "a key that is not RSA": Alone(
        CheckName.KEY, Problem.NOT_RSA, INVALID, lambda: signed_by(Key(ec.generate_private_key(ec.SECP256R1())))
    ),
    "signed by another generation": Alone(
        CheckName.ROOT,
        Problem.OTHER_GENERATION,
        OPEN,
        lambda: judged(document(EARLIER_SIGN_CA.issue(HOLDER)), EARLIER_SIGN_CA.revocation_list()),
    ),
    "no authority key identifier": Alone(
        CheckName.ROOT, Problem.NO_KEY_IDENTIFIER, INVALID, lambda: sign_certificate(without=["authority_key_id"])
    ),
    "an authority nobody knows": Alone(
        CheckName.ROOT,
        Problem.UNKNOWN_AUTHORITY,
        INVALID,
        lambda: judged(document(Authority(Role.SIGNATURE, STRANGER, 7, "JPKI-FAKE").issue(HOLDER))),
    ),
    "issuer in other octets": Alone(
        CheckName.ISSUER,
        Problem.NAMES_DIFFER,
        INVALID,
        lambda: sign_certificate(
            issuer=authority_name(Role.SIGNATURE, country_tag=0x0C), replaced={"authority_key_id": KEY_ID}
        ),
    ),
    "issuer named otherwise beside the key": Alone(
        CheckName.ISSUER,
        Problem.NAMES_DIFFER,
        INVALID,
        lambda: sign_certificate(
            replaced={"authority_key_id": authority_key_id(SIGN_CA.key.key_id, AUTH_CA.name, SIGN_CA.serial)}
        ),
    ),
    "number of another root": Alone(
        CheckName.ISSUER,
        Problem.ROOT_NUMBER_DIFFERS,
        INVALID,
        lambda: sign_certificate(replaced={"authority_key_id": authority_key_id(SIGN_CA.key.key_id, SIGN_CA.name, 1)}),
    ),
    "certificate signed by another key": Alone(
        CheckName.CERTIFICATE_SIGNATURE, Problem.DOES_NOT_FIT, INVALID, lambda: sign_certificate(key=STRANGER)
    ),
    "expired": Alone(
        CheckName.VALIDITY, Problem.EXPIRED, INVALID, lambda: sign_certificate(not_after=NOW - timedelta(seconds=1))
    ),
    "not yet valid": Alone(
        CheckName.VALIDITY,
        Problem.NOT_YET_VALID,
        INVALID,
        lambda: sign_certificate(not_before=NOW + timedelta(seconds=1)),
    ),
    "root expired": Alone(CheckName.ROOT_VALIDITY, Problem.EXPIRED, INVALID, under_an_expired_root),
    "a holder who says to be an authority": Alone(
        CheckName.BASIC_CONSTRAINTS,
        Problem.PRESENT,
        INVALID,
        lambda: sign_certificate(more=[basic_constraints(ca=True)]),
    ),
    "basic constraints that say no authority": Alone(
        CheckName.BASIC_CONSTRAINTS,
        Problem.PRESENT,
        INVALID,
        lambda: sign_certificate(more=[basic_constraints(ca=False)]),
    ),
    "no key usage": Alone(
        CheckName.KEY_USAGE, Problem.ABSENT, INVALID, lambda: sign_certificate(without=["key_usage"])
    ),
    "a signature key that may sign certificates": Alone(
        CheckName.KEY_USAGE,
        Problem.NOT_EXACT,
        INVALID,
        lambda: sign_certificate(replaced={"key_usage": key_usage(0xC4)}),
    ),
    "a signature key without non-repudiation": Alone(
        CheckName.KEY_USAGE,
        Problem.NOT_EXACT,
        INVALID,
        lambda: sign_certificate(replaced={"key_usage": key_usage(0x80)}),
    ),
    "an authentication key with non-repudiation": Alone(
        CheckName.KEY_USAGE,
        Problem.NOT_EXACT,
        INVALID,
        lambda: auth_certificate(replaced={"key_usage": key_usage(0xC0)}),
    ),
    "key usage not critical": Alone(
        CheckName.KEY_USAGE,
        Problem.NOT_CRITICAL,
        INVALID,
        lambda: sign_certificate(replaced={"key_usage": key_usage(0xC0, critical=False)}),
    ),
    "an authentication key for nothing": Alone(
        CheckName.EXTENDED_KEY_USAGE, Problem.ABSENT, INVALID, lambda: auth_certificate(without=["extended_key_usage"])
    ),
    "an authentication key for servers too": Alone(
        CheckName.EXTENDED_KEY_USAGE,
        Problem.NOT_EXACT,
        INVALID,
        lambda: auth_certificate(
            replaced={"extended_key_usage": extended_key_usage("1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1")}
        ),
    ),
    "an authentication key for anything": Alone(
        CheckName.EXTENDED_KEY_USAGE,
        Problem.NOT_EXACT,
        INVALID,
        lambda: auth_certificate(replaced={"extended_key_usage": extended_key_usage("2.5.29.37.0")}),
    ),
    "a signature key for logins": Alone(
        CheckName.EXTENDED_KEY_USAGE,
        Problem.PRESENT,
        INVALID,
        lambda: sign_certificate(more=[extended_key_usage("1.3.6.1.5.5.7.3.2")]),
    ),
    "no policy": Alone(CheckName.POLICY, Problem.ABSENT, INVALID, lambda: sign_certificate(without=["policies"])),
    "the real policy in a test": Alone(
        CheckName.POLICY,
        Problem.REAL_POLICY,
        INVALID,
        lambda: sign_certificate(replaced={"policies": policies("1.2.392.200149.8.5.1.1.20")}),
    ),
    "the phone's policy, which nobody asked for": Alone(
        CheckName.POLICY,
        Problem.REAL_POLICY,
        INVALID,
        lambda: sign_certificate(replaced={"policies": policies("1.2.392.200149.8.5.1.1.40")}),
    ),
    "the other role's policy": Alone(
        CheckName.POLICY,
        Problem.POLICY_REFUSED,
        INVALID,
        lambda: sign_certificate(replaced={"policies": policies("1.2.392.200149.8.5.1.0.30")}),
    ),
    "any policy": Alone(
        CheckName.POLICY,
        Problem.POLICY_REFUSED,
        INVALID,
        lambda: sign_certificate(replaced={"policies": policies("2.5.29.32.0")}),
    ),
    "two policies": Alone(
        CheckName.POLICY,
        Problem.NOT_EXACT,
        INVALID,
        lambda: sign_certificate(replaced={"policies": policies("1.2.392.200149.8.5.1.0.20", "2.5.29.32.0")}),
    ),
    "policies not critical": Alone(
        CheckName.POLICY,
        Problem.NOT_CRITICAL,
        INVALID,
        lambda: sign_certificate(replaced={"policies": policies("1.2.392.200149.8.5.1.0.20", critical=False)}),
    ),
    "an unknown critical extension": Alone(
        CheckName.CRITICAL_EXTENSIONS,
        Problem.UNKNOWN_CRITICAL,
        INVALID,
        lambda: sign_certificate(more=[extension(UNKNOWN, b"\x05\x00", critical=True)]),
    ),
    "name constraints, known to others": Alone(
        CheckName.CRITICAL_EXTENSIONS,
        Problem.UNKNOWN_CRITICAL,
        INVALID,
        lambda: sign_certificate(more=[extension(NAME_CONSTRAINTS, sequence(), critical=True)]),
    ),
    "a signature certificate of nobody": Alone(
        CheckName.ATTRIBUTES, Problem.ABSENT, INVALID, lambda: sign_certificate(without=["names"])
    ),
    "a signature certificate without a name": Alone(
        CheckName.ATTRIBUTES,
        Problem.ABSENT,
        INVALID,
        lambda: sign_certificate(
            replaced={"names": alternative_names({4: "319800217", 3: "2", 5: "東京都", 6: "000"})}
        ),
    ),
    "an authentication certificate that tells a birth date": Alone(
        CheckName.ATTRIBUTES,
        Problem.PRESENT,
        INVALID,
        lambda: auth_certificate(more=[alternative_names({4: "319800217"})]),
    ),
}
