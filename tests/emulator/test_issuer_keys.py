"""The card's own keys for its issuer, and the key pairs of its holder."""

from __future__ import annotations

from dataclasses import replace

import pytest
from issuer_bench import (
    GENERATE,
    GENERATE_NEXT,
    IMPORT,
    KEY,
    NEXT_SIGN_FILE,
    READ,
    READ_NEXT,
    SIGN_FILE,
    Bench,
    hexadecimal,
    key_body,
)
from issuing import MASTER, MASTERS, SERIAL

from emulator import LifeCycle
from jpki.formats import WELL_KNOWN_KEYS, CardKeys, Command, Response, check_value, find_tlv, put_key_body, tlv
from jpki.terms import Secret


class TestPutKey:
    KEYS = MASTER.keys_of(SERIAL)

    @staticmethod
    def command(old: int, new: int, keys: CardKeys, under: Secret, p2: int = 0x81) -> str:
        return hexadecimal(Command(0x80, 0xD8, old, p2, put_key_body(new, keys, under).reveal(), 256))

    def test_makes_a_blank_card_the_issuers(self, blank: Bench) -> None:
        answer = blank.inside(self.command(0xFF, 0x01, self.KEYS, WELL_KNOWN_KEYS.data))
        assert answer == Response(b"\x01" + b"".join(check_value(key) for key in self.KEYS.in_order))
        assert blank.device.state.life_cycle is LifeCycle.OWN_KEYS
        assert blank.device.state.issuer_keys.enc == self.KEYS.encryption

    def test_works_once_in_the_channel_of_the_well_known_keys(self, blank: Bench) -> None:
        blank.inside(self.command(0xFF, 0x01, self.KEYS, WELL_KNOWN_KEYS.data))
        for old in (0xFF, 0x01):
            other = MASTERS[256].keys_of(SERIAL)
            assert blank.send(self.command(old, 0x01, other, WELL_KNOWN_KEYS.data)) == "6982"
        assert blank.send(GENERATE) == "6982"
        assert blank.device.state.issuer_keys.enc == self.KEYS.encryption

    @pytest.mark.parametrize("place", ["unsealed", "sealed"])
    def test_replaces_the_cards_own_keys(self, request: pytest.FixtureRequest, place: str) -> None:
        bench: Bench = request.getfixturevalue(place)
        before = bench.device.state
        other = MASTERS[256].keys_of(SERIAL)
        assert bench.send(self.command(0x01, 0x01, other, self.KEYS.data)) == "9000"
        after = bench.device.state
        assert after.issuer_keys.dek == other.data
        assert replace(after, issuer_keys=before.issuer_keys) == before

    def test_twice_in_a_channel_goes_under_the_data_key_that_opened_it(self, sealed: Bench) -> None:
        assert sealed.send(self.command(0x01, 0x01, MASTERS[256].keys_of(SERIAL), self.KEYS.data)) == "9000"
        assert sealed.send(self.command(0x01, 0x01, MASTERS[256].keys_of(bytes(10)), self.KEYS.data)) == "9000"

    @pytest.mark.parametrize(
        ("old", "new", "keys", "status"),
        [
            (0x00, 0x01, KEYS, "6A88"),
            (0x02, 0x01, KEYS, "6A88"),
            (0xFF, 0x02, KEYS, "6A80"),
            (0xFF, 0xFF, KEYS, "6A80"),
            (0xFF, 0x01, WELL_KNOWN_KEYS, "6A80"),
            (0xFF, 0x01, replace(KEYS, mac=WELL_KNOWN_KEYS.mac), "6A80"),
            (0xFF, 0x01, replace(KEYS, encryption=WELL_KNOWN_KEYS.mac), "6A80"),
            (0xFF, 0x01, replace(KEYS, data=WELL_KNOWN_KEYS.mac), "6A80"),
            (0xFF, 0x01, CardKeys(*(Secret(bytes(24)) for _ in range(3))), "6A80"),
        ],
    )
    def test_refuses_other_versions_and_keys(
        self, blank: Bench, old: int, new: int, keys: CardKeys, status: str
    ) -> None:
        before = blank.device.state
        assert blank.send(self.command(old, new, keys, WELL_KNOWN_KEYS.data)) == status
        assert blank.device.state == before

    def test_replaces_no_single_key(self, blank: Bench) -> None:
        assert blank.send(self.command(0xFF, 0x01, self.KEYS, WELL_KNOWN_KEYS.data, p2=0x01)) == "6A86"

    def test_refuses_keys_whose_check_value_does_not_fit(self, blank: Bench) -> None:
        assert blank.send(self.command(0xFF, 0x01, self.KEYS, Secret(bytes(16)))) == "6A80"

    def test_is_refused_outside_a_channel(self, outside: Bench) -> None:
        assert outside.send(self.command(0x01, 0x01, self.KEYS, self.KEYS.data)) == "6982"


class TestKeyPairs:
    def test_generating_answers_the_public_key(self, unsealed: Bench) -> None:
        answer = unsealed.inside(GENERATE)
        assert find_tlv(answer.data, 0x7F49, 0x82) == bytes.fromhex("010001")
        modulus = find_tlv(answer.data, 0x7F49, 0x81)
        assert modulus == unsealed.contents.keys[SIGN_FILE].n.to_bytes(256, "big")
        assert unsealed.inside(READ) == answer

    def test_generating_a_successor_leaves_the_key_alone(self, sealed: Bench) -> None:
        before = sealed.contents.keys
        answer = sealed.inside(GENERATE_NEXT)
        after = sealed.contents.keys
        assert {file: after[file] for file in before} == dict(before)
        assert sealed.inside(READ_NEXT) == answer
        assert sealed.inside(READ).data != answer.data

    def test_generating_a_successor_again_replaces_it_and_wipes_its_certificate(self, sealed: Bench) -> None:
        first = sealed.inside(GENERATE_NEXT)
        sealed.inside("00A4020C020041")
        sealed.inside("00D6000003303132")
        assert sealed.contents.files[0x0041].startswith(b"012")
        assert sealed.inside(GENERATE_NEXT).data != first.data
        assert sealed.contents.files[0x0041] == b"\xff" * 4096

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            ("0047820006AC048402001A00", "6A86"),
            ("0047800106AC048402001A00", "6A86"),
            ("0047800006AC048402001B00", "6A88"),
            ("0047800006AC048402123400", "6A88"),
            ("0047800005AC0384011A00", "6A88"),
            ("0047800002AC0000", "6A80"),
            ("00478000020102 00", "6A80"),
            ("0047800000", "6A80"),
        ],
    )
    def test_generating_refuses_anything_else(self, unsealed: Bench, command: str, status: str) -> None:
        before = unsealed.device.state
        assert unsealed.send(command) == status
        assert unsealed.device.state == before

    def test_an_imported_key_is_the_cards(self, unsealed: Bench) -> None:
        assert unsealed.send(IMPORT) == "9000"
        assert find_tlv(unsealed.inside(READ).data, 0x7F49, 0x81) == KEY.n.to_bytes(256, "big")

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (key_body(KEY, e=3), "6A80"),
            (key_body(KEY, q=KEY.p), "6A80"),
            (key_body(KEY, p=KEY.p >> 8), "6A80"),
            (key_body(KEY, p=KEY.p + 1), "6A80"),
            (key_body(KEY, p=1), "6A80"),
            (key_body(KEY, NEXT_SIGN_FILE), "6985"),
            (key_body(KEY, 0x001B), "6A88"),
            (tlv(0x7F48, [tlv(0x84, b"\x00\x1a")]), "6A80"),
            (b"\x7f\x48", "6A80"),
            (b"", "6A80"),
        ],
        ids=[
            "exponent",
            "equal primes",
            "short",
            "no primes",
            "one",
            "successor",
            "no key file",
            "no numbers",
            "cut",
            "empty",
        ],
    )
    def test_importing_refuses_what_is_no_key(self, unsealed: Bench, body: bytes, status: str) -> None:
        before = unsealed.device.state
        assert unsealed.send(hexadecimal(Command(0x00, 0xDB, 0x3F, 0xFF, body))) == status
        assert unsealed.device.state == before

    def test_importing_has_one_form(self, unsealed: Bench) -> None:
        assert unsealed.send(hexadecimal(Command(0x00, 0xDB, 0x3F, 0x00, key_body(KEY)))) == "6A86"

    def test_no_key_can_be_read_as_a_file(self, unsealed: Bench) -> None:
        unsealed.inside(GENERATE)
        assert unsealed.send("00B09A00FF") == "6981"
        unsealed.send("00A4020C02005A")
        assert unsealed.send("00B00000FF") == "6981"
