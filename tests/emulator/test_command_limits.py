"""Where a command's limits lie: the last value that is taken, and the first one that is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from certified_cards import PINS, made_certificate
from cryptography.hazmat.primitives.asymmetric import rsa
from issuer_bench import (
    ACTIVATE,
    GENERATE_NEXT,
    GET_STATUS,
    KEY,
    NEXT_SIGN_FILE,
    READ_NEXT,
    Bench,
    hexadecimal,
    key_body,
)
from issuing import Issuer
from made_cards import FILES, Send

from emulator import EmulatedCard, RsaKey
from jpki.formats import Command, tlv
from jpki.terms import Role

VERIFY_SIGN = "0020009B06" + PINS[Role.SIGNATURE].reveal().hex()
INITIALIZE_UPDATE = "80500000080102030405060708"
EXTERNAL_AUTHENTICATE = "8482330010" + "00" * 16


class TestPinLengths:
    @pytest.mark.parametrize(
        ("value", "answer"), [("A" * 16, "9000"), ("A" * 17, "6700"), ("A" * 6, "9000"), ("A", "6A80"), ("", "6700")]
    )
    def test_a_pin_is_changed_to_one_of_up_to_16_bytes(self, jpki: Send, value: str, answer: str) -> None:
        assert jpki(VERIFY_SIGN) == "9000"
        change = Command(0x00, 0x24, 0x01, 0x9B, value.encode())
        assert jpki(hexadecimal(change)) == answer
        if answer == "9000":
            assert jpki(hexadecimal(Command(0x00, 0x20, 0x00, 0x9B, value.encode()))) == "9000"

    @pytest.mark.parametrize(("place", "start"), [("unsealed", (0x24, 0x01)), ("sealed", (0x2C, 0x02))])
    @pytest.mark.parametrize(("value", "answer"), [("A" * 16, "9000"), ("A" * 17, "6700"), ("A", "6A80"), ("", "6700")])
    def test_an_issuer_sets_one_of_up_to_16_bytes(
        self, request: pytest.FixtureRequest, place: str, start: tuple[int, int], value: str, answer: str
    ) -> None:
        bench: Bench = request.getfixturevalue(place)
        assert bench.send(hexadecimal(Command(0x00, *start, 0x9B, value.encode()))) == answer


class TestReferences:
    def test_the_first_short_identifier_names_a_file(self, jpki: Send) -> None:
        assert jpki("00B0810004") == "6982"
        jpki(VERIFY_SIGN)
        assert jpki("00B0810004") == FILES[0x0001][0][:4].hex().upper() + "9000"

    @pytest.mark.parametrize(("reference", "answer"), [("9E", "6A82"), ("9F", "6A86"), ("80", "6986"), ("7F", "6A86")])
    def test_the_last_one_is_1e(self, jpki: Send, reference: str, answer: str) -> None:
        assert jpki(f"002000{reference}") == answer
        assert jpki(f"802A00{reference}0101") == answer

    def test_a_challenge_is_asked_for_without_a_body(self, jpki: Send) -> None:
        assert jpki("00840000010108") == "6700"


class TestHandshakes:
    """INITIALIZE UPDATE gives one attempt, and nothing but the next EXTERNAL AUTHENTICATE can use it."""

    @pytest.mark.parametrize(
        "between",
        ["805000000701020304050607", "80500000", "8050000108" + "00" * 8, "00A4040C07A0000001510000", "00A4040C"],
        ids=["too short", "no body", "another P2", "the issuer domain", "an empty name"],
    )
    def test_another_beginning_takes_it_away(self, jpki: Send, card: EmulatedCard, between: str) -> None:
        assert jpki(INITIALIZE_UPDATE) == "611D"
        jpki(between)
        assert jpki(EXTERNAL_AUTHENTICATE) == "6985"
        assert card.state.failed_authentications == 0

    def test_a_reset_takes_it_away(self, jpki: Send, card: EmulatedCard) -> None:
        jpki(INITIALIZE_UPDATE)
        card.reset()
        assert jpki(EXTERNAL_AUTHENTICATE) == "6985"
        assert card.state.failed_authentications == 0

    def test_an_authentication_inside_an_open_channel_is_out_of_order_and_ends_it(self, sealed: Bench) -> None:
        assert sealed.plain(EXTERNAL_AUTHENTICATE).status == 0x6985
        assert sealed.device.state.failed_authentications == 0
        assert sealed.plain("84F28002024F0000").status == 0x6985


class TestFiles:
    @pytest.mark.parametrize("parameters", ["0100", "0001"])
    def test_a_file_is_created_without_parameters(self, unsealed: Bench, parameters: str) -> None:
        assert unsealed.send(f"00E0{parameters}0A62088302000280020800") == "6A86"

    @pytest.mark.parametrize(
        "body",
        [
            tlv(0x62, [tlv(0x83, b"\x02"), tlv(0x80, b"\x08\x00")]),
            tlv(0x62, [tlv(0x83, b"\x00\x00\x02"), tlv(0x80, b"\x08\x00")]),
            tlv(0x62, [tlv(0x83, b"\x00\x02"), tlv(0x80, b"\x08")]),
            tlv(0x62, [tlv(0x83, b"\x00\x02"), tlv(0x80, b"\x00\x08\x00")]),
            tlv(0x62, [tlv(0x83, b"\x00\x02")]),
            tlv(0x62, [tlv(0x80, b"\x08\x00")]),
        ],
        ids=["short name", "long name", "short size", "long size", "no size", "no name"],
    )
    def test_its_name_and_size_are_two_bytes_each(self, unsealed: Bench, body: bytes) -> None:
        before = unsealed.device.state
        assert unsealed.send(hexadecimal(Command(0x00, 0xE0, data=body))) == "6A80"
        assert unsealed.device.state == before

    @pytest.mark.parametrize(("size", "answer"), [(0, "6A80"), (1, "9000"), (2048, "9000"), (2049, "6A80")])
    def test_it_has_from_one_byte_to_its_size_in_the_profile(self, unsealed: Bench, size: int, answer: str) -> None:
        contents = unsealed.device.state.applications["jpki"]
        fewer = replace(contents, files={file: value for file, value in contents.files.items() if file != 0x0002})
        unsealed.device._memory.write(unsealed.device.state.with_application("jpki", fewer))
        body = tlv(0x62, [tlv(0x83, b"\x00\x02"), tlv(0x80, size.to_bytes(2, "big"))])
        assert unsealed.send(hexadecimal(Command(0x00, 0xE0, data=body))) == answer

    @pytest.mark.parametrize(
        ("offset", "body", "answer"),
        [(2047, "AA", "9000"), (2047, "AABB", "6A84"), (2048, "AA", "6B00"), (2049, "AA", "6B00")],
    )
    def test_it_is_written_up_to_its_last_byte(self, sealed: Bench, offset: int, body: str, answer: str) -> None:
        sealed.send("00A4020C020002")
        assert sealed.send(f"00D6{offset:04X}{len(body) // 2:02X}{body}") == answer


class TestKeys:
    @pytest.mark.parametrize("other", ["exponent", "shorter", "longer"])
    def test_a_key_of_another_exponent_or_length_is_not_imported_although_it_would_work(
        self, unsealed: Bench, other: str
    ) -> None:
        exponents = (e for e in range(3, 1000, 2) if (KEY.p - 1) % e and (KEY.q - 1) % e and pow(2, e, e) == 2)
        lengths = {"shorter": (KEY.q >> 8) | 1, "longer": (KEY.q << 8) | 1}
        key = RsaKey(KEY.p, KEY.q, next(exponents)) if other == "exponent" else workable(KEY.p, lengths[other])
        assert key.private_key.key_size == key.n.bit_length()
        before = unsealed.device.state
        assert unsealed.send(hexadecimal(Command(0x00, 0xDB, 0x3F, 0xFF, key_body(key)))) == "6A80"
        assert unsealed.device.state == before

    def test_a_successor_is_activated_without_parameters(self, sealed: Bench) -> None:
        sealed.inside(GENERATE_NEXT)
        assert sealed.send(ACTIVATE.replace("00440000", "00440001")) == "6A86"
        assert sealed.send(READ_NEXT) == "9000"

    @pytest.mark.parametrize(("room", "answer"), [(1700, "9000"), (1699, "6985"), (None, "6985")])
    def test_its_certificate_must_fit_into_the_file_of_the_old_one(
        self, sealed: Bench, issuer: Issuer, room: int | None, answer: str
    ) -> None:
        sealed.inside(GENERATE_NEXT)
        contents = sealed.device.state.applications["jpki"]
        public = rsa.RSAPublicNumbers(0x10001, contents.keys[NEXT_SIGN_FILE].n).public_key()
        certificate = made_certificate("new", public, "authority", issuer.authority_key, 1700)
        files = {**contents.files, 0x0041: certificate.ljust(4096, b"\xff")}
        files.pop(0x0001)
        if room is not None:
            files[0x0001] = b"\xff" * room
        sealed.device._memory.write(sealed.device.state.with_application("jpki", replace(contents, files=files)))
        assert sealed.send(ACTIVATE) == answer
        after = sealed.device.state.applications["jpki"]
        assert after.files.get(0x0001) == (certificate if answer == "9000" else files.get(0x0001))

    def test_a_successor_is_made_where_there_is_no_room_for_its_certificate(self, sealed: Bench) -> None:
        contents = sealed.device.state.applications["jpki"]
        files = {file: value for file, value in contents.files.items() if file != 0x0041}
        sealed.device._memory.write(sealed.device.state.with_application("jpki", replace(contents, files=files)))
        assert sealed.send(GENERATE_NEXT) == "9000"
        assert sealed.send(ACTIVATE) == "6985"


def workable(p: int, q: int) -> RsaKey:
    """Returns a key near these numbers of which a private key can be made; nothing looks for primes here."""
    while True:
        try:
            key = RsaKey(p, q)
            assert key.private_key
        except ValueError:
            q += 2
        else:
            return key


def test_power_is_given_once(card: EmulatedCard) -> None:
    assert not card.powered
    card.power_on()
    assert card.powered
    card.power_off()
    assert not card.powered


def test_the_issuers_questions_are_not_answered_once_the_channel_has_ended(sealed: Bench) -> None:
    assert sealed.send(GET_STATUS) == "9000"
    assert sealed.plain(GET_STATUS).status == 0x6982
    assert sealed.plain(GET_STATUS).status == 0x6982


def test_the_channel_is_still_open_after_every_refusal_inside_it(unsealed: Bench) -> None:
    for command in ("00E001000A62088302000280020800", ACTIVATE, "00D68200", "0084000000"):
        unsealed.send(command)
    assert unsealed.send(GET_STATUS) == "9000"
