"""The feed of events, read strictly: an error names line and field, and never shows what stands there."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpki.ca.life import BadLifeEvent, LifeEvent, read_life_events
from jpki.errors import BadInput
from jpki.terms import Role

GOOD = {"id": "E-1", "person": "R000056", "kind": "move", "occurred_at": "2026-11-22T10:00:00+09:00"}
READ = LifeEvent("E-1", "R000056", "move", datetime(2026, 11, 22, 1, 0, 0, tzinfo=UTC))
BAD_FORM = "not of the form that it has to have"


def encoded(**changes: Any) -> bytes:
    fields = GOOD | changes
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode() + b"\n"


def one(line: bytes) -> LifeEvent | BadLifeEvent:
    (found,) = read_life_events([line])
    return found.read


def problem_of(line: bytes) -> tuple[str | None, str]:
    found = one(line)
    assert isinstance(found, BadLifeEvent)
    assert isinstance(found, BadInput)
    return found.field, found.problem


def test_an_event_is_read() -> None:
    assert one(encoded()) == READ


def test_a_day_alone_is_a_day() -> None:
    event = one(encoded(occurred_at="2026-11-22"))
    assert isinstance(event, LifeEvent)
    assert event.occurred_at == date(2026, 11, 22)
    assert (event.earliest, event.latest) == (
        datetime(2026, 11, 21, 15, 0, 0, tzinfo=UTC),
        datetime(2026, 11, 22, 14, 59, 59, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T01:00:00Z", "2026-11-22T01:00Z", "2026-11-21T20:00:00-05:00", "2026-11-22T10:00:00.000000+09:00"],
)
def test_a_moment_is_read_in_its_time_zone(text: str) -> None:
    assert one(encoded(occurred_at=text)) == READ


def test_facts_of_a_kind_are_read() -> None:
    event = one(encoded(departure="2026-11-23", card="4a504b4900000001", role="auth"))
    assert isinstance(event, LifeEvent)
    assert (event.departure, event.card, event.role) == (date(2026, 11, 23), "4A504B4900000001", Role.AUTHENTICATION)


def test_a_kind_that_nobody_knows_is_read_and_left_to_the_table() -> None:
    event = one(encoded(kind="marriage"))
    assert isinstance(event, LifeEvent)
    assert event.kind == "marriage"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", "123456789018"),
        ("id", "E 1"),
        ("id", "E-1\n"),
        ("id", "届出1"),
        ("id", "E" * 65),
        ("person", ""),
        ("person", "123456789018"),
        ("person", "R000056 "),
        ("person", "公的　花子"),
        ("kind", ""),
        ("kind", "Move"),
        ("kind", "card_lost"),
        ("kind", "a" * 41),
        ("kind", "転居"),
        ("occurred_at", ""),
        ("occurred_at", "2026-11-22T10:00:00"),
        ("occurred_at", "2026-11-22 10:00:00+09:00"),
        ("occurred_at", "20261122"),
        ("occurred_at", "2026-W47-7"),
        ("occurred_at", "2026-02-30"),
        ("occurred_at", "2026-11-22T24:00:00+09:00"),
        ("occurred_at", "2026-11-22T10:00:60+09:00"),
        ("occurred_at", "2026-11-22T10:00:00+25:00"),
        ("occurred_at", "0001-01-01T00:00:00+09:00"),
        ("occurred_at", "9999-12-31T23:59:59-09:00"),
        ("occurred_at", "２０２６-11-22"),
        ("departure", "2026-11-22T10:00:00+09:00"),
        ("departure", "22 November"),
        ("card", ""),
        ("card", "4A5"),
        ("card", "xyz"),
        ("card", "00" * 17),
        ("role", "both"),
        ("role", ""),
    ],
)
def test_a_field_of_another_form_is_named(field: str, value: str) -> None:
    assert problem_of(encoded(**{field: value})) == (field, BAD_FORM)


@pytest.mark.parametrize("field", GOOD)
def test_a_field_that_is_missing_is_named(field: str) -> None:
    assert problem_of(encoded(**{field: None})) == (field, "missing")


@pytest.mark.parametrize("field", [*GOOD, "departure", "card", "role"])
@pytest.mark.parametrize("value", [1, True, ["x"], {"x": "y"}], ids=str)
def test_a_field_that_is_no_text_is_named(field: str, value: object) -> None:
    assert problem_of(encoded(**{field: value})) == (field, "not a text")


def test_a_field_that_is_null_is_not_the_same_as_none() -> None:
    assert problem_of(encoded().replace(b"}", b', "card": null}')) == ("card", "not a text")


def test_a_field_given_twice_is_named() -> None:
    assert problem_of(encoded().replace(b"}", b', "person": "R000057"}')) == ("person", "given twice")


@pytest.mark.parametrize("name", ["name", "address", "my_number", "公的　花子", "birth_date", "ID", ""])
def test_nobody_is_found_by_an_attribute(name: str) -> None:
    assert problem_of(encoded(**{name: "公的　花子"})) == (None, "a field that no event has")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"move R000056\n", "not JSON"),
        (b'{"id": "E-1"\n', "not JSON"),
        (b"[" * 4000 + b"\n", "not JSON"),
        (b'{"id": ' + b"9" * 4400, "a line that is too long"),
        (b'{"id": ' + b"9" * 4050 + b"}\n", "not a text"),
        (b'["id"]\n', "not a JSON object"),
        (b'"id"\n', "not a JSON object"),
        (b"null\n", "not a JSON object"),
        ("公的".encode("euc_jp") + b"\n", "not UTF-8"),
        (b" " * 4097 + b"\n", "a line that is too long"),
    ],
    ids=range(10),
)
def test_a_line_that_is_no_object_is_refused(line: bytes, problem: str) -> None:
    assert problem_of(line)[1] == problem


def test_no_value_of_a_line_is_shown_in_its_error() -> None:
    for line in (encoded(person="公的　花子"), encoded(**{"氏名": "公的　花子"}), encoded(id="123456789018")):
        found = one(line)
        assert isinstance(found, BadLifeEvent)
        assert not {"公的", "氏名", "123456789018"} & set(str(found.facts).split("'"))
        assert found.__context__ is None


def test_a_line_that_comes_with_its_bytes_does_not_print_them() -> None:
    (line,) = read_life_events([encoded(person="公的　花子")])
    assert line.encoded == encoded(person="公的　花子").rstrip()
    assert "encoded" not in repr(line)


def test_lines_are_counted_from_one_and_empty_ones_are_read_past() -> None:
    found = list(read_life_events([encoded(), b"\n", b"  \r\n", encoded(id="E-2"), b"{}\n"]))
    assert [line.number for line in found] == [1, 4, 5]
    assert isinstance(found[2].read, BadLifeEvent)
    assert found[2].read.line == 5


def test_a_bad_line_does_not_keep_the_next_one_from_being_read() -> None:
    found = [line.read for line in read_life_events([b"{}\n", encoded()])]
    assert found[1] == READ


def test_a_feed_is_read_from_a_path_with_a_byte_order_mark_and_no_last_line_end(tmp_path: Path) -> None:
    file = tmp_path / "feed.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + encoded() + encoded(id="E-2").rstrip())
    assert [line.read.id for line in read_life_events(file) if isinstance(line.read, LifeEvent)] == ["E-1", "E-2"]


def test_a_huge_line_of_a_file_is_one_bad_line(tmp_path: Path) -> None:
    file = tmp_path / "feed.jsonl"
    file.write_bytes(b'{"id": "' + b"E" * 100_000 + b'"}\n' + encoded())
    found = list(read_life_events(file))
    assert [line.number for line in found] == [1, 2]
    assert found[1].read == READ
    assert max(len(line.encoded) for line in found) < 5000


def test_events_come_one_at_a_time() -> None:
    lines = iter([encoded(), encoded(id="E-2"), encoded(id="E-3")])
    assert next(read_life_events(lines)).read == READ
    assert len(list(lines)) == 2


@given(st.binary(max_size=200))
def test_no_bytes_are_a_fault(line: bytes) -> None:
    for found in read_life_events([line]):
        assert isinstance(found.read, BadLifeEvent | LifeEvent)


@given(st.dictionaries(st.sampled_from([*GOOD, "departure", "card", "role", "name"]), st.text(max_size=30)))
def test_no_text_in_a_field_is_a_fault(fields: dict[str, str]) -> None:
    assert isinstance(one(encoded(**fields)), BadLifeEvent | LifeEvent)
