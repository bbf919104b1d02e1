"""Every command of docs/personalisation.md: it works where it should, and nowhere else."""

from __future__ import annotations

import pytest
from issuer_bench import (
    ACTIVATE,
    CREATE,
    GENERATE,
    GENERATE_NEXT,
    GET_STATUS,
    IMPORT,
    INITIAL_PIN,
    NEW_PIN,
    PROFILE,
    READ,
    READ_NEXT,
    SEAL,
    UPDATE,
    UPDATE_CERTIFICATE,
    Bench,
    copied,
)
from issuing import MASTER, counted_random

from emulator import EmulatedCard, LifeCycle
from jpki.card import LocalConnection, open_issuer_channel, select_application
from jpki.formats import StatusWord

# Where a command is tried: outside any channel, inside one opened with the well-known keys, inside the card's own
# before and after sealing.
WHEN = {
    GET_STATUS: ("6982", "9000", "9000", "9000"),
    CREATE: ("6982", "6982", "9000", "6985"),
    GENERATE: ("6982", "6982", "9000", "6985"),
    GENERATE_NEXT: ("6982", "6982", "6985", "9000"),
    READ: ("6982", "6982", "9000", "9000"),
    READ_NEXT: ("6982", "6982", "6A88", "6A88"),
    IMPORT: ("6982", "6982", "9000", "6985"),
    INITIAL_PIN: ("6982", "6982", "9000", "6982"),
    NEW_PIN: ("6982", "6982", "6985", "9000"),
    UPDATE: ("6982", "6982", "9000", "9000"),
    UPDATE_CERTIFICATE: ("6982", "6982", "9000", "6982"),
    ACTIVATE: ("6982", "6982", "6985", "6A88"),
    SEAL: ("6982", "6982", "9000", "9000"),
}


@pytest.mark.parametrize("command", WHEN)
@pytest.mark.parametrize(("place", "column"), [("outside", 0), ("blank", 1), ("unsealed", 2), ("sealed", 3)])
def test_a_command_works_where_the_table_says(
    request: pytest.FixtureRequest, command: str, place: str, column: int
) -> None:
    bench: Bench = request.getfixturevalue(place)
    before = bench.device.state
    assert bench.send(command) == WHEN[command][column]
    if WHEN[command][column] != "9000":
        assert bench.device.state == before


@pytest.mark.parametrize("command", [c for c in WHEN if c not in (GET_STATUS, SEAL)])
def test_a_command_for_an_application_needs_one_selected(finished: EmulatedCard, command: str) -> None:
    with LocalConnection(copied(finished, LifeCycle.OWN_KEYS)) as connection:
        bench = Bench(connection._device, connection, None)
        select_application(bench.line, PROFILE.issuer.aid)
        bench.channel = open_issuer_channel(bench.line, PROFILE, MASTER, counted_random()).card
        assert bench.send(command) in {"6986", "6985"}


class TestGetStatus:
    @pytest.mark.parametrize(("place", "state"), [("blank", "01"), ("unsealed", "07"), ("sealed", "0F")])
    def test_tells_how_far_the_card_has_come(self, request: pytest.FixtureRequest, place: str, state: str) -> None:
        answer = request.getfixturevalue(place).inside(GET_STATUS)
        assert answer.data == bytes.fromhex("E30D4F07A00000015100009F7001" + state)

    @pytest.mark.parametrize(("command", "status"), [("80F24002024F0000", "6A86"), ("80F2800200", "6A80")])
    def test_knows_no_other_form(self, unsealed: Bench, command: str, status: str) -> None:
        assert unsealed.send(command) == status


def test_an_unknown_command_inside_the_channel_is_judged_as_outside(unsealed: Bench) -> None:
    assert unsealed.send("00FE0000") == "6D00"
    assert unsealed.inside("0084000008").status == StatusWord(0x9000)
    assert len(unsealed.inside("0084000008").data) == 8
