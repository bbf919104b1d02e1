"""What SELECT finds, and what the card is like before anything is selected."""

from __future__ import annotations

import pytest
from made_cards import Send

SELECT_JPKI = "00A4040C0AD392F000260100000001"
SELECT_ISSUER = "00A4040C07A0000001510000"


def test_the_issuer_domain_is_selected_at_power_on_and_has_no_files(send: Send) -> None:
    assert send("00A4020C02000A") == "6A82"
    assert send("00B0000000") == "6986"
    assert send("00B08A0000") == "6986"
    assert send("00200098") == "6986"
    assert send("802A00970101") == "6986"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (SELECT_JPKI, "9000"),
        ("00A404000AD392F000260100000001", "9000"),
        ("00A404000AD392F00026010000000100", "9000"),
        ("00A4040C05D392F00026", "9000"),
        ("00A4040C01D3", "9000"),
        ("00A4040C0BD392F00026010000000101", "6A82"),
        ("00A4040C0AD392F000260100000002", "6A82"),
        ("00A4040D0AD392F000260100000001", "6A86"),
        ("00A4090C02000A", "6A86"),
        ("00A4010C02000A", "6A86"),
    ],
)
def test_an_application_is_selected_by_its_name_or_the_beginning_of_it(send: Send, command: str, answer: str) -> None:
    assert send(command) == answer


@pytest.mark.parametrize("command", [SELECT_ISSUER, "00A4040C05A000000151", "00A4040000", "00A40400"])
def test_the_issuer_domain_can_be_selected_again(jpki: Send, command: str) -> None:
    assert jpki("00A4020C02000A") == "9000"
    assert jpki(command) == "9000"
    assert jpki("00A4020C02000A") == "6A82"


def test_a_file_is_selected_by_its_identifier_under_the_application(jpki: Send) -> None:
    for file in ("0001", "0002", "0006", "0008", "0009", "000A", "000B", "0016", "0017", "0018", "001A", "001B"):
        assert jpki(f"00A4020C02{file}") == "9000", file


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("00A4020C020003", "6A82"),
        ("00A4020C02FFFF", "6A82"),
        ("00A4020C0100", "6700"),
        ("00A4020C03000A00", "6700"),
        ("00A4020C", "6700"),
        ("00A4020D02000A", "6A86"),
    ],
)
def test_what_is_no_file_leaves_the_current_one(jpki: Send, command: str, answer: str) -> None:
    assert jpki("00A4020C020008") == "9000"
    assert jpki(command) == answer
    assert jpki("00B0000000") == "8F8F009000"


def test_an_unknown_application_leaves_the_current_one(jpki: Send) -> None:
    assert jpki("00A4020C020008") == "9000"
    assert jpki("00A4040C0AD392F000260100000099") == "6A82"
    assert jpki("00B0000000") == "8F8F009000"


def test_selecting_an_application_leaves_no_current_file(jpki: Send) -> None:
    assert jpki("00A4020C020008") == "9000"
    assert jpki(SELECT_JPKI) == "9000"
    assert jpki("00B0000000") == "6986"


def test_the_master_file_is_not_there_for_anybody(send: Send) -> None:
    assert send("00A40000") == "6A86"
    assert send("00A40000023F00") == "6A82"
    send(SELECT_JPKI)
    assert send("00A4020C020008") == "9000"
    assert send("00A40000") == "9000"
    assert send("00B0000000") == "8F8F009000"
    assert send("00A40000023F00") == "6A82"
    assert send("00A4020C023F00") == "6A82"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("01B0000000", "6881"),
        ("03A4040C0AD392F000260100000001", "6881"),
        ("81500000", "6881"),
        ("40B0000000", "6881"),
        ("C0B0000000", "6881"),
        ("20B0000000", "6E00"),
        ("A0B0000000", "6E00"),
        ("FFCA000000", "6E00"),
        ("08B0000000", "6882"),
        ("0CB0000000", "6882"),
        ("04B0000000", "6985"),
        ("00FF0000", "6D00"),
        ("80B0000000", "6D00"),
        ("0070000001", "6D00"),
        ("", "6700"),
        ("00", "6700"),
        ("00B000", "6700"),
        ("00A4040C0AD392", "6700"),
        ("00A4040C02D3920000", "6700"),
        ("00A4040C0000", "6700"),
    ],
)
def test_a_command_of_another_class_instruction_or_length_is_refused(jpki: Send, command: str, answer: str) -> None:
    assert jpki(command) == answer
