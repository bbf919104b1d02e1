"""`jpki card apdu`: commands as bytes, and no secret on a command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import AtTerminal, Invoke, Program

SELECT = "00A4040C0AD392F000260100000001"
VERIFY = "0020009B06414243313233"
SIGN = "802A009A33" + "3031300D060960864801650304020105000420" + "00" * 32 + "00"


def test_each_response_is_a_line_of_data_and_status(invoke: Invoke, card: Path) -> None:
    done = invoke("card", "apdu", "-e", card, SELECT, "00B0880003", "00B0880903")
    assert done.code == 0
    assert done.out.splitlines() == ["9000 (done)", "8F8F00 9000 (done)", "6B00 (offset outside the EF)"]


def test_commands_come_from_standard_input_with_comments(invoke: Invoke, card: Path) -> None:
    lines = f"# the JPKI application\n{SELECT}\n\n00 20 00 9b  # tries left\n"
    done = invoke("card", "apdu", "-e", card, stdin=lines.encode())
    assert done.out.splitlines() == ["9000 (done)", "63C5 (5 tries left)"]


def test_a_secret_goes_by_standard_input(invoke: Invoke, card: Path) -> None:
    done = invoke("card", "apdu", "-e", card, "--trace", stdin=f"{SELECT}\n{VERIFY}\n{SIGN}\n".encode())
    assert done.out.splitlines()[1] == "9000 (done)"
    assert len(done.out.splitlines()[2]) == 512 + len(" 9000 (done)")
    assert "0020009B •••" in done.told
    assert VERIFY[10:] not in done.told


@pytest.mark.parametrize(
    "secret",
    [VERIFY, "002400810431323334", "002C029B06414243313233", "10200081023132", "80D8018103010203", "00DB3FFF03010203",
     "002000810A31323334", "0021009B06414243313233", "0025008104DC020102", "0026008104DD020102", "0028008104DE020102",
     "002D008104DF020102", "00DA010003010203", "80E2800003010203", "00C200000900200081041F1E1D1C", "00C3000003010203",
     "002000810000041F1E1D1C"],
)  # fmt: skip
def test_a_command_with_a_secret_is_refused_on_the_command_line(invoke: Invoke, card: Path, secret: str) -> None:
    done = invoke("card", "apdu", "-e", card, "--json", "--trace", SELECT, secret)
    assert (done.code, done.error["error"], done.error["facts"]["position"]) == (2, "SecretInArguments", 2)
    assert secret[10:] not in done.told
    assert " -> " not in done.told


def test_asking_for_the_tries_is_no_secret(invoke: Invoke, card: Path) -> None:
    assert invoke("card", "apdu", "-e", card, SELECT, "0020009B").out.splitlines()[1] == "63C5 (5 tries left)"


def test_bytes_that_are_no_command_reach_the_card_as_they_are(invoke: Invoke, card: Path) -> None:
    done = invoke("card", "apdu", "-e", card, "--trace", "00A4040C0A01", "00B0000000000000000000")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["6700", "6700"]
    assert "00A4040C •••" in done.told


@pytest.mark.parametrize(
    "text", ["00A4", "0", "00A4040G", "zz", "00A40400 01é", pytest.param("00" * 65_545, id="longer than any command")]
)
def test_what_is_no_command_is_refused_and_not_repeated(invoke: Invoke, card: Path, text: str) -> None:
    for done in (
        invoke("card", "apdu", "-e", card, "--json", text),
        invoke("card", "apdu", "-e", card, "--json", stdin=text.encode()),
    ):
        assert (done.code, done.error["error"]) == (2, "BadValue")
        assert text not in done.told


def test_no_input_is_no_exchange(invoke: Invoke, card: Path) -> None:
    assert invoke("card", "apdu", "-e", card, "--json").json["responses"] == []


def test_the_card_is_logged_out_at_the_end(jpki: Program, card: Path) -> None:
    assert jpki("card", "apdu", "-e", card, stdin=f"{SELECT}\n{VERIFY}\n".encode()).out.endswith("9000 (done)\n")
    done = jpki("card", "apdu", "-e", card, SELECT, SIGN)
    assert done.out.splitlines()[1].startswith("6982")


def test_a_person_is_told_how_to_end_the_input(at_terminal: AtTerminal, card: Path) -> None:
    terminal = at_terminal("card", "apdu", "-e", card)
    terminal.until("Ctrl-D")
    terminal.type(SELECT)
    terminal.press(b"\x04")
    assert terminal.end() == 0
    assert "9000 (done)" in terminal.shown
