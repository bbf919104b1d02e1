"""The check of the audit trail: whatever is done to an entry, a row or a seal by SQL is named, and nothing else is."""

# ruff: noqa: S608 - every value in these statements stands in this file

from __future__ import annotations

import random
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from audited_life import HOUR, Meddler, copied, done_to, findings, lived, otherwise, text_of
from authorities import NOW, Applicants, PoolKeys, issue_one, name_in, seal_key

from jpki.ca import Authority, AuthoritySettings, check_audit_trail
from jpki.formats import RevocationReason
from jpki.store import Store
from jpki.terms import Role

SEALED = (2, 7, 12, 13, 14)  # the entry that each seal but the last, which has nothing new, covers up to
ENTRIES = range(1, 15)
ISSUED = {2: 2, 3: 3, 4: 4, 14: 5}  # the entries about certificates, and the last digit of these


E1 = sha256(b"E1").hexdigest()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lived(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def file(whole: Path, tmp_path: Path) -> Path:
    return copied(whole, tmp_path / "copy")


def behind(number: int) -> int:
    """Returns the first entry of those that are sealed together with this one, so the one behind the last sealed."""
    return max((end for end in SEALED if end < number), default=0) + 1


def test_nothing_is_found_in_a_trail_that_nobody_touched(whole: Path) -> None:
    assert findings(whole) == set()
    with Store.open(whole) as store:
        found = check_audit_trail(store, seal_key().public_key_info)
    assert (found.chains, found.entries, found.seals, found.unsealed, found.more) == (1, 14, 6, 0, False)
    assert found.sealed_at == NOW + 6 * HOUR


# --- entries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ENTRIES)
def test_an_entry_that_was_removed_is_named(file: Path, number: int) -> None:
    found = done_to(file, f"DELETE FROM audit_entry WHERE number = {number}")
    seal = f" seal {SEALED.index(number) + 1}" if number == 14 else ""
    assert found == {f"entry-missing 1/{number}{seal}"}


@pytest.mark.parametrize("number", ENTRIES)
def test_an_entry_whose_content_was_changed_is_named(file: Path, number: int) -> None:
    with Meddler(file) as meddler:
        meddler.write(number, otherwise(meddler.body(number)))
    assert findings(file) == {f"entry-changed 1/{number}"}


@pytest.mark.parametrize("number", ENTRIES)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 10_000, b'{"chain":"1","number":2}'])
def test_an_entry_that_became_nonsense_is_named(file: Path, number: int, body: bytes) -> None:
    with Meddler(file) as meddler:
        meddler.write(number, body)
    assert findings(file) == {f"entry-changed 1/{number}"}


@pytest.mark.parametrize("number", ENTRIES)
def test_an_entry_whose_digest_was_changed_is_named(file: Path, number: int) -> None:
    with Meddler(file) as meddler:
        meddler.write(number, meddler.body(number), bytes(32))
    assert findings(file) == {f"entry-changed 1/{number}"}


@pytest.mark.parametrize("number", ENTRIES)
def test_an_entry_that_was_written_anew_with_its_digest_shows_in_the_next_one_or_in_its_seal(
    file: Path, number: int
) -> None:
    with Meddler(file) as meddler:
        before = meddler.rows("SELECT digest FROM audit_entry WHERE number = ?", [number - 1]) or [(bytes(32),)]
        body = otherwise(meddler.body(number))
        meddler.write(number, body, sha256(before[0][0] + body).digest())  # type: ignore[operator]
    found = findings(file)
    assert found <= {f"entry-changed 1/{number + 1}", *sealed_otherwise(number)}
    assert (f"entry-changed 1/{number + 1}" in found) is (number < 14)
    assert any("not-as-sealed" in one for one in found) is (number in SEALED)


@pytest.mark.parametrize("number", ENTRIES)
def test_a_chain_that_was_computed_anew_from_an_entry_on_shows_in_its_seal(file: Path, number: int) -> None:
    with Meddler(file) as meddler:
        meddler.write(number, otherwise(meddler.body(number)))
        meddler.rechain(number)
    assert findings(file) == sealed_otherwise(number)


def sealed_otherwise(number: int) -> set[str]:
    first, last = behind(number), min(end for end in SEALED if end >= number)
    until = f"-{last}" if last > first else ""
    return {f"entry-not-as-sealed 1/{first}{until} seal {SEALED.index(last) + 1}"}


@pytest.mark.parametrize("first", ENTRIES)
def test_a_chain_that_was_cut_shows_against_its_seals(file: Path, first: int) -> None:
    found = done_to(file, f"DELETE FROM audit_entry WHERE number >= {first}")
    first_seal = next(number for number, end in enumerate(SEALED, 1) if end >= first)
    assert found == {f"entry-missing 1/{span(first)} seal {first_seal}"}


def span(first: int) -> str:
    return "14" if first == 14 else f"{first}-14"


@pytest.mark.parametrize("first", ENTRIES)
def test_a_chain_that_was_cut_together_with_its_seals_shows_against_the_files(file: Path, first: int) -> None:
    kept = sum(end < first for end in SEALED)
    found = done_to(
        file, f"DELETE FROM audit_entry WHERE number >= {first}", f"DELETE FROM audit_seal WHERE number > {kept}"
    )
    assert found == {
        f"entry-missing 1/{span(first)} seal {kept + 1}",
        *(f"seal-only-in-file seal {number}" for number in range(kept + 1, 7)),
    }


@pytest.mark.parametrize("first", [2, 3, 8, 9, 10, 11, 12, 14])
def test_a_chain_that_was_cut_behind_its_last_seal_shows_against_the_rows(file: Path, first: int) -> None:
    for seal in (file.parent / "seals").iterdir():
        seal.unlink()
    with Meddler(file) as meddler:
        meddler.run(
            "DELETE FROM audit_seal",
            "UPDATE audit_chain SET sealed = 0",
            f"DELETE FROM audit_entry WHERE number >= {first}",
        )
    with Store.open(file) as store:
        found = check_audit_trail(store, seal_key().public_key_info)
    missing = {number for one in found.findings for number in range(one.entry[1], (one.until or one.entry[1]) + 1)}  # type: ignore[index]
    assert {one.problem.value for one in found.findings} == {"entry-missing"}
    assert missing == set(range(first, 15))


@pytest.mark.parametrize("seed", range(20))
def test_entries_that_were_exchanged_are_named(file: Path, seed: int) -> None:
    one, other = random.Random(seed).sample(ENTRIES, 2)  # noqa: S311 - a choice of examples
    with Meddler(file) as meddler:
        meddler.swap(one, other)
    found = {text.split(" seal ")[0] for text in findings(file)}
    assert found == {f"entry-moved 1/{one}<1/{other}", f"entry-moved 1/{other}<1/{one}"}


@pytest.mark.parametrize("number", ENTRIES)
def test_an_entry_that_stands_there_twice_is_named(file: Path, number: int) -> None:
    with Meddler(file) as meddler:
        meddler.repeat(number, 15)
    assert findings(file) == {f"entry-repeated 1/15<1/{number}"}


def test_an_entry_that_was_put_into_another_chain_is_named(file: Path) -> None:
    found = done_to(
        file,
        "INSERT INTO audit_chain (id, opened_at, sealed) VALUES (2, 0, 0)",
        "INSERT INTO audit_entry SELECT 2, 1, body, digest FROM audit_entry WHERE number = 6",
    )
    assert found == {"entry-repeated 2/1<1/6"}


def test_a_chain_that_has_lost_everything_is_named(file: Path) -> None:
    found = done_to(file, "INSERT INTO audit_chain (id, opened_at, sealed) VALUES (2, 0, 0)")
    assert found == {"entry-missing 2/1"}


def test_two_entries_in_a_row_that_were_changed_are_both_named(file: Path) -> None:
    with Meddler(file) as meddler:
        for number in (5, 6):
            meddler.write(number, otherwise(meddler.body(number)))
    assert findings(file) == {"entry-changed 1/5", "entry-changed 1/6"}


# --- rows -------------------------------------------------------------------------------------------------------------

SIGN_2, SIGN_3, AUTH_2 = (1 << 32 | 0x0100_0002), (1 << 32 | 0x0100_0003), (2 << 32 | 0x0100_0002)
CERTIFICATE, REVOCATION = "certificate sign:01000003", "revocation sign:01000002"
LIST = "revocation_list sign:01000001/0/0/1"
CHANGES = {
    f"UPDATE certificate SET holder = 'R1' WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} place",
    f"UPDATE certificate SET ordinal = 7 WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} place",
    f"UPDATE certificate SET issuer = 4311744514 WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} place",
    f"UPDATE certificate SET municipality = '01100' WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} place",
    f"UPDATE certificate SET not_before = 1 WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} place",
    f"UPDATE certificate SET not_after = 5000000000 WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} place",
    f"UPDATE certificate SET key_hash = x'00' WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} place",
    f"UPDATE certificate SET submission = x'00' WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} place",
    f"UPDATE certificate SET counterpart = NULL WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} place",
    f"UPDATE certificate SET entry = NULL WHERE id = {SIGN_3}": f"row-without-entry {CERTIFICATE}",
    f"UPDATE certificate SET entry = entry + 1 WHERE id = {SIGN_3}": f"row-not-told 1/4 {CERTIFICATE}",
    f"UPDATE certificate SET confirmed_at = NULL WHERE id = {SIGN_2}": "row-missing confirmation sign:01000002",
    f"UPDATE encoded_certificate SET encoded = x'3000' WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} sha256",
    f"DELETE FROM encoded_certificate WHERE id = {SIGN_3}": f"row-changed 1/3 {CERTIFICATE} sha256",
    f"DELETE FROM certificate WHERE id = {SIGN_3}": f"row-missing {CERTIFICATE}",
    f"UPDATE revocation SET reason = 4 WHERE id = {SIGN_2}": f"row-changed 1/8 {REVOCATION} reason",
    f"UPDATE revocation SET line = x'3000' WHERE id = {SIGN_2}": f"row-changed 1/8 {REVOCATION} reason",
    f"UPDATE revocation SET reason = 99 WHERE id = {SIGN_2}": f"row-changed 1/8 {REVOCATION} reason",
    f"UPDATE revocation SET revoked_at = 1 WHERE id = {SIGN_2}": f"row-changed 1/8 {REVOCATION} reason since",
    f"UPDATE revocation SET entry = NULL WHERE id = {SIGN_2}": f"row-changed {REVOCATION} entry",
    f"UPDATE revocation SET entry = entry - 2, reason = 6 WHERE id = {SIGN_2}": f"row-changed {REVOCATION} entry",
    f"DELETE FROM revocation WHERE id = {SIGN_2}": f"row-missing {REVOCATION}",
    f"UPDATE release SET line = x'3000' WHERE id = {AUTH_2}": "row-changed 1/9 release auth:01000002 damaged",
    f"UPDATE release SET entry = NULL WHERE id = {AUTH_2}": "row-without-entry release auth:01000002",
    "UPDATE revocation_list SET digest = x'00' WHERE id = 1": f"row-changed 1/12 {LIST} sha256",
    "UPDATE revocation_list SET entries = 1 WHERE id = 1": f"row-changed 1/12 {LIST} entries",
    "DELETE FROM revocation_list WHERE id = 1": f"row-missing {LIST}",
    "UPDATE revocation_list SET entry = NULL WHERE id = 1": f"row-without-entry {LIST}",
    "UPDATE event SET kind = 'move'": f"row-changed 1/10 event {E1} kind",
    "UPDATE event SET digest = x'00'": f"row-changed 1/10 event {E1} sha256",
    "UPDATE event SET outcome = '{}'": f"row-changed 1/10 event {E1} outcome",
    "UPDATE event SET entry = NULL": f"row-without-entry event {E1}",
    "DELETE FROM event": f"row-missing event {E1}",
    "UPDATE responder SET encoded = x'00'": "row-changed 1/11 responder sign:02000000 sha256",
    "UPDATE responder SET issuer = 4311744514": "row-changed 1/11 responder sign:02000000 issuer",
    "DELETE FROM responder": "row-missing responder sign:02000000",
    "UPDATE authority_key SET encoded = x'3000' WHERE authority = 1": "row-changed authority_key sign:01000001 sha256",
    "UPDATE setting SET value = 'www.elsewhere.example' WHERE name = 'cps_host'": "row-changed setting cps_host value",
    "UPDATE audit_chain SET sealed = 99": "chain-mark 1/99",
}


@pytest.mark.parametrize("statement", CHANGES, ids=lambda text: text.split(" WHERE")[0])
def test_a_row_that_was_changed_or_removed_is_named(file: Path, statement: str) -> None:
    assert done_to(file, statement) == {CHANGES[statement]}


ADDED = {
    "certificate": "INSERT INTO certificate SELECT id + 100, holder, authority, 9, issuer, municipality, point,"
    " not_before, not_after, key_hash, submission, counterpart, confirmed_at, entry"
    f" FROM certificate WHERE id = {SIGN_3}",
    "revocation": f"INSERT INTO revocation SELECT id + 100, issuer, point, reason, revoked_at, noted_at, not_after,"
    f" revision, line, entry FROM revocation WHERE id = {SIGN_2}",
    "release": "INSERT INTO release SELECT id + 1, issuer, point, released_at, revision, line, entry FROM release",
    "event": "INSERT INTO event SELECT 'E2', person, kind, occurred_at, noted_at, digest, outcome, entry FROM event",
    "responder": "INSERT INTO responder SELECT id + 1, issuer, not_before, not_after, encoded, entry FROM responder",
}


@pytest.mark.parametrize("kind", ADDED)
def test_a_row_that_no_entry_tells_of_is_named(file: Path, kind: str) -> None:
    (found,) = {one.split()[0] + " " + one.split()[2] for one in done_to(file, f"{ADDED[kind]} LIMIT 1")}
    assert found == f"row-not-told {kind}"


@pytest.mark.parametrize("kind", ADDED)
def test_a_row_without_an_entry_is_named_also_where_it_is_dated_back(file: Path, kind: str) -> None:
    date = {"certificate": "not_before", "revocation": "noted_at", "release": "released_at", "event": "noted_at"}
    column = date.get(kind, "not_before")
    statement = f"{ADDED[kind]} LIMIT 1".replace(", entry FROM", ", NULL FROM").replace(f" {column},", " 5,")
    (found,) = {" ".join(one.split()[:2]) for one in done_to(file, statement)}
    assert found == f"row-without-entry {kind}"


def test_a_hold_that_came_back_after_its_end_is_named(file: Path) -> None:
    """Somebody takes the end of a hold away, and puts the row of before in its place."""
    hold = f"INSERT INTO revocation SELECT {AUTH_2}, issuer, point, 6, revoked_at, noted_at, not_after, revision, line,"
    hold += f" 4294967303 FROM revocation WHERE id = {SIGN_2}"
    found = done_to(file, hold, f"DELETE FROM release WHERE id = {AUTH_2}")
    assert "row-missing release auth:01000002" in found


# --- how much ---------------------------------------------------------------------------------------------------------


def test_no_more_is_told_than_was_asked_for(file: Path) -> None:
    with Meddler(file) as meddler:
        meddler.run("UPDATE certificate SET holder = 'R1'")
    with Store.open(file) as store:
        found = check_audit_trail(store, seal_key().public_key_info, most=3)
    assert (len(found.findings), found.more) == (3, True)
    assert text_of(found.findings[0]) == "row-changed 1/2 certificate sign:01000002 place"


def test_what_came_after_the_last_seal_is_counted(tmp_path: Path) -> None:
    with Authority.create(Store.create(tmp_path / "a"), PoolKeys(), AuthoritySettings(), NOW) as authority:
        authority.seal(NOW)
        name = name_in(issue_one(authority, Applicants().asks(), NOW + timedelta(minutes=1)), Role.SIGNATURE)
        authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + timedelta(minutes=2))
        found = check_audit_trail(authority.store, seal_key().public_key_info)
    assert (found.findings, found.entries, found.unsealed) == ((), 3, 2)


def test_a_row_of_before_the_trail_needs_no_entry(file: Path) -> None:
    """As after an update from a version that had none: what was there names no entry."""
    with Meddler(file) as meddler:
        meddler.run(
            "DELETE FROM audit_seal", "DELETE FROM audit_entry", "DELETE FROM audit_chain",
            "UPDATE certificate SET entry = NULL", "UPDATE revocation SET entry = NULL",
            "UPDATE release SET entry = NULL", "UPDATE revocation_list SET entry = NULL",
            "UPDATE event SET entry = NULL", "UPDATE responder SET entry = NULL",
        )  # fmt: skip
    keys = PoolKeys()
    for role in Role:
        keys.signing_key(role, 1, make=True)
    with Authority(Store.open(file), keys) as authority:
        later = NOW + 9 * HOUR
        name = name_in(
            issue_one(authority, Applicants(2).asks(Applicants(2).person(), [Role.SIGNATURE]), later), Role.SIGNATURE
        )
        found = check_audit_trail(authority.store, seal_key().public_key_info)
        assert [text_of(one) for one in found.findings] == []
        with Meddler(file) as meddler:
            meddler.run(f"UPDATE certificate SET entry = NULL WHERE id = {1 << 32 | name.number}")
        found = check_audit_trail(authority.store, seal_key().public_key_info)
        assert [text_of(one) for one in found.findings] == [f"row-without-entry certificate {name}"]
