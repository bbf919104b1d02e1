"""VERIFY and CHANGE REFERENCE DATA: tries, blocking, and what a verified PIN survives."""

from __future__ import annotations

import pytest
from made_cards import Send, sender

from card_profiles import load_profile
from emulator import CardFileNotWritten, CardState, EmulatedCard, VolatileMemory

SIGN_TRIES, AUTH_TRIES = "0020009B", "00200098"
SIGN_RIGHT, AUTH_RIGHT = "0020009B06414243313233", "002000980431323334"
SIGN_WRONG, AUTH_WRONG = "0020009B06414243313234", "002000980439393939"
SELECT_JPKI = "00A4040C0AD392F000260100000001"
SELECT_ISSUER = "00A4040C07A0000001510000"
READ_SIGN_CERTIFICATE = "00B0810001"


def test_wrong_values_count_down_to_blocked_and_the_right_one_comes_too_late(jpki: Send) -> None:
    assert [jpki(AUTH_WRONG) for _ in range(4)] == ["63C2", "63C1", "63C0", "6984"]
    assert jpki(AUTH_RIGHT) == "6984"
    assert jpki(AUTH_TRIES) == "63C0"


def test_a_blocked_signature_password_leaves_the_authentication_pin_usable(jpki: Send) -> None:
    assert [jpki(SIGN_WRONG) for _ in range(5)] == ["63C4", "63C3", "63C2", "63C1", "63C0"]
    assert jpki(SIGN_RIGHT) == "6984"
    assert jpki(AUTH_RIGHT) == "9000"


def test_the_right_value_gives_all_tries_back(jpki: Send) -> None:
    assert jpki(AUTH_WRONG) == "63C2"
    assert jpki(AUTH_WRONG) == "63C1"
    assert jpki(AUTH_RIGHT) == "9000"
    assert jpki(AUTH_TRIES) == "63C3"


@pytest.mark.parametrize("command", [SIGN_TRIES, SIGN_TRIES + "00"])
def test_asking_for_the_tries_left_costs_none_and_tells_them_after_a_good_pin_too(jpki: Send, command: str) -> None:
    assert [jpki(command) for _ in range(20)] == ["63C5"] * 20
    assert jpki(SIGN_RIGHT) == "9000"
    assert jpki(command) == "63C5"
    assert jpki(READ_SIGN_CERTIFICATE) == "309000"


def test_the_current_file_is_named_by_80(jpki: Send) -> None:
    assert jpki("00200080") == "6986"
    assert jpki("00A4020C020018") == "9000"
    assert jpki("00200080") == "63C3"
    assert jpki("002000800431323334") == "9000"
    assert jpki("00A4020C02001B") == "9000"
    assert jpki("00200080") == "63C5"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("00200018", "6A86"),
        ("00200000", "6A86"),
        ("002000D8", "6A86"),
        ("0020009F", "6A86"),
        ("00200198", "6A86"),
        ("00200083", "6A82"),
        ("00200097", "6981"),
        ("0020008A", "6981"),
        ("002000960431323334", "6981"),
    ],
)
def test_what_is_no_pin_is_refused(jpki: Send, command: str, answer: str) -> None:
    assert jpki(command) == answer


def test_more_than_16_bytes_are_a_wrong_length_and_no_try(jpki: Send) -> None:
    assert jpki("0020009B11" + "41" * 17) == "6700"
    assert jpki("0020009B00" + "0100" + "41" * 256) == "6700"
    assert jpki(SIGN_TRIES) == "63C5"
    assert jpki("0020009B10" + "41" * 16) == "63C4"
    assert jpki("0020009B0141") == "63C3"


@pytest.mark.parametrize("near", ["41424331323300", "4142433132", "616263313233", "41424331323320"])
def test_only_the_very_bytes_are_the_pin(jpki: Send, near: str) -> None:
    assert jpki(f"0020009B{len(near) // 2:02X}{near}") == "63C4"


def test_a_wrong_value_ends_what_the_right_one_opened(jpki: Send) -> None:
    assert jpki(SIGN_RIGHT) == "9000"
    assert jpki(SIGN_WRONG) == "63C4"
    assert jpki(READ_SIGN_CERTIFICATE) == "6982"


def test_selecting_the_same_application_again_keeps_a_verified_pin(jpki: Send) -> None:
    assert jpki(SIGN_RIGHT) == "9000"
    assert jpki(SELECT_JPKI) == "9000"
    assert jpki("00A40000") == "9000"
    assert jpki(READ_SIGN_CERTIFICATE) == "309000"


def test_selecting_another_application_forgets_a_verified_pin(jpki: Send) -> None:
    assert jpki(SIGN_RIGHT) == "9000"
    assert jpki(SELECT_ISSUER) == "9000"
    assert jpki(SELECT_JPKI) == "9000"
    assert jpki(READ_SIGN_CERTIFICATE) == "6982"


def test_a_reset_keeps_a_verified_pin_and_loss_of_power_does_not(card: EmulatedCard, jpki: Send) -> None:
    assert jpki(SIGN_RIGHT) == "9000"
    assert card.reset() == bytes.fromhex("3BE000FF8131FE4514")
    assert jpki(SELECT_JPKI) == "9000"
    assert jpki(READ_SIGN_CERTIFICATE) == "309000"
    card.power_off()
    card.power_on()
    assert jpki(SELECT_JPKI) == "9000"
    assert jpki(READ_SIGN_CERTIFICATE) == "6982"


def test_the_counter_outlasts_loss_of_power(card: EmulatedCard, jpki: Send) -> None:
    assert jpki(AUTH_WRONG) == "63C2"
    card.power_off()
    assert jpki(SELECT_JPKI) == "9000"
    assert jpki(AUTH_TRIES) == "63C2"


def test_a_verified_pin_is_changed_and_the_new_one_counts(card: EmulatedCard, jpki: Send) -> None:
    assert jpki(AUTH_RIGHT) == "9000"
    assert jpki("00A4020C020018") == "9000"
    assert jpki("002401800435363738") == "9000"
    card.power_off()
    jpki(SELECT_JPKI)
    assert jpki(AUTH_RIGHT) == "63C2"
    assert jpki("002000980435363738") == "9000"


def test_a_pin_is_changed_by_its_short_identifier(jpki: Send) -> None:
    assert jpki(SIGN_RIGHT) == "9000"
    assert jpki("0024019B065A595857565A") == "9000"
    assert jpki("0020009B065A595857565A") == "9000"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("002401980435363738", "6982"),  # the other PIN was verified
        ("0024009B065A595857565A", "6A86"),  # old and new value
        ("0024029B065A595857565A", "6A86"),
        ("0024019B", "6700"),
        ("0024019B11" + "41" * 17, "6700"),
        ("0024019B0541414141", "6700"),
        ("0024019B054141414141", "6A80"),  # too short for the policy
        ("0024019B06616161616161", "6A80"),  # lower case
        ("0024019B074142433132330A", "6A80"),
        ("0024019A065A595857565A", "6981"),
    ],
)
def test_a_change_that_the_policy_or_the_card_refuses_changes_nothing(jpki: Send, command: str, answer: str) -> None:
    assert jpki(SIGN_RIGHT) == "9000"
    assert jpki(command) == answer
    assert jpki(SIGN_RIGHT) == "9000"


def test_a_change_without_the_pin_is_refused(jpki: Send) -> None:
    assert jpki("0024019B065A595857565A") == "6982"
    assert jpki(SIGN_RIGHT) == "9000"


def test_a_pin_that_is_not_set_answers_as_locked(state: CardState) -> None:
    contents = state.applications["jpki"]
    without = type(contents)(files=contents.files, pins={}, keys=contents.keys)
    card = EmulatedCard(load_profile("mynumber"), VolatileMemory(state.with_application("jpki", without)), strict=True)
    send = sender(card)
    send(SELECT_JPKI)
    assert send(SIGN_TRIES) == "6984"
    assert send(SIGN_RIGHT) == "6984"


class FullMemory(VolatileMemory):
    """A memory that stores `room` more states."""

    def __init__(self, state: CardState, room: int) -> None:
        super().__init__(state)
        self.room = room

    def write(self, state: CardState) -> None:
        if not self.room:
            raise CardFileNotWritten(path="card", problem="No space left on device")
        self.room -= 1
        super().write(state)


@pytest.mark.parametrize(("room", "left"), [(0, 3), (1, 2)])
def test_where_the_counter_cannot_be_stored_the_pin_is_not_accepted(state: CardState, room: int, left: int) -> None:
    card = EmulatedCard(load_profile("mynumber"), FullMemory(state, room), strict=True)
    send = sender(card)
    send(SELECT_JPKI)
    assert send(AUTH_RIGHT) == "6581"
    assert send(AUTH_TRIES) == f"63C{left}"
    assert send("802A00970101") == "6982"


def test_where_a_wrong_try_cannot_be_counted_its_wrongness_is_not_told(state: CardState) -> None:
    card = EmulatedCard(load_profile("mynumber"), FullMemory(state, 0), strict=True)
    send = sender(card)
    send(SELECT_JPKI)
    assert [send(AUTH_WRONG), send(AUTH_RIGHT)] == ["6581", "6581"]


class Watched(VolatileMemory):
    """A memory that remembers the tries left of every state it was given."""

    def __init__(self, state: CardState) -> None:
        super().__init__(state)
        self.tries: list[int] = []

    def write(self, state: CardState) -> None:
        self.tries.append(state.applications["jpki"].pins["authentication"].tries_left)
        super().write(state)


@pytest.mark.parametrize(
    ("command", "writes"), [(AUTH_RIGHT, [2, 3]), (AUTH_WRONG, [2]), (AUTH_TRIES, []), ("0020009811" + "31" * 17, [])]
)
def test_a_try_is_stored_before_the_comparison_and_nothing_is_stored_twice(
    state: CardState, command: str, writes: list[int]
) -> None:
    memory = Watched(state)
    card = EmulatedCard(load_profile("mynumber"), memory, strict=True)
    send = sender(card)
    send(SELECT_JPKI)
    send(command)
    assert memory.tries == writes
