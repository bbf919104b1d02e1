"""Power, reset, long commands and answers, and errors of the emulator's own."""

from __future__ import annotations

import threading

import pytest
from made_cards import Send, sender

from card_profiles import CardProfile, load_profile
from emulator import CardState, EmulatedCard, VolatileMemory, create_blank

SELECT_JPKI = "00A4040C0AD392F000260100000001"
AUTH_RIGHT = "002000980431323334"
ATR = bytes.fromhex("3BE000FF8131FE4514")


def test_a_challenge_is_as_long_as_asked_for_and_never_the_same(send: Send) -> None:
    for le in (1, 8, 255, 256):
        answers = {send(f"00840000{le & 0xFF:02X}") for _ in range(4)}
        assert {len(answer) for answer in answers} == {2 * le + 4}
        assert le == 1 or len(answers) == 4


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("00840100" + "08", "6A86"),
        ("00840001" + "08", "6A86"),
        ("00840000", "6700"),
        ("008400000101", "6700"),
        ("00840000000000", "6985"),
        ("00840000000101", "6985"),
    ],
)
def test_another_way_to_ask_for_a_challenge_is_refused(send: Send, command: str, answer: str) -> None:
    assert send(command) == answer


def test_the_random_bytes_are_those_handed_in(profile: CardProfile, state: CardState) -> None:
    send = sender(EmulatedCard(profile, VolatileMemory(state), random=lambda count: bytes(range(count))))
    assert send("0084000004") == "000102039000"


def test_an_answer_longer_than_le_waits_for_get_response(jpki: Send) -> None:
    assert jpki(AUTH_RIGHT) == "9000"
    whole = jpki("802A0097010100")[:-4]
    assert jpki("802A00970101") == "6100"
    assert jpki("00C0000000") == whole + "9000"
    assert jpki("802A0097010110") == whole[:32] + "61F0"
    assert jpki("00C0000020") == whole[32:96] + "61D0"
    assert jpki("80C0000000") == whole[96:] + "9000"
    assert jpki("00C0000000") == "6985"


def test_a_waiting_answer_is_dropped_by_another_command_and_kept_by_a_wrong_question(
    card: EmulatedCard, jpki: Send
) -> None:
    jpki(AUTH_RIGHT)
    assert jpki("802A00970101") == "6100"
    assert jpki("00C00000") == "6700"
    assert len(jpki("00C0000000")) == 516
    for other in ("00A4020C020008", "00", "00FF0000"):
        assert jpki("802A00970101") == "6100"
        jpki(other)
        assert jpki("00C0000000") == "6985"
    assert jpki("802A00970101") == "6100"
    card.reset()
    assert jpki("00C0000000") == "6985"


@pytest.mark.parametrize("sizes", [(1, 1), (200, 45), (245, 0), (0, 245), (100, 100, 45)])
def test_a_chain_is_carried_out_as_one_command(jpki: Send, sizes: tuple[int, ...]) -> None:
    jpki(AUTH_RIGHT)
    data = bytes(range(sum(sizes)))
    whole = jpki(f"802A0097{len(data):02X}{data.hex()}00")
    at = 0
    for size in sizes[:-1]:
        part = data[at : at + size]
        assert jpki("902A0097" + (f"{size:02X}{part.hex()}" if size else "")) == "9000"
        at += size
    rest = data[at:]
    assert jpki("802A0097" + (f"{len(rest):02X}{rest.hex()}" if rest else "") + "00") == whole


def test_a_chain_for_on_card_hashing_goes_beyond_255_bytes(jpki: Send) -> None:
    jpki(AUTH_RIGHT)
    data = b"x" * 600
    whole = jpki(f"802A0397000258{data.hex()}0000")
    assert jpki(f"902A0397FF{data[:255].hex()}") == "9000"
    assert jpki(f"902A0397FF{data[255:510].hex()}") == "9000"
    assert jpki(f"802A03975A{data[510:].hex()}00") == whole


@pytest.mark.parametrize("other", ["00B0880000", "80CA0000", "102000980431323334", "00"])
def test_an_interrupted_chain_is_dropped(jpki: Send, other: str) -> None:
    jpki(AUTH_RIGHT)
    assert jpki("902A00970101") == "9000"
    jpki(other)
    alone = jpki("802A0097010200")
    assert alone == jpki("802A0097010200")


def test_a_chain_of_a_wrong_pin_is_one_try(jpki: Send) -> None:
    assert jpki("102000980239399000"[:14]) == "9000"
    assert jpki("00200098023939") == "63C2"


def test_a_chain_never_ends_in_more_than_65535_bytes(jpki: Send) -> None:
    jpki(AUTH_RIGHT)
    part = "902A039700FFFF" + "41" * 65_535
    assert jpki(part) == "9000"
    assert jpki("802A0397014100") == "6700"
    assert len(jpki("802A0397014100")) == 516


def test_a_card_without_power_gets_it_with_the_first_command(card: EmulatedCard) -> None:
    assert not card.powered
    assert card.transmit(bytes.fromhex(SELECT_JPKI)) == b"\x90\x00"
    assert card.powered


def test_power_for_a_card_that_has_it_changes_nothing(card: EmulatedCard, jpki: Send) -> None:
    jpki("00A4020C020008")
    assert card.power_on() == ATR == card.atr
    assert jpki("00B0000000") == "8F8F009000"


def test_loss_of_power_selects_the_issuer_domain(card: EmulatedCard, jpki: Send) -> None:
    card.power_off()
    assert not card.powered
    assert jpki("00A40000") == "6A86"


def test_a_card_that_stumbles_answers_6f00_once_after_each_power_off(profile: CardProfile, state: CardState) -> None:
    card = EmulatedCard(profile, VolatileMemory(state), strict=True, stumbles=True)
    send = sender(card)
    assert send(SELECT_JPKI) == "9000"
    card.power_off()
    card.power_on()
    assert [send("002000980439393939"), send(SELECT_JPKI), send("00200098")] == ["6F00", "9000", "63C3"]


class Broken(VolatileMemory):
    """A memory with a fault in its program."""

    def write(self, state: CardState) -> None:
        raise ZeroDivisionError


def test_an_error_inside_the_emulator_is_6f00_and_forgets_every_pin(profile: CardProfile, state: CardState) -> None:
    send = sender(EmulatedCard(profile, Broken(state)))
    assert send(SELECT_JPKI) == "9000"
    assert send(AUTH_RIGHT) == "6F00"
    assert send("802A00970101") == "6986"


def test_a_strict_card_raises_its_own_errors(profile: CardProfile, state: CardState) -> None:
    send = sender(EmulatedCard(profile, Broken(state), strict=True))
    assert send(SELECT_JPKI) == "9000"
    with pytest.raises(ZeroDivisionError):
        send(AUTH_RIGHT)


def test_a_closed_card_answers_6f00(profile: CardProfile, state: CardState) -> None:
    card = EmulatedCard(profile, VolatileMemory(state))
    with card:
        assert card.transmit(bytes.fromhex(SELECT_JPKI)) == b"\x90\x00"
    assert card.transmit(bytes.fromhex(SELECT_JPKI)) == b"\x6f\x00"


def test_a_blank_card_has_its_application_and_no_file_pin_or_key(profile: CardProfile) -> None:
    send = sender(create_blank(profile, bytes(10), strict=True))
    assert send(SELECT_JPKI) == "9000"
    for file in profile.jpki.files:
        assert send(f"00A4020C02{file.id:04X}") == "6A82"
    assert send("0020009B06414243313233") == "6984"
    assert send("00A4020C02001A") == "9000"
    assert send("802A00800101") == "6982"


def test_a_blank_card_needs_a_serial_number_of_ten_bytes(profile: CardProfile) -> None:
    for wrong in (b"", bytes(9), bytes(11)):
        with pytest.raises(ValueError, match="10 bytes"):
            create_blank(profile, wrong)


def test_commands_from_several_threads_are_carried_out_one_at_a_time(state: CardState) -> None:
    card = EmulatedCard(load_profile("mynumber"), VolatileMemory(state), strict=True)
    send = sender(card)
    send(SELECT_JPKI)
    answers: list[str] = []

    def guess() -> None:
        answers.extend(send("0020009B06414243313234") for _ in range(2))

    threads = [threading.Thread(target=guess) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["63C0", "63C1", "63C2", "63C3", "63C4", "6984", "6984", "6984"]
