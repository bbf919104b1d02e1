"""`jpki ca events`: a feed's lines take effect, each is told what became of it, and none twice."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from command_line import Invoke, Program
from offices import ADULT, Office
from schemas import assert_follows_its_schema
from told import differences

from jpki.formats import CertificateList
from jpki.store import Store, StoredCard
from jpki.terms import Role

CA = ("--ca", "ca")
SIGN, AUTH = "sign:01000002", "auth:01000002"
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])


def happened(number: int, kind: str = "move", person: str = ADULT, **fields: str) -> dict[str, str]:
    """Returns an event of a second ago, or as its fields say."""
    moment = datetime.now(UTC).replace(microsecond=0)
    return {"id": f"E-{number}", "person": person, "kind": kind, "occurred_at": moment.isoformat(), **fields}


def feed_of(*lines: dict[str, str] | bytes) -> bytes:
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


def outcomes(report: Any) -> list[str]:
    return [row["outcome"] for row in report["events"]]


def states(office: Office) -> dict[str, str]:
    with office.authority() as authority:
        found = authority.list_certificates(datetime.now(UTC), holder=ADULT)
    return {str(one.name): one.state.value for one in found}


def test_a_feed_takes_effect_and_the_next_list_says_so(jpki: Program, issued_office: Office) -> None:
    (issued_office.path / "feed.jsonl").write_bytes(feed_of(happened(1)))
    done = jpki("ca", "events", "feed.jsonl", *CA, "--json")
    assert (done.code, done.told) == (0, "")
    assert_follows_its_schema(done.json)
    assert done.json["events"] == [
        {
            "line": 1,
            "event": "E-1",
            "event_kind": "move",
            "outcome": "applied",
            "effects": {"revoked_names": [SIGN]},
            "refusal": None,
        }
    ]
    with issued_office.authority() as authority:
        made = authority.certificate_list(Role.SIGNATURE, datetime.now(UTC))
    assert [f"{entry.serial:08X}" for entry in CertificateList.parse(made.encoded)] == ["01000002"]


def test_the_same_feed_again_is_told_as_applied_before(invoke: Invoke, issued_office: Office) -> None:
    feed = feed_of(happened(1, "card-lost"), happened(2, "card-found"))
    first = invoke("ca", "events", "-", *CA, "--json", stdin=feed).json
    again = invoke("ca", "events", "-", *CA, "--json", stdin=feed)
    assert again.code == 0
    assert outcomes(first) == ["applied", "applied"]
    assert outcomes(again.json) == ["repeated", "repeated"]
    assert again.json["counts"] == {"applied": 0, "repeated": 2, "unknown": 0, "refused": 0, "unreadable": 0}
    assert [row["effects"] for row in again.json["events"]] == [row["effects"] for row in first["events"]]
    assert states(issued_office) == {SIGN: "revoked", AUTH: "valid"}


def test_a_death_that_comes_late_is_applied_and_told_as_late(invoke: Invoke, issued_office: Office) -> None:
    moment = datetime.now(UTC)
    earlier = (moment - timedelta(seconds=30)).isoformat()
    feed = feed_of(happened(1, "move", occurred_at=moment.isoformat()), happened(2, "death", occurred_at=earlier))
    done = invoke("ca", "events", "-", *CA, "--json", stdin=feed)
    assert_follows_its_schema(done.json)
    assert outcomes(done.json) == ["applied", "applied"]
    assert done.json["events"][1]["effects"] == {"revoked_names": [AUTH], "came_late": True}
    assert b"came late" in invoke("ca", "events", "-", *CA, stdin=feed).data
    assert states(issued_office) == {SIGN: "revoked", AUTH: "revoked"}


def test_a_line_that_cannot_be_applied_stops_none_of_the_others(invoke: Invoke, issued_office: Office) -> None:
    feed = feed_of(
        b"no JSON at all",
        happened(1, "marriage"),
        happened(2, person="R999999"),
        happened(3, occurred_at=(datetime.now(UTC) + timedelta(days=1)).isoformat()),
        happened(4, "card-found"),
        happened(5, "move"),
        happened(5, "death"),
    )
    done = invoke("ca", "events", "-", *CA, "--json", stdin=feed)
    assert done.code == 8
    assert_follows_its_schema(done.json)
    assert [(row["line"], row["outcome"], row["refusal"]) for row in done.json["events"]] == [
        (1, "unreadable", "BadLifeEvent"),
        (2, "refused", "UnknownEventKind"),
        (3, "unknown", "UnknownPerson"),
        (4, "refused", "EventInFuture"),
        (5, "refused", "NothingHeld"),
        (6, "applied", None),
        (7, "refused", "EventChanged"),
    ]
    assert states(issued_office) == {SIGN: "revoked", AUTH: "valid"}


@pytest.mark.usefixtures("issued_office")
@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((), 0),
        ((happened(1),), 0),
        ((b"{}",), 2),
        ((b"{}", happened(1)), 2),
        ((happened(1, person="R999999"),), 8),
        ((b"{}", happened(1, "marriage")), 8),
    ],
    ids=["nothing", "good", "unreadable", "one unreadable", "unknown", "unreadable and refused"],
)
def test_the_exit_code_tells_the_worst(invoke: Invoke, lines: tuple[Any, ...], code: int) -> None:
    assert invoke("ca", "events", "-", *CA, stdin=feed_of(*lines)).code == code


@pytest.mark.usefixtures("issued_office")
@LANGUAGES
def test_events_say_the_same_as_text(invoke: Invoke, language: str) -> None:
    feed = feed_of(happened(1, "card-lost"), happened(2, "card-found"), happened(3, "stop-use", role="auth"))
    arguments = ("ca", "events", "-", *CA)
    invoke(*arguments, stdin=feed)
    report = invoke(*arguments, "--json", stdin=feed).json
    text = invoke(*arguments, "--lang", language, stdin=feed).out
    found = differences(text, report, table="events", gathered=("effects", "refusal"), japanese=language == "ja")
    assert found == []


@pytest.mark.usefixtures("issued_office")
@LANGUAGES
def test_why_an_event_was_refused_is_said_in_words_and_without_a_value(invoke: Invoke, language: str) -> None:
    bad = json.dumps(happened(1) | {"name": "公的　花子"}).encode()
    done = invoke("ca", "events", "-", *CA, "--lang", language, stdin=feed_of(happened(2, "marriage"), bad))
    assert "marriage" in done.out
    assert ("種類の規則がありません" in done.out) is (language == "ja")
    assert "花子" not in done.out + done.told


@pytest.mark.usefixtures("issued_office")
def test_what_was_left_can_be_sent_again_and_what_was_applied_asks_for_a_list(invoke: Invoke) -> None:
    done = invoke("ca", "events", "-", *CA, stdin=feed_of(happened(1), b"{}"))
    assert "jpki ca crl --out FOLDER --ca ca" in done.told
    assert "sent again" in done.told


@pytest.mark.usefixtures("issued_office")
@pytest.mark.parametrize("feed", ["missing.jsonl", "."])
def test_a_feed_that_cannot_be_read_is_named(invoke: Invoke, feed: str) -> None:
    done = invoke("ca", "events", feed, *CA, "--json")
    assert (done.code, done.error["error"], done.error["facts"]["path"]) == (2, "FileUnreadable", feed)


def test_no_passphrase_is_needed(invoke: Invoke, issued_office: Office) -> None:
    for key in (issued_office.ca / "keys").iterdir():
        key.unlink()
    assert invoke("ca", "events", "-", *CA, stdin=feed_of(happened(1))).code == 0


def many_people(office: Office, count: int) -> bytes:
    """Returns a feed with two events for each of many people, who have nothing but a card."""
    with Store.open(office.ca / "authority.sqlite3") as store, store.transaction() as change:
        for number in range(count):
            card = StoredCard(number.to_bytes(7, "big"), f"P{number}", "mynumber", date(2036, 1, 1), None)
            change.add_card(card)
    return feed_of(
        *(happened(2 * number, "move", f"P{number}") for number in range(count)),
        *(happened(2 * number + 1, "death", f"P{number}") for number in range(count)),
    )


def kept(office: Office) -> int:
    with Store.open(office.ca / "authority.sqlite3") as store, store.snapshot() as view:
        return sum(len(view.events_of(f"P{number}")) for number in range(150))


def test_killed_in_the_middle_and_run_again_it_ends_the_same(jpki: Program, issued_office: Office) -> None:
    feed = many_people(issued_office, 150)
    cut = feed.index(b'"id": "E-160"')
    cut = feed.rindex(b"\n", 0, cut) + 1
    running = jpki.start("ca", "events", "-", *CA, "--json")
    assert running.stdin is not None
    running.stdin.write(feed[:cut])
    running.stdin.flush()
    while not kept(issued_office) >= 20:
        assert running.poll() is None
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    before = kept(issued_office)
    assert 20 <= before < 300
    (issued_office.path / "feed.jsonl").write_bytes(feed)
    again = jpki("ca", "events", "feed.jsonl", *CA, "--json")
    assert again.code == 0
    assert again.json["counts"] == {
        "applied": 300 - before,
        "repeated": before,
        "unknown": 0,
        "refused": 0,
        "unreadable": 0,
    }
    assert kept(issued_office) == 300
    once_more = jpki("ca", "events", "feed.jsonl", *CA, "--json")
    assert once_more.json["counts"]["repeated"] == 300


def test_two_feeds_at_once_apply_each_event_once(jpki: Program, issued_office: Office) -> None:
    (issued_office.path / "feed.jsonl").write_bytes(many_people(issued_office, 150))
    both = [jpki.start("ca", "events", "feed.jsonl", *CA, "--json") for _ in range(2)]
    reports = []
    for running in both:
        out, told = running.communicate(timeout=100)
        assert (running.returncode, told) == (0, b"")
        reports.append(json.loads(out))
    pairs = zip(*(outcomes(report) for report in reports), strict=True)
    assert all(sorted(pair) == ["applied", "repeated"] for pair in pairs)


def test_how_far_it_has_come_is_shown_at_a_terminal_only(invoke: Invoke, jpki: Program, issued_office: Office) -> None:
    feed = many_people(issued_office, 150)
    assert "…" not in invoke("ca", "events", "-", *CA, stdin=feed).told
    (issued_office.path / "feed.jsonl").write_bytes(feed)
    terminal = jpki.at_terminal("ca", "events", "feed.jsonl", *CA)
    assert terminal.end() == 0
    assert "lines read …" in terminal.shown
