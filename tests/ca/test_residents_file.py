"""The file of residents, read strictly: each bad field gives an error that names it and never shows its value."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpki.ca import BadResident, BadResidentFile, FieldProblem, Resident, read_residents, scan_residents
from jpki.ca.residents import COLUMNS
from jpki.errors import BadInput

RESIDENTS = Path(__file__).parent.parent / "data" / "residents-1000.csv"

GOOD = {
    "resident_id": "R000001",
    "my_number": "123456789018",
    "name": "髙﨑　濵子",
    "furigana": "タカサキ　ハマコ",
    "former_name": "",
    "alias": "",
    "birth_date": "1971-04-04",
    "sex": "2",
    "municipality_code": "13101",
    "prefecture": "東京都",
    "municipality": "千代田区",
    "prefecture_romaji": "Tokyo-to",
    "municipality_romaji": "Chiyoda-ku",
    "address": "東京都千代田区有楽町１丁目",
    "nationality": "JP",
    "residence_expiry": "",
    "adult_ward": "",
    "substitutes": "髙=高;﨑=埼",
    "note": "",
}


def file_of(*rows: dict[str, str], columns: tuple[str, ...] = tuple(GOOD)) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([[row[name] for name in columns] for row in rows])
    return text.getvalue().encode("utf-8")


def read(data: bytes) -> list[Resident]:
    return list(read_residents(io.BytesIO(data)))


def problems(*rows: dict[str, str]) -> list[tuple[int, str | None, str | None, FieldProblem]]:
    found = [item for item in scan_residents(io.BytesIO(file_of(*rows))) if isinstance(item, BadResident)]
    return [(bad.row, bad.resident_id, bad.field, bad.problem) for bad in found]


def test_a_row_becomes_a_resident() -> None:
    (resident,) = read(file_of(GOOD | {"nationality": "XX", "residence_expiry": "2028-02-29", "adult_ward": "1"}))
    assert (resident.resident_id, resident.name, resident.sex.raw) == ("R000001", "髙﨑　濵子", "2")
    assert (resident.birth_date, resident.residence_expiry) == (date(1971, 4, 4), date(2028, 2, 29))
    assert resident.adult_ward
    assert resident.substitutes == (("髙", "高"), ("﨑", "埼"))


def test_a_resident_has_the_columns_but_the_individual_number_and_the_note() -> None:
    assert [field.name for field in fields(Resident)] == [name for name in COLUMNS if name not in ("my_number", "note")]


def test_the_individual_number_is_read_past() -> None:
    number = "123456789018"
    (resident,) = read(file_of(GOOD | {"my_number": number}))
    assert not any(number in str(getattr(resident, field.name)) for field in fields(Resident))
    assert read(file_of(GOOD | {"my_number": "no number at all"})) == [resident]


def test_a_resident_prints_as_the_number_of_the_record() -> None:
    (resident,) = read(file_of(GOOD))
    assert repr(resident) == str(resident) == "Resident(R000001)"


def test_all_thousand_residents_are_read_from_a_path() -> None:
    assert [resident.resident_id for resident in read_residents(RESIDENTS)] == [f"R{n:06}" for n in range(1, 1001)]


def test_residents_come_one_at_a_time() -> None:
    lines = iter(RESIDENTS.read_bytes().splitlines(keepends=True))
    assert next(read_residents(lines)).resident_id == "R000001"
    assert len(list(lines)) == 999


def test_columns_may_stand_in_any_order() -> None:
    assert read(file_of(GOOD, columns=tuple(reversed(GOOD)))) == read(file_of(GOOD))


@pytest.mark.parametrize("change", [b"\xef\xbb\xbf", b""])
def test_a_byte_order_mark_is_tolerated(change: bytes) -> None:
    assert len(read(change + file_of(GOOD))) == 1


def test_line_ends_of_both_kinds_and_empty_lines_are_tolerated() -> None:
    assert read(file_of(GOOD).replace(b"\r\n", b"\n") + b"\n\r\n") == read(file_of(GOOD))


def test_a_file_of_no_residents_gives_none() -> None:
    assert read(file_of()) == []


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("resident_id", "", FieldProblem.EMPTY),
        ("resident_id", "123456789018", FieldProblem.FORM),
        ("resident_id", "TANAKA", FieldProblem.FORM),
        ("resident_id", "R000001\n", FieldProblem.CONTROL_CHARACTER),
        ("name", "", FieldProblem.EMPTY),
        ("name", "田中　", FieldProblem.OUTER_SPACE),
        ("name", " TANAKA", FieldProblem.OUTER_SPACE),
        ("name", "田中\0太郎", FieldProblem.CONTROL_CHARACTER),
        ("name", "田中\n太郎", FieldProblem.CONTROL_CHARACTER),
        ("name", "田中\x9b太郎", FieldProblem.CONTROL_CHARACTER),
        ("furigana", "タナカ ", FieldProblem.OUTER_SPACE),
        ("former_name", "\t山田", FieldProblem.CONTROL_CHARACTER),
        ("alias", "　", FieldProblem.OUTER_SPACE),
        ("birth_date", "1971-02-29", FieldProblem.FORM),
        ("birth_date", "1971-4-4", FieldProblem.FORM),
        ("birth_date", "19710404", FieldProblem.FORM),
        ("birth_date", "1971-W14-7", FieldProblem.FORM),
        ("birth_date", "１９７１-04-04", FieldProblem.FORM),
        ("birth_date", "0000-01-01", FieldProblem.FORM),
        ("birth_date", "1971-04-04T00:00", FieldProblem.FORM),
        ("birth_date", "昭和46年4月4日", FieldProblem.FORM),
        ("sex", "", FieldProblem.EMPTY),
        ("sex", "0", FieldProblem.FORM),
        ("sex", "男", FieldProblem.FORM),
        ("sex", "12", FieldProblem.FORM),
        ("municipality_code", "1310", FieldProblem.FORM),
        ("municipality_code", "１３１０１", FieldProblem.FORM),
        ("prefecture", "", FieldProblem.EMPTY),
        ("municipality", "", FieldProblem.EMPTY),
        ("prefecture_romaji", "東京都", FieldProblem.FORM),
        ("municipality_romaji", "Chiyoda-", FieldProblem.FORM),
        ("municipality_romaji", "", FieldProblem.EMPTY),
        ("municipality_romaji", "A" * 59, FieldProblem.TOO_LONG),
        ("prefecture_romaji", "A" * 65, FieldProblem.TOO_LONG),
        ("address", "", FieldProblem.EMPTY),
        ("nationality", "Japan", FieldProblem.FORM),
        ("residence_expiry", "2026-11-31", FieldProblem.FORM),
        ("residence_expiry", "2030-01-01", FieldProblem.CONTRADICTION),  # of a national
        ("adult_ward", "yes", FieldProblem.FORM),
        ("substitutes", "髙", FieldProblem.FORM),
        ("substitutes", "髙=", FieldProblem.FORM),
        ("substitutes", "=高", FieldProblem.FORM),
        ("substitutes", "髙=高;", FieldProblem.FORM),
        ("substitutes", "髙=高=高", FieldProblem.FORM),
        ("substitutes", "髙橋=高", FieldProblem.FORM),
        ("substitutes", "髙=高橋", FieldProblem.FORM),
        ("substitutes", "髙=高;髙=孝", FieldProblem.DUPLICATE),
        ("my_number", "12345678901\0", FieldProblem.CONTROL_CHARACTER),
        ("note", "\x1b[2J", FieldProblem.CONTROL_CHARACTER),
    ],
)
def test_a_bad_field_is_named_with_its_row_and_record(field: str, value: str, problem: FieldProblem) -> None:
    record = None if field == "resident_id" else "R000002"
    assert problems(GOOD, GOOD | {"resident_id": "R000002"} | {field: value}) == [(3, record, field, problem)]


def test_every_bad_field_of_a_row_is_named_and_the_rows_around_it_are_read() -> None:
    bad = GOOD | {"resident_id": "R000002", "sex": "x", "birth_date": "?"}
    data = file_of(GOOD, bad, GOOD | {"resident_id": "R000003"})
    found = list(scan_residents(io.BytesIO(data)))
    assert [item.resident_id for item in found] == ["R000001", "R000002", "R000002", "R000003"]
    assert [item.field for item in found if isinstance(item, BadResident)] == ["birth_date", "sex"]


def test_a_number_of_a_record_that_comes_twice_is_named() -> None:
    assert problems(GOOD, GOOD) == [(3, "R000001", "resident_id", FieldProblem.DUPLICATE)]


def test_rows_are_counted_in_lines_of_the_file() -> None:
    two_lines = GOOD | {"resident_id": "R000002", "note": "first\nsecond"}
    third = GOOD | {"resident_id": "R000003", "sex": "x"}
    assert problems(GOOD, two_lines, third) == [
        (3, "R000002", "note", FieldProblem.CONTROL_CHARACTER),
        (5, "R000003", "sex", FieldProblem.FORM),
    ]


def test_a_municipality_may_be_as_long_as_a_certificate_holds() -> None:
    (found,) = read(file_of({**GOOD, "prefecture_romaji": "A" * 64, "municipality_romaji": "B" * 58}))
    assert (len(found.prefecture_romaji), len(found.municipality_romaji)) == (64, 58)


@pytest.mark.parametrize("tail", [b"R000002,123456789018\r\n", b"," * len(GOOD) + b"\r\n", b"x\r\n"])
def test_a_row_with_another_number_of_fields_is_named_by_its_place_only(tail: bytes) -> None:
    with pytest.raises(BadResident) as raised:
        read(file_of(GOOD) + tail)
    assert raised.value.facts == {"row": 3, "resident_id": None, "field": None, "problem": FieldProblem.COLUMNS}


@pytest.mark.parametrize("column", GOOD)
def test_a_missing_column_is_named(column: str) -> None:
    columns = tuple(name for name in GOOD if name != column)
    with pytest.raises(BadResidentFile) as raised:
        read(file_of(GOOD, columns=columns))
    assert raised.value.facts == {"row": 1, "problem": FieldProblem.COLUMNS, "missing": (column,)}


@pytest.mark.parametrize("extra", ["name", "田中　太郎", ""])
def test_a_column_too_many_is_refused_and_not_shown(extra: str) -> None:
    header, rest = file_of(GOOD).split(b"\r\n", 1)
    with pytest.raises(BadResidentFile) as raised:
        read(header + b"," + extra.encode() + b"\r\n" + rest)
    assert raised.value.facts == {"row": 1, "problem": FieldProblem.COLUMNS, "missing": ()}


def test_a_file_without_its_header_shows_nothing_of_its_first_resident() -> None:
    with pytest.raises(BadResidentFile) as raised:
        read(file_of(GOOD).split(b"\r\n", 1)[1])
    assert raised.value.missing == COLUMNS


@pytest.mark.parametrize(
    ("data", "row", "problem"),
    [
        (b"", 1, FieldProblem.COLUMNS),
        (file_of(GOOD).decode().encode("utf-16"), 1, FieldProblem.ENCODING),
        (file_of() + b"\xff\xfe\r\n", 2, FieldProblem.ENCODING),
        (file_of() + "田中".encode("cp932") + b"\r\n", 2, FieldProblem.ENCODING),
        (file_of() + b"\xed\xa0\x80\r\n", 2, FieldProblem.ENCODING),
        (file_of(GOOD) + b'R000002,"x"y\r\n', 3, FieldProblem.FORM),
        (file_of(GOOD) + b'R000002,"never closed\r\n', 3, FieldProblem.FORM),
        (file_of(GOOD) + b"R000002\rR000003\r\n", 3, FieldProblem.FORM),
        (file_of(GOOD) + b"R" * 70_000, 3, FieldProblem.TOO_LONG),
        (file_of(GOOD) + b'"' + b"\r\n" * 70_000, 3, FieldProblem.FORM),
    ],
)
def test_what_is_no_file_of_residents_is_refused_where_it_stops_being_one(
    data: bytes, row: int, problem: FieldProblem
) -> None:
    with pytest.raises(BadResidentFile) as raised:
        read(data)
    assert (raised.value.row, raised.value.problem) == (row, problem)


def test_an_endless_line_of_a_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "residents.csv"
    path.write_bytes(file_of(GOOD) + b"R" * 1_000_000)
    with pytest.raises(BadResidentFile) as raised:
        list(read_residents(path))
    assert (raised.value.row, raised.value.problem) == (3, FieldProblem.TOO_LONG)


SECRETS = {
    "name": "秘密　花子",
    "furigana": "ヒミツ　ハナコ",
    "birth_date": "1971-04-44",
    "address": "秘密町",
    "my_number": "987654321098",
    "former_name": "秘姓 ",
    "alias": "秘称 ",
    "sex": "7",
    "substitutes": "秘秘",
}


def test_no_error_shows_a_value_or_carries_one_along() -> None:
    found = list(scan_residents(io.BytesIO(file_of(GOOD | SECRETS))))
    assert [item.field for item in found if isinstance(item, BadResident)] == [
        "former_name",
        "alias",
        "birth_date",
        "sex",
        "substitutes",
    ]
    for item in found:
        assert isinstance(item, BadResident)
        assert item.__context__ is None
        shown = repr(item) + str(item) + str(item.args) + str(item.facts)
        assert not any(value.strip() in shown for value in SECRETS.values() if len(value) > 1)


@pytest.mark.parametrize("data", [file_of() + "秘密".encode("cp932"), file_of() + b'R1,"x"y'])
def test_an_error_of_the_file_carries_no_line_of_it_along(data: bytes) -> None:
    with pytest.raises(BadResidentFile) as raised:
        read(data)
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None


@given(st.binary(max_size=300), st.booleans())
def test_nonsense_bytes_give_an_error_of_ours_or_residents(data: bytes, with_header: bool) -> None:
    try:
        for found in scan_residents(io.BytesIO((file_of(GOOD) if with_header else b"") + data)):
            assert isinstance(found, Resident | BadResident)
    except BadInput:
        pass


@given(st.sampled_from(sorted(GOOD)), st.text(max_size=20))
def test_a_resident_with_any_text_in_one_field_is_read_or_named(field: str, value: str) -> None:
    try:
        data = file_of(GOOD | {field: value})
    except UnicodeEncodeError:
        return
    for found in scan_residents(io.BytesIO(data)):
        assert isinstance(found, Resident) or found.field == field or found.field is None
