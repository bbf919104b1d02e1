"""What a verdict says: result, facts for JSON, the error that tells most, and nobody's name by accident."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import pytest
from judging import CHALLENGE, EVIDENCE, TRUST, document, judged, login
from small_pki import (
    ATTRIBUTES,
    EARLIER_SIGN_CA,
    HOLDER,
    NOW,
    ORIGIN,
    SIGN_CA,
    STRANGER,
    authority_key_id,
    element,
    extension,
    key_usage,
    revoked,
)

from jpki.errors import NotTrusted
from jpki.verify import (
    CertificateOnHold,
    CertificateRevoked,
    Challenge,
    ChallengeRefused,
    CheckName,
    Evidence,
    EvidenceMissing,
    LoginResponse,
    Missing,
    Outcome,
    OutsideValidity,
    Refused,
    Result,
    RootNotTrusted,
    SignatureWrong,
    Trust,
    Verdict,
    verify,
)

GOOD = judged(document())
EXAMPLE_DIGEST = "044c58e5019fcf5989a34e3f0a2680e21a16fdb3eba3f2d1ec52be66307bff10"


def refused(verdict: Verdict | Missing) -> Refused:
    with pytest.raises(Refused) as caught:
        verdict.require()
    return caught.value


# --- a result that cannot be talked up --------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.NOT_MADE])
@pytest.mark.parametrize("at", range(len(GOOD.checks)))
def test_one_check_that_does_not_pass_keeps_a_verdict_from_being_valid(at: int, outcome: Outcome) -> None:
    checks = list(GOOD.checks)
    checks[at] = checks[at]._replace(outcome=outcome)
    assert not replace(GOOD, checks=tuple(checks)).valid


@pytest.mark.parametrize("at", range(len(GOOD.checks)))
def test_a_check_that_is_not_listed_keeps_a_verdict_from_being_valid(at: int) -> None:
    assert not replace(GOOD, checks=GOOD.checks[:at] + GOOD.checks[at + 1 :]).valid


def test_a_verdict_without_checks_is_not_valid() -> None:
    assert not replace(GOOD, checks=()).valid
    assert not replace(GOOD, checks=(), expected=frozenset()).valid


def test_all_that_is_wrong_is_listed_not_only_the_first() -> None:
    certificate = SIGN_CA.issue(HOLDER, not_after=NOW - timedelta(days=1), replaced={"key_usage": key_usage(0x80)})
    verdict = judged(document(certificate, STRANGER), SIGN_CA.revocation_list(revoked(), number=None))
    assert {check.name.value for check in verdict.failed} == {
        "signature",
        "validity",
        "key-usage",
        "list-number",
        "revocation",
    }
    assert verdict.not_made == ()


def test_missing_evidence_is_never_a_yes() -> None:
    answer = verify(document(), TRUST, Evidence(), NOW)
    assert isinstance(answer, Missing)
    assert not answer.valid
    assert answer.verdict.result is Result.INDETERMINATE
    assert answer.verdict.holder is None
    assert {check.name for check in answer.verdict.not_made} == {
        name for name in CheckName if name.value.startswith("list-") or name is CheckName.REVOCATION
    }


# --- errors -----------------------------------------------------------------------------------------------------------


def test_a_wrong_signature_is_named() -> None:
    error = refused(judged(document(content=b"another")))
    assert isinstance(error, SignatureWrong)
    assert (error.failed, error.result, error.certificate) == (("signature",), "invalid", "sign:0A0B0C0D")


def test_a_revocation_is_named_with_its_reason_and_time() -> None:
    error = refused(judged(document(), SIGN_CA.revocation_list(revoked(reason=4))))
    assert isinstance(error, CertificateRevoked)
    assert (error.reason, error.since) == ("superseded", "2026-11-21T03:00:00Z")


def test_a_hold_is_named() -> None:
    error = refused(judged(document(), SIGN_CA.revocation_list(revoked(reason=6))))
    assert isinstance(error, CertificateOnHold)
    assert error.since == "2026-11-21T03:00:00Z"


def test_a_root_of_another_generation_is_missing_and_the_signature_not_called_wrong() -> None:
    error = refused(judged(document(EARLIER_SIGN_CA.issue(HOLDER))))
    assert isinstance(error, RootNotTrusted)
    assert (error.problem, error.key_id) == ("other-generation", EARLIER_SIGN_CA.key.key_id.hex())
    assert error.generation is None  # the number is that of a published root, the authority is not
    assert "certificate-signature" in error.not_made


def test_the_end_of_a_period_is_named() -> None:
    error = refused(judged(document(SIGN_CA.issue(HOLDER, not_after=NOW - timedelta(seconds=1)))))
    assert isinstance(error, OutsideValidity)
    assert error.not_after == "2026-11-22T02:59:59Z"


def test_an_answer_to_another_challenge_is_named() -> None:
    assert isinstance(refused(judged(login(nonce=bytes(32)))), ChallengeRefused)


def test_missing_evidence_is_named_with_what_would_help() -> None:
    for lists in ((), (SIGN_CA.revocation_list(next_update=NOW - timedelta(days=1)),)):
        error = refused(verify(document(), TRUST, Evidence.of(*lists), NOW))
        assert isinstance(error, EvidenceMissing)
        assert error.crl_for == ("sign:067C6A21",)


def test_anything_else_is_a_plain_refusal_that_names_the_checks() -> None:
    error = refused(judged(login(SIGN_CA.issue(HOLDER))))
    assert type(error) is Refused
    assert error.failed == ("purpose",)
    assert isinstance(error, NotTrusted)


def test_every_pair_of_failures_is_some_refusal() -> None:
    names = [check.name for check in GOOD.checks]
    for pair in combinations(names, 2):
        checks = tuple(check._replace(outcome=Outcome.FAILED) if check.name in pair else check for check in GOOD.checks)
        assert set(refused(replace(GOOD, checks=checks)).failed) == {name.value for name in pair}


# --- facts ------------------------------------------------------------------------------------------------------------


def test_the_facts_go_through_json_with_every_check() -> None:
    facts = json.loads(json.dumps(GOOD.as_facts()))
    assert (facts["kind"], facts["version"], facts["result"]) == ("verdict", 1, "valid")
    assert (facts["certificate"], facts["trust"], facts["role"]) == ("sign:0A0B0C0D", "test", "signature")
    assert facts["at"] == "2026-11-22T03:00:00Z"
    assert [check["name"] for check in facts["checks"]] == [check.name.value for check in GOOD.checks]
    assert set(facts["checks"][0]) == {"name", "outcome", "problem", "given", "source", "time"}


def test_the_row_of_revocation_tells_list_and_time() -> None:
    check = GOOD.check(CheckName.REVOCATION)
    assert check is not None
    assert (check.source, check.as_facts()["time"]) == ("list 41 of sign:067C6A21", "2026-11-22T00:00:00Z")


def test_missing_evidence_has_facts_of_its_own_kind() -> None:
    facts = verify(login(), TRUST, Evidence(), NOW).as_facts()
    assert (facts["kind"], facts["result"]) == ("missing-evidence", "indeterminate")
    (need,) = facts["crl_for"]  # type: ignore[misc]
    assert need["root"] == "auth:06D18006"
    json.dumps(facts)


def test_no_attribute_of_a_person_stands_in_facts_errors_or_representations() -> None:
    bad = judged(document(content=b"another"))
    error = refused(bad)
    shown = [repr(GOOD), str(GOOD), json.dumps(GOOD.as_facts(), ensure_ascii=False), repr(document()), repr(login())]
    shown += [str(error), repr(error), str(error.facts), repr(bad), repr(GOOD.holder), repr(EVIDENCE), repr(TRUST)]
    for attribute in (ATTRIBUTES[1], ATTRIBUTES[5], ATTRIBUTES[4], ATTRIBUTES[1].encode().hex()):
        assert not any(attribute in text for text in shown)


def test_a_row_that_cannot_be_read_does_not_quote_what_it_read() -> None:
    names = SIGN_CA.extensions(HOLDER)["names"].replace(ATTRIBUTES[1].encode(), b"\xff" * len(ATTRIBUTES[1].encode()))
    verdict = judged(document(SIGN_CA.issue(HOLDER, replaced={"names": names})))
    assert not verdict.valid
    assert "東京都" not in json.dumps(verdict.as_facts(), ensure_ascii=False)


# --- what is remembered of lists --------------------------------------------------------------------------------------


def test_a_signature_that_was_checked_for_one_root_is_not_believed_for_another() -> None:
    """Two roots under one name and one key identifier: the memory goes by the whole key."""
    evidence = Evidence.of(SIGN_CA.revocation_list())
    assert verify(document(), TRUST, evidence, NOW).valid
    twin = replace(SIGN_CA, key=STRANGER)
    identifier = extension("2.5.29.14", element(0x04, SIGN_CA.key.key_id))
    trust = Trust.test(twin.root(replaced={"subject_key_id": identifier}))
    named = authority_key_id(SIGN_CA.key.key_id, twin.name, twin.serial)
    answer = verify(document(twin.issue(HOLDER, replaced={"authority_key_id": named})), trust, evidence, NOW)
    assert isinstance(answer, Verdict)
    assert {check.name for check in answer.failed} == {CheckName.LIST_SIGNATURE}
    assert verify(document(), TRUST, evidence, NOW).valid


def test_evidence_is_joined_without_doubles_and_does_not_change() -> None:
    one, other = Evidence.of(SIGN_CA.revocation_list()), Evidence.of(SIGN_CA.revocation_list(number=42))
    both = one | other | one
    assert (len(one.lists), len(other.lists), len(both.lists)) == (1, 1, 2)
    assert both.lists[0] is one.lists[0]


def test_current_evidence_leaves_out_what_had_to_be_replaced() -> None:
    fresh, stale = SIGN_CA.revocation_list(), SIGN_CA.revocation_list(number=40, next_update=NOW - timedelta(hours=1))
    endless = SIGN_CA.revocation_list(number=39, next_update=None)
    kept = Evidence.of(stale, fresh, endless).current(NOW)
    assert [one.content.number for one in kept.lists] == [41]
    end = NOW + timedelta(hours=45)  # the last moment at which the fresh one may be relied on
    assert len(kept.current(end).lists) == 1
    assert kept.current(end + timedelta(microseconds=1)).lists == ()


# --- logins -----------------------------------------------------------------------------------------------------------


def test_a_challenge_holds_until_just_before_its_fifth_minute_ends() -> None:
    issued = Challenge(CHALLENGE.nonce, ORIGIN, NOW - timedelta(minutes=5) + timedelta(microseconds=1))
    assert judged(login(challenge=issued)).valid


def test_a_challenge_may_be_answered_in_the_moment_it_was_handed_out() -> None:
    assert judged(login(challenge=Challenge(CHALLENGE.nonce, ORIGIN, NOW))).valid


def test_a_relayed_login_fails_whatever_the_relay_says_the_origin_was() -> None:
    seen = login(origin="https://evil.example")
    told = replace(seen, response=replace(seen.response, origin=ORIGIN))
    assert {check.name for check in judged(seen).failed} == {CheckName.ORIGIN}
    assert {check.name for check in judged(told).failed} == {CheckName.SIGNATURE}


def test_challenge_and_response_go_through_json() -> None:
    response = login().response
    assert LoginResponse.from_facts(json.loads(json.dumps(response.as_facts()))) == response
    assert Challenge.from_facts(json.loads(json.dumps(CHALLENGE.as_facts()))) == CHALLENGE


def test_the_signed_bytes_are_those_of_the_documentation() -> None:
    parts = (b"jpki-toolkit login 1", b"https://bank.example", bytes(range(32)))
    assert CHALLENGE.message == b"".join(sha256(part).digest() for part in parts)
    assert sha256(CHALLENGE.message).hexdigest() == EXAMPLE_DIGEST


def test_a_signature_over_a_document_is_no_login() -> None:
    """A site cannot have a document of its choice signed as a login, nor the reverse: the certificates differ."""
    seen = login()
    as_document = replace(document(), content=seen.response.message, signature=seen.signature)
    verdict = judged(replace(as_document, certificate=seen.certificate))
    assert {check.name for check in verdict.failed} == {CheckName.PURPOSE}


# --- the page for relying parties -------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "relying-party.md").read_text("utf-8")


def rows_under(heading: str) -> list[str]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([\w-]+)`", section, re.MULTILINE)


def test_the_page_lists_every_check_in_the_order_of_a_verdict() -> None:
    results = [result.value for result in Result]
    assert [row for row in rows_under("Checks") if row not in results] == [name.value for name in CheckName]


def test_the_page_tells_the_example_and_the_fingerprints_as_they_are() -> None:
    assert EXAMPLE_DIGEST in PAGE
    assert all(root.fingerprint.upper() in PAGE for root in Trust.japan().roots)


def test_the_page_names_every_refusal() -> None:
    refusals = {error.__name__ for error in [Refused, *Refused.__subclasses__()]}
    assert refusals == set(rows_under("Errors")) - {"NoSuchChallenge"}


def test_the_page_names_every_field_of_the_facts() -> None:
    fields = set(re.findall(r"`(\w+)`", PAGE.split("## The verdict as JSON")[1].split("\n## ")[0]))
    missing = verify(document(), TRUST, Evidence(), NOW).as_facts()
    (need,) = missing["crl_for"]  # type: ignore[misc]
    assert set(missing) | set(GOOD.as_facts()) | set(need) | set(GOOD.checks[0].as_facts()) <= fields
