"""Revocation lists of which one check fails alone, and nothing else keeps the case from passing."""

from __future__ import annotations

from datetime import timedelta

from judging import Alone, document, judged
from small_pki import (
    EARLIER_SIGN_CA,
    NOW,
    SHA384_RSA,
    SIGN_CA,
    STRANGER,
    directory,
    element,
    extension,
    municipality_name,
    revoked,
)

from jpki.terms import Role
from jpki.verify import CheckName, Problem, Result, Verdict

UNKNOWN = "1.2.392.200149.8.99.1"
DAY = timedelta(days=1)
INVALID, OPEN = Result.INVALID, Result.INDETERMINATE
ANOTHER_POINT = element(0xA0, element(0xA0, directory(municipality_name(Role.SIGNATURE, "Chofu-shi CRLDP"))))


def sign_list(*entries: bytes, **changes: object) -> Verdict:
    return judged(document(), SIGN_CA.revocation_list(*entries, **changes))  # type: ignore[arg-type]


FAILING_LISTS = {
    "a list that names another key": Alone(
        CheckName.LIST_KEY, Problem.OTHER_GENERATION, OPEN, lambda: sign_list(key_id=EARLIER_SIGN_CA.key.key_id)
    ),
    "a list that names no key": Alone(
        CheckName.LIST_KEY, Problem.NO_KEY_IDENTIFIER, OPEN, lambda: sign_list(without=["authority_key_id"])
    ),
    "a list signed by another key": Alone(
        CheckName.LIST_SIGNATURE, Problem.DOES_NOT_FIT, OPEN, lambda: sign_list(signing_key=STRANGER)
    ),
    "a list signed by another generation's key": Alone(
        CheckName.LIST_SIGNATURE, Problem.DOES_NOT_FIT, OPEN, lambda: sign_list(signing_key=EARLIER_SIGN_CA.key)
    ),
    "a list signed with SHA-384": Alone(
        CheckName.LIST_SIGNATURE, Problem.DOES_NOT_FIT, OPEN, lambda: sign_list(algorithm=SHA384_RSA)
    ),
    "a list with an unknown critical extension": Alone(
        CheckName.LIST_EXTENSIONS,
        Problem.UNKNOWN_CRITICAL,
        OPEN,
        lambda: sign_list(more=[extension(UNKNOWN, b"\x05\x00", critical=True)]),
    ),
    "an entry, not even ours, with an unknown critical extension": Alone(
        CheckName.LIST_EXTENSIONS,
        Problem.UNKNOWN_CRITICAL,
        OPEN,
        lambda: sign_list(revoked(0x99, more=[extension(UNKNOWN, b"\x05\x00", critical=True)])),
    ),
    "a delta in place of a list": Alone(CheckName.LIST_COMPLETE, Problem.DELTA, OPEN, lambda: sign_list(delta_base=40)),
    "a list of authorities' certificates": Alone(
        CheckName.LIST_SCOPE, Problem.OTHER_SCOPE, OPEN, lambda: sign_list(point=b"\x82\x01\xff")
    ),
    "a list of attribute certificates": Alone(
        CheckName.LIST_SCOPE, Problem.OTHER_SCOPE, OPEN, lambda: sign_list(point=b"\x85\x01\xff")
    ),
    "an indirect list": Alone(
        CheckName.LIST_SCOPE, Problem.OTHER_SCOPE, OPEN, lambda: sign_list(point=b"\x84\x01\xff")
    ),
    "a list of some reasons": Alone(
        CheckName.LIST_SCOPE, Problem.OTHER_SCOPE, OPEN, lambda: sign_list(point=b"\x83\x02\x06\x40")
    ),
    "another municipality's list": Alone(
        CheckName.LIST_SCOPE, Problem.OTHER_SCOPE, OPEN, lambda: sign_list(point=ANOTHER_POINT)
    ),
    "a list without number": Alone(CheckName.LIST_NUMBER, Problem.NO_NUMBER, OPEN, lambda: sign_list(number=None)),
    "a list whose number went back": Alone(
        CheckName.LIST_NUMBER,
        Problem.NUMBER_WENT_BACK,
        OPEN,
        lambda: judged(
            document(), SIGN_CA.revocation_list(), SIGN_CA.revocation_list(number=42, this_update=NOW - DAY)
        ),
    ),
    "two different lists of one number": Alone(
        CheckName.LIST_NUMBER,
        Problem.NUMBER_WENT_BACK,
        OPEN,
        lambda: judged(document(), SIGN_CA.revocation_list(), SIGN_CA.revocation_list(revoked(0x99))),
    ),
    "a stale list": Alone(
        CheckName.LIST_FRESH, Problem.STALE, OPEN, lambda: sign_list(next_update=NOW - timedelta(seconds=1))
    ),
    "a list of the future": Alone(
        CheckName.LIST_FRESH, Problem.NOT_YET_ISSUED, OPEN, lambda: sign_list(this_update=NOW + timedelta(seconds=1))
    ),
    "a list that never ends": Alone(
        CheckName.LIST_FRESH, Problem.NO_NEXT_UPDATE, OPEN, lambda: sign_list(next_update=None)
    ),
    "revoked": Alone(CheckName.REVOCATION, Problem.REVOKED, INVALID, lambda: sign_list(revoked())),
    "revoked without a reason": Alone(
        CheckName.REVOCATION, Problem.REVOKED, INVALID, lambda: sign_list(revoked(reason=None))
    ),
    "removed, says a list that is complete": Alone(
        CheckName.REVOCATION, Problem.REVOKED, INVALID, lambda: sign_list(revoked(reason=8))
    ),
    "on hold": Alone(CheckName.REVOCATION, Problem.ON_HOLD, INVALID, lambda: sign_list(revoked(reason=6))),
    "revoked from tomorrow on": Alone(
        CheckName.REVOCATION, Problem.REVOKED, INVALID, lambda: sign_list(revoked(at=NOW + DAY))
    ),
}
