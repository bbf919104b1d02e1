"""PINs that the issuer sets: the first ones, and new ones on a sealed card."""

from __future__ import annotations

from dataclasses import replace

import pytest
from certified_cards import PINS
from issuer_bench import INITIAL_PIN, NEW_PIN, Bench, copied
from issuing import MASTER, SERIAL

from emulator import EmulatedCard
from jpki.card import LocalConnection
from jpki.terms import Role


class TestPins:
    def test_an_initial_pin_has_all_its_tries_and_may_be_set_again(self, unsealed: Bench) -> None:
        assert unsealed.send("0020009B06" + b"WRONG1".hex()) == "63C4"
        for _ in range(2):
            assert unsealed.send(INITIAL_PIN) == "9000"
            assert unsealed.send("0020009B") == "63C5"
        assert unsealed.send("0020009B06" + b"NEW123".hex()) == "9000"

    def test_an_initial_pin_has_to_be_verified_like_any(self, unsealed: Bench) -> None:
        unsealed.send("0020009B06" + PINS[Role.SIGNATURE].reveal().hex())
        assert unsealed.send("802A009A040102030400") == "9000"
        assert unsealed.send(INITIAL_PIN) == "9000"
        assert unsealed.send("802A009A040102030400") == "6982"

    def test_on_a_sealed_card_the_same_bytes_are_the_holders_change(self, sealed: Bench) -> None:
        assert sealed.send(INITIAL_PIN) == "6982"
        sealed.send("0020009B06" + PINS[Role.SIGNATURE].reveal().hex())
        assert sealed.send(INITIAL_PIN) == "9000"

    def test_a_new_pin_frees_a_blocked_one(self, sealed: Bench) -> None:
        for _ in range(5):
            sealed.send("0020009B06" + b"WRONG1".hex())
        assert sealed.send("0020009B06" + b"WRONG1".hex()) == "6984"
        assert sealed.send(NEW_PIN) == "9000"
        assert sealed.send("802A009A040102030400") == "6982"
        assert sealed.send("0020009B06" + b"NEW123".hex()) == "9000"

    def test_a_new_pin_leaves_the_other_alone(self, sealed: Bench) -> None:
        sealed.send("00200098" + "0430303030")
        sealed.send(NEW_PIN)
        assert sealed.send("00200098") == "63C2"

    @pytest.mark.parametrize(("place", "start"), [("unsealed", "002401"), ("sealed", "002C02")])
    @pytest.mark.parametrize(
        ("rest", "status"),
        [
            ("9806313233343536", "6A80"),
            ("9804414243 44", "6A80"),
            ("98", "6700"),
            ("9811" + "31" * 17, "6700"),
            ("9A0431323334", "6981"),
            ("990431323334", "6A82"),
            ("000431323334", "6A86"),
            ("800431323334", "6986"),
        ],
    )
    def test_a_pin_of_another_form_or_place_is_refused(
        self, request: pytest.FixtureRequest, place: str, start: str, rest: str, status: str
    ) -> None:
        bench: Bench = request.getfixturevalue(place)
        assert bench.send(start + rest.replace(" ", "")) == status

    @pytest.mark.parametrize(
        ("place", "command"), [("unsealed", "002400980431323334"), ("sealed", "002C00980431323334")]
    )
    def test_no_other_form_of_the_command_is_known(
        self, request: pytest.FixtureRequest, place: str, command: str
    ) -> None:
        assert request.getfixturevalue(place).send(command) == "6A86"

    def test_a_pin_that_was_never_set_cannot_be_reset(self, finished: EmulatedCard) -> None:
        device = copied(finished)
        contents = device.state.applications["jpki"]
        without = replace(contents, pins={name: pin for name, pin in contents.pins.items() if name != "signature"})
        device._memory.write(device.state.with_application("jpki", without))
        with LocalConnection(device) as connection:
            assert Bench(device, connection, MASTER.keys_of(SERIAL)).send(NEW_PIN) == "6A88"
