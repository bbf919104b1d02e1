"""Signing for the issuer, taking a new key and its certificate into use, and sealing."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from certified_cards import PINS, made_certificate
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from issuer_bench import (
    ACTIVATE,
    GENERATE,
    GENERATE_NEXT,
    KEY,
    NEXT_SIGN_FILE,
    PROFILE,
    SEAL,
    SIGN_FILE,
    Bench,
    hexadecimal,
)
from issuing import Issuer, session_with

from emulator import LifeCycle
from jpki.formats import Command, digest_info, find_tlv
from jpki.terms import Role


class TestSigning:
    def test_opening_a_channel_gives_no_right_to_sign(self, unsealed: Bench) -> None:
        assert unsealed.send("802A009A040102030400") == "6982"

    def test_a_successor_signs_inside_the_cards_own_channel_after_verify(self, sealed: Bench) -> None:
        key = find_tlv(sealed.inside(GENERATE_NEXT).data, 0x7F49, 0x81)
        assert key is not None
        info = digest_info("sha256", hashlib.sha256(b"proof").digest())
        sign = hexadecimal(Command(0x80, 0x2A, 0x00, 0x80, info, 256))
        assert sealed.send("00A4020C02005A") == "9000"
        assert sealed.send(sign) == "6982"
        assert sealed.send("0020009B06" + PINS[Role.SIGNATURE].reveal().hex()) == "9000"
        assert sealed.send("00A4020C02005A") == "9000"
        signature = sealed.inside(sign)
        assert signature.status == 0x9000
        public = rsa.RSAPublicNumbers(0x10001, int.from_bytes(key, "big")).public_key()
        public.verify(signature.data, b"proof", padding.PKCS1v15(), SHA256())
        assert sealed.plain("00A4020C02005A").status == 0x9000
        assert sealed.plain(sign).status == 0x6982

    def test_a_key_file_without_a_key_signs_nothing(self, sealed: Bench) -> None:
        sealed.send("0020009B06" + PINS[Role.SIGNATURE].reveal().hex())
        assert sealed.send("00A4020C02005A") == "9000"
        assert sealed.send("802A0080040102030400") == "6A88"


class TestActivate:
    @staticmethod
    def renewed(bench: Bench, issuer: Issuer) -> bytes:
        key = bench.inside(GENERATE_NEXT).data
        modulus = find_tlv(key, 0x7F49, 0x81)
        assert modulus is not None
        public = rsa.RSAPublicNumbers(0x10001, int.from_bytes(modulus, "big")).public_key()
        return made_certificate("new", public, "authority", issuer.authority_key, 1700)

    @staticmethod
    def write(bench: Bench, content: bytes) -> None:
        assert bench.send("00A4020C020041") == "9000"
        assert bench.send(hexadecimal(Command(0x00, 0xD6, 0x00, 0x00, content))) == "9000"

    def test_moves_key_and_certificate_in_one_write(self, sealed: Bench, issuer: Issuer) -> None:
        certificate = self.renewed(sealed, issuer)
        self.write(sealed, certificate)
        waiting = sealed.contents.keys[NEXT_SIGN_FILE]
        writes: list[object] = []
        memory = sealed.device._memory
        keep = memory.write
        memory.write = lambda state: (writes.append(state), keep(state))  # type: ignore[method-assign]
        assert sealed.send(ACTIVATE) == "9000"
        assert len(writes) == 1
        assert sealed.contents.keys[SIGN_FILE] == waiting
        assert sealed.contents.files[0x0001] == certificate.ljust(4096, b"\xff")
        assert NEXT_SIGN_FILE not in sealed.contents.keys
        assert sealed.contents.files[0x0041] == b"\xff" * 4096

    def test_needs_the_certificate(self, sealed: Bench, issuer: Issuer) -> None:
        self.renewed(sealed, issuer)
        assert sealed.send(ACTIVATE) == "6985"

    @pytest.mark.parametrize("spoil", ["another key", "cut short", "nonsense"])
    def test_needs_the_certificate_of_the_waiting_key(self, sealed: Bench, issuer: Issuer, spoil: str) -> None:
        certificate = self.renewed(sealed, issuer)
        other = issuer.issued[Role.SIGNATURE]
        self.write(sealed, {"another key": other, "cut short": certificate[:900], "nonsense": b"\x30\x03abc"}[spoil])
        before = sealed.device.state
        assert sealed.send(ACTIVATE) == "6985"
        assert sealed.device.state == before

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            ("00440000048402001A", "6A88"),
            ("00440000048402001B", "6A88"),
            ("00440100048402005A", "6A86"),
            ("004400000101", "6A80"),
            ("00440000", "6A80"),
        ],
    )
    def test_refuses_anything_else(self, sealed: Bench, command: str, status: str) -> None:
        sealed.inside(GENERATE_NEXT)
        assert sealed.send(command) == status


class TestSeal:
    def test_a_card_without_certificates_can_be_sealed(self, blank: Bench) -> None:
        with session_with(blank.device, PROFILE) as session:
            session.seal()
        assert blank.device.state.life_cycle is LifeCycle.SEALED

    @pytest.mark.parametrize("missing", ["key", "pin", "right key"])
    def test_every_certificate_needs_its_key_and_its_pin(self, unsealed: Bench, missing: str) -> None:
        device = unsealed.device
        contents = device.state.applications["jpki"]
        if missing == "key":
            contents = contents.with_key(SIGN_FILE, None)
        elif missing == "right key":
            contents = contents.with_key(SIGN_FILE, KEY)
        else:
            contents = replace(contents, pins={"authentication": contents.pins["authentication"]})
        device._memory.write(device.state.with_application("jpki", contents))
        assert unsealed.send(SEAL) == "6985"
        assert device.state.life_cycle is LifeCycle.OWN_KEYS

    def test_nothing_stands_in_for_a_certificate(self, unsealed: Bench) -> None:
        assert unsealed.send("00D68A00020000") == "9000"
        assert unsealed.send(SEAL) == "6985"

    @pytest.mark.parametrize("command", ["80F08007", "80F04007", "80F08001", "80F0807F"])
    def test_no_other_state_can_be_set(self, unsealed: Bench, sealed: Bench, command: str) -> None:
        assert unsealed.send(command) == "6A86"
        assert sealed.send(command) == "6A86"

    def test_a_refused_seal_can_be_made_good(self, unsealed: Bench) -> None:
        unsealed.inside(GENERATE)
        assert unsealed.send(SEAL) == "6985"
        assert unsealed.send("00E000000A62088302000180021000") == "9000"
        assert unsealed.send(SEAL) == "9000"
