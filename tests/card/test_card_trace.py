"""Traces and transcripts: what they show, and that no secret is in them."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
from certified_cards import AUTH_PIN, SIGN_PASSWORD
from hypothesis import given
from hypothesis import strategies as st

from card_profiles import CardProfile
from jpki.card import (
    Card,
    CardRemoved,
    Encoded,
    Entry,
    Exchange,
    Faulty,
    JpkiApplication,
    LocalConnection,
    OffTranscript,
    Recorded,
    Replayed,
    Traced,
    read_transcript,
)
from jpki.formats import Command, FormatError, Response, StatusWord, digest_info
from jpki.terms import Pin, Role, Secret

DIGEST_INFO = digest_info("sha256", bytes(range(32)))
SECRET_CARRIERS = (0x20, 0x24, 0x2C, 0x32, 0x54, 0xD8, 0xDB)


class Echo:
    """A card that answers with what it was sent."""

    exclusive = staticmethod(nullcontext)

    def send(self, command: Command) -> Response:
        return Response(command.encode())


def test_an_exchange_tells_its_number_its_time_and_what_happened(connection: LocalConnection) -> None:
    log: list[Exchange] = []
    ticks = iter([10.0, 10.5, 20.0, 20.25])
    card = Traced(Encoded(connection), log.append, lambda: next(ticks))
    card.send(Command(0x00, 0xA4, 0x04, 0x0C, bytes.fromhex("D392F000260100000001")))
    card.send(Command(0x00, 0xB0, 0x86, 0x00, le=160))
    assert [(exchange.number, exchange.began, exchange.took) for exchange in log] == [(1, 10.0, 0.5), (2, 20.0, 0.25)]
    assert str(log[0]) == "   1   500.00 ms  00A4040C D392F000260100000001 -> 0 bytes 9000"
    assert str(log[1]) == "   2   250.00 ms  00B08600 Le=160 -> 160 bytes 9000"


def test_a_lost_exchange_is_told_with_its_error(connection: LocalConnection) -> None:
    log: list[Exchange] = []
    with pytest.raises(CardRemoved):
        Traced(Faulty(Encoded(connection), at=1), log.append, lambda: 0.0).send(Command(0x00, 0x84, le=8))
    assert (log[0].status, log[0].error) == (None, "CardRemoved")
    assert "CardRemoved" in str(log[0])


def everything(log: list[Exchange]) -> str:
    return "\n".join(f"{exchange} {exchange!r}" for exchange in log)


def test_a_trace_of_a_whole_session_holds_no_pin_and_nothing_that_was_read(
    card: Card, profile: CardProfile, trace: list[Exchange]
) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(Role.SIGNATURE, SIGN_PASSWORD)
        jpki.verify_pin(Role.AUTHENTICATION, AUTH_PIN)
        raw = jpki.read_certificate(Role.SIGNATURE).raw
        signature = jpki.sign(Role.SIGNATURE, DIGEST_INFO)
        jpki.change_pin(Role.SIGNATURE, Pin("NEWPASS2026"))
    shown = everything(trace)
    for secret in (b"ABC123", b"1234", b"NEWPASS2026", signature[:8], raw[60:68], DIGEST_INFO[-8:]):
        assert secret.hex().upper() not in shown.upper()
        assert repr(secret)[2:-1] not in shown


@given(st.data())
def test_no_secret_body_is_shown_whatever_command_and_answer_carry_it(data: st.DataObject) -> None:
    pin = b"\xa5secret" + data.draw(st.binary(max_size=300))
    wrapped = data.draw(st.booleans())
    ins = data.draw(st.sampled_from(SECRET_CARRIERS) if not wrapped else st.integers(0, 255))
    command = Command(data.draw(st.integers(0, 255)), ins, data=Secret(pin) if wrapped else pin, le=256)
    log: list[Exchange] = []
    lines: list[str] = []
    Traced(Recorded(Replayed([Entry.of(command, Response())]), lines.append), log.append, lambda: 0.0).send(command)
    Traced(Echo(), log.append, lambda: 0.0).send(command)
    for shown in (everything(log), *lines):
        assert pin.hex().upper() not in shown.upper()
        assert repr(pin)[2:-1] not in shown
    assert "•••" in str(log[0])


@given(body=st.binary(min_size=4), cla=st.integers(0, 255), ins=st.integers(0, 255))
def test_no_other_body_is_shown_either_but_names_of_files_and_applications(body: bytes, cla: int, ins: int) -> None:
    log: list[Exchange] = []
    Traced(Echo(), log.append, lambda: 0.0).send(Command(cla, ins, data=body))
    is_name = ins in (0xA4, 0xE0, 0x44, 0x47, 0xF0, 0xF2, 0x50) and not cla & 0x0C
    assert (body.hex().upper() in log[0].command[8:]) is is_name


@pytest.mark.parametrize("ins", [0xA4, 0xE0, 0x44, 0x47, 0xF0, 0xF2, 0x50])
@pytest.mark.parametrize("cla", [0x04, 0x08, 0x0C, 0x14, 0x84, 0x94])
def test_no_protected_body_is_shown_not_even_of_a_command_that_holds_names(cla: int, ins: int) -> None:
    log: list[Exchange] = []
    Traced(Echo(), log.append, lambda: 0.0).send(Command(cla, ins, data=b"\xa5\x5a" * 8))
    assert log[0].command == f"{cla:02X}{ins:02X}0000 (16 bytes)"


def test_a_transcript_gives_the_same_session_again(card: Card, profile: CardProfile) -> None:
    def session(on: Card) -> tuple[bytes, bytes]:
        with JpkiApplication.select(on, profile) as jpki:
            jpki.verify_pin(Role.AUTHENTICATION, AUTH_PIN)
            return jpki.read_certificate(Role.AUTHENTICATION).raw, jpki.sign(Role.AUTHENTICATION, DIGEST_INFO)

    lines: list[str] = []
    live = session(Recorded(card, lines.append))
    assert session(Replayed(read_transcript(lines))) == live


def test_a_question_for_the_tries_is_no_secret(card: Card, profile: CardProfile) -> None:
    lines: list[str] = []
    with JpkiApplication.select(Recorded(card, lines.append), profile) as jpki:
        jpki.tries_left(Role.SIGNATURE)
    assert json.loads(lines[-1]) == {"header": "0020009B", "body": "", "le": None, "response": "63C5"}
    with JpkiApplication.select(Replayed(read_transcript(lines)), profile) as again:
        assert again.tries_left(Role.SIGNATURE) == 5


def test_a_transcript_holds_no_pin(card: Card, profile: CardProfile) -> None:
    lines: list[str] = []
    with JpkiApplication.select(Recorded(card, lines.append), profile) as jpki:
        jpki.verify_pin(Role.SIGNATURE, SIGN_PASSWORD)
    card.send(Command(0x00, 0x20, 0x00, 0x9B, b"ABC123"))
    written = [json.loads(line) for line in lines]
    assert [entry["body"] for entry in written] == ["D392F000260100000001", None]
    assert "414243313233" not in "".join(lines)


def test_a_plain_pin_is_left_out_of_a_transcript_too() -> None:
    lines: list[str] = []
    Recorded(
        Replayed(read_transcript(['{"header":"0020009B","body":null,"le":null,"response":"9000"}'])), lines.append
    ).send(Command(0x00, 0x20, 0x00, 0x9B, b"ABC123"))
    assert json.loads(lines[0])["body"] is None


LINE = '{"header": "00B08600", "body": "", "le": 160, "response": "61629000"}'
OTHERS = [
    Command(0x00, 0xB0, 0x86, 0x01, le=160),
    Command(0x00, 0xB0, 0x86, 0x00, le=161),
    Command(0x00, 0xB0, 0x86, 0x00, b"x", 160),
]


@pytest.mark.parametrize("command", OTHERS)
def test_another_command_than_the_transcripts_is_an_error(command: Command) -> None:
    with pytest.raises(OffTranscript) as caught:
        Replayed(read_transcript([LINE])).send(command)
    assert caught.value.number == 1


def test_a_transcript_that_has_ended_is_an_error() -> None:
    card = Replayed(read_transcript([LINE, "\n"]))
    assert card.send(Command(0x00, 0xB0, 0x86, 0x00, le=160)) == Response(b"ab", StatusWord(0x9000))
    with pytest.raises(OffTranscript) as caught:
        card.send(Command(0x00, 0xB0, 0x86, 0x00, le=160))
    assert caught.value.number == 2


def test_a_secret_body_must_be_there_when_it_is_replayed() -> None:
    line = '{"header": "0020009B", "body": null, "le": null, "response": "9000"}'
    with pytest.raises(OffTranscript):
        Replayed(read_transcript([line])).send(Command(0x00, 0x20, 0x00, 0x9B))


NO_LINES = [
    "nonsense",
    "[]",
    "7",
    "{}",
    LINE.replace("00B08600", "00B086"),
    LINE.replace("00B08600", "x"),
    LINE.replace("160", '"160"'),
    LINE.replace("61629000", "61"),
    LINE.replace('""', "5"),
    "[" * 100_000,
]


@pytest.mark.parametrize("line", NO_LINES)
def test_a_line_that_is_no_exchange_is_refused(line: str) -> None:
    with pytest.raises(FormatError):
        read_transcript([LINE, line])
