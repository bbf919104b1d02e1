"""The secure channel's arithmetic, against published vectors and a session made without this toolkit."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC

from jpki.formats import (
    WELL_KNOWN_KEYS,
    CardKeys,
    CardSession,
    Command,
    FormatError,
    Handshake,
    HostSession,
    InitializeUpdateAnswer,
    IssuerMasterKey,
    Response,
    SecurityLevel,
    StatusWord,
    counter_mode_kdf,
    put_key_body,
    read_put_key_body,
)
from jpki.terms import Secret

DATA = Path(__file__).parent.parent / "data" / "scp03"
FULL = SecurityLevel.of(0x33)
STEPS = (
    "1 body and answer",
    "2 neither",
    "3 warning",
    "4 error",
    "5 whole block",
    "6 no body, answer",
    "7 long body",
    "8 long answer",
)
LEVELS = [SecurityLevel.of(octet) for octet in (0x01, 0x03, 0x11, 0x13, 0x33)]


class Transcript(dict[str, str]):
    def octets(self, name: str) -> bytes:
        return bytes.fromhex(self[name])

    def keys(self) -> CardKeys:
        return CardKeys(*(Secret(self.octets(f"key.{name}")) for name in ("encryption", "mac", "data")))

    def handshake(self) -> Handshake:
        answer = InitializeUpdateAnswer.parse(self.octets("initialize update.answer"))
        return Handshake.of(self.keys(), self.octets("host challenge"), answer.card_challenge)

    def command(self, step: str, prefix: str = "") -> Command:
        cla, ins, p1, p2 = self.octets(f"{step}.{prefix}header")
        return Command(cla, ins, p1, p2, self.octets(f"{step}.{prefix}body"))

    def response(self, step: str, prefix: str = "") -> Response:
        status = StatusWord.from_bytes(self.octets(f"{step}.status"), "big")
        return Response(self.octets(f"{step}.{prefix}answer"), status)


@pytest.fixture(params=[128, 256])
def transcript(request: pytest.FixtureRequest) -> Transcript:
    lines = (DATA / f"aes-{request.param}.txt").read_text().splitlines()
    return Transcript(line.split(" =", 1) for line in lines)


def vectors(text: str) -> Iterator[dict[str, str]]:
    """Yields the records of a NIST response file, the settings in brackets in force merged into each."""
    settings: dict[str, str] = {}
    record: dict[str, str] = {}
    for line in (*text.splitlines(), ""):
        if line.startswith("["):
            name, _, value = line.strip("[]").partition("=")
            settings[name] = value
        elif "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            record[name.strip()] = value.strip()
        elif not line and record:
            yield settings | record
            record = {}


def vector_file(*path: str) -> str:
    return resources.files("cryptography_vectors").joinpath(*path).read_text()


@pytest.mark.parametrize("size", [128, 192, 256])
def test_the_mac_is_the_published_one(size: int) -> None:
    records = list(vectors(vector_file("CMAC", f"nist-800-38b-aes{size}.txt")))
    assert len(records) == 4
    for record in records:
        mac = CMAC(algorithms.AES(bytes.fromhex(record["KEY"])))
        mac.update(bytes.fromhex(record["MESSAGE"]))
        assert mac.finalize() == bytes.fromhex(record["OUTPUT"])


@pytest.mark.parametrize("size", [128, 192, 256])
def test_the_derivation_is_the_published_one(size: int) -> None:
    wanted = {"PRF": f"CMAC_AES{size}", "CTRLOCATION": "MIDDLE_FIXED", "RLEN": "8_BITS"}
    text = vector_file("KDF", "nist-800-108-KBKDF-CTR.txt")
    records = [record for record in vectors(text) if wanted.items() <= record.items()]
    assert len(records) == 40
    for record in records:
        before, after = (bytes.fromhex(record[name]) for name in ("DataBeforeCtrData", "DataAfterCtrData"))
        derived = counter_mode_kdf(bytes.fromhex(record["KI"]), before, after, int(record["L"]))
        assert derived == bytes.fromhex(record["KO"])


def test_the_session_keys_and_cryptograms_are_those_of_the_transcript(transcript: Transcript) -> None:
    answer = InitializeUpdateAnswer.parse(transcript.octets("initialize update.answer"))
    handshake = transcript.handshake()
    assert handshake.keys.encryption.reveal() == transcript.octets("session.encryption")
    assert handshake.keys.mac.reveal() == transcript.octets("session.mac")
    assert handshake.keys.response_mac.reveal() == transcript.octets("session.response mac")
    assert handshake.card_cryptogram == answer.card_cryptogram
    assert answer.encode() == transcript.octets("initialize update.answer")


def test_the_host_sends_the_transcript_and_reads_its_answers(transcript: Transcript) -> None:
    host = HostSession(transcript.handshake(), FULL)
    opening = host.external_authenticate()
    assert (opening.header, opening.body) == (
        transcript.octets("external authenticate.header"),
        transcript.octets("external authenticate.body"),
    )
    for step in STEPS:
        sent = host.wrap(transcript.command(step))
        expected = transcript.command(step, "protected ")
        assert (sent.header, sent.body) == (expected.header, expected.body), step
        assert host.unwrap(transcript.response(step, "protected ")) == transcript.response(step), step


def test_the_card_reads_the_transcript_and_sends_its_answers(transcript: Transcript) -> None:
    card = opened_card(transcript)
    for step in STEPS:
        assert card.unwrap(transcript.command(step, "protected ")) == transcript.command(step), step
        assert card.wrap(transcript.response(step)) == transcript.response(step, "protected "), step


def test_the_body_of_put_key_is_that_of_the_transcript(transcript: Transcript) -> None:
    keys = transcript.keys()
    new = CardKeys(encryption=keys.mac, mac=keys.data, data=keys.encryption)
    body = transcript.octets("put key.body")
    assert put_key_body(0x01, new, keys.data).reveal() == body
    assert read_put_key_body(body, keys.data) == (0x01, new)


def test_a_cards_keys_derive_from_master_key_and_serial_number(transcript: Transcript) -> None:
    keys = IssuerMasterKey(transcript.octets("master.key")).keys_of(transcript.octets("master.serial"))
    assert [key.reveal() for key in keys.in_order] == [transcript.octets(f"master.derived 0{n}") for n in (1, 2, 3)]


@pytest.mark.parametrize("size", [128, 256])
def test_the_script_beside_the_transcript_still_prints_it(size: int) -> None:
    made = subprocess.run(["sh", DATA / "make-transcript.sh", str(size)], capture_output=True, text=True, check=True)
    assert made.stdout == (DATA / f"aes-{size}.txt").read_text()


def opened_card(transcript: Transcript) -> CardSession:
    card = CardSession(transcript.handshake())
    cla, ins, p1, p2 = transcript.octets("external authenticate.header")
    card.authenticate(Command(cla, ins, p1, p2, transcript.octets("external authenticate.body")))
    return card


def pair(level: SecurityLevel = FULL, length: int = 16) -> tuple[HostSession, CardSession]:
    key = Secret(bytes(range(length)))
    handshake = Handshake.of(CardKeys(key, key, key), b"hosthost", b"cardcard")
    host, card = HostSession(handshake, level), CardSession(handshake)
    card.authenticate(host.external_authenticate())
    return host, card


@pytest.mark.parametrize("length", [16, 24, 32])
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: f"{int(level):02X}")
def test_both_ends_understand_each_other(level: SecurityLevel, length: int) -> None:
    host, card = pair(level, length)
    for size in (0, 1, 15, 16, 17, 230, 239, 240, 247, 248, 255, 256, 4_000):
        command = Command(0x80, 0xF2, 0x80, 0x02, bytes(range(256)) * 16)
        command = command.with_data(command.body[:size])
        received = card.unwrap(host.wrap(command))
        assert (received.header, received.body) == (command.header, command.body)
        for status in (0x9000, 0x6282, 0x63C1):
            response = Response(command.body, StatusWord(status))
            assert host.unwrap(card.wrap(response)) == response
            received = card.unwrap(host.wrap(command))
        assert host.unwrap(card.wrap(Response(b"", StatusWord(0x6A82)))) == Response(b"", StatusWord(0x6A82))


@pytest.mark.parametrize(("level", "body"), [(0x01, b"\x01\x02"), (0x11, b"\x01\x02")])
def test_a_level_without_encryption_leaves_the_body_in_clear(level: int, body: bytes) -> None:
    host, _ = pair(SecurityLevel.of(level))
    sent = host.wrap(Command(0x00, 0xD6, 0, 0, body))
    assert sent.body[:-8] == body


def test_a_secret_body_stays_secret_when_it_is_wrapped() -> None:
    host, _ = pair(SecurityLevel.C_MAC)
    assert host.wrap(Command(0x00, 0x20, 0, 0x98, Secret(b"1234"))).secret
    assert "31323334" not in repr(host.wrap(Command(0x00, 0x20, 0, 0x98, Secret(b"1234"))))


def test_the_counter_moves_on_with_commands_that_have_no_body() -> None:
    host, card = pair()
    command = Command(0x00, 0xD6, 0, 0, b"the same")
    first = host.wrap(command)
    card.unwrap(first)
    card.unwrap(host.wrap(Command(0x80, 0xF0, 0x80, 0x0F)))
    again = host.wrap(command)
    assert card.unwrap(again).body == b"the same"
    assert again.body[:16] != first.body[:16]


def test_the_card_takes_an_empty_body_that_was_padded_and_encrypted() -> None:
    host, card = pair()
    host._counter += 1
    body = host._encrypted(b"", response=False)
    host._chain = host._command_mac(Command(0x80, 0xF0, 0x80, 0x0F), body, extended=False)
    assert card.unwrap(Command(0x84, 0xF0, 0x80, 0x0F, body + host._chain[:8])).body == b""


def test_the_card_takes_a_short_body_whose_length_field_is_extended() -> None:
    host, card = pair()
    sent = host.wrap(Command(0x00, 0xB0, 0, 0, b"", 4_096))
    assert card.unwrap(sent).body == b""


def test_the_mac_covers_the_header_without_the_chaining_bit() -> None:
    host, card = pair()
    sent = host.wrap(Command(0x00, 0xD6, 0, 0, b"in parts"))
    assert card.unwrap(replace(sent, cla=sent.cla | 0x10)).body == b"in parts"


class TestTheCardRefuses:
    command = Command(0x00, 0xD6, 0x00, 0x00, b"twenty bytes of data")

    def test_every_changed_bit_of_a_command(self) -> None:
        for position in range(4 + 40):
            host, card = pair()
            sent = host.wrap(self.command)
            raw = bytearray(sent.header + sent.body)
            raw[position] ^= 0x01 if position else 0x80
            with pytest.raises(FormatError):
                card.unwrap(Command(*raw[:4], bytes(raw[4:])))

    def test_a_replayed_command(self) -> None:
        host, card = pair()
        sent = host.wrap(self.command)
        card.unwrap(sent)
        with pytest.raises(FormatError):
            card.unwrap(sent)

    def test_commands_in_another_order(self) -> None:
        host, card = pair()
        host.wrap(self.command)
        with pytest.raises(FormatError):
            card.unwrap(host.wrap(self.command))

    def test_a_command_encrypted_under_another_counter(self) -> None:
        host, card = pair()
        host._counter = 7
        sent = host.wrap(self.command)
        try:
            clear = card.unwrap(sent).body
        except FormatError:
            clear = b""
        assert clear != self.command.body

    @pytest.mark.parametrize("length", [0, 7, 8, 39])
    def test_a_truncated_command(self, length: int) -> None:
        host, card = pair()
        sent = host.wrap(self.command)
        with pytest.raises(FormatError):
            card.unwrap(sent.with_data(sent.body[:length]))

    def test_a_command_without_the_secure_messaging_bit(self) -> None:
        host, card = pair()
        with pytest.raises(FormatError):
            card.unwrap(replace(host.wrap(self.command), cla=0x00))

    def test_a_command_of_another_session(self) -> None:
        host, _ = pair()
        _, card = pair(length=32)
        with pytest.raises(FormatError):
            card.unwrap(host.wrap(self.command))

    def test_a_wrong_host_cryptogram_under_a_right_mac(self) -> None:
        handshake = Handshake.of(WELL_KNOWN_KEYS, b"hosthost", b"cardcard")
        host = HostSession(replace(handshake, host_cryptogram=bytes(8)), FULL)
        with pytest.raises(FormatError):
            CardSession(handshake).authenticate(host.external_authenticate())

    def test_an_authentication_for_another_level_than_it_says(self) -> None:
        handshake = Handshake.of(WELL_KNOWN_KEYS, b"hosthost", b"cardcard")
        opening = HostSession(handshake, FULL).external_authenticate()
        with pytest.raises(FormatError):
            CardSession(handshake).authenticate(replace(opening, p1=0x01))

    @pytest.mark.parametrize("padded", [b"no 80 at the end", bytes(16), b"\x80" + bytes(15) + bytes(16)])
    def test_a_body_that_is_padded_wrongly(self, padded: bytes) -> None:
        host, card = pair()
        host._counter += 1
        encryptor = host._cipher(response=False).encryptor()
        body = encryptor.update(padded)
        host._chain = host._command_mac(self.command, body, extended=False)
        with pytest.raises(FormatError):
            card.unwrap(Command(0x04, 0xD6, 0, 0, body + host._chain[:8]))


class TestTheHostRefuses:
    def test_every_changed_bit_of_an_answer(self) -> None:
        for position in range(26):
            host, card = pair()
            card.unwrap(host.wrap(Command(0x00, 0xB0, 0, 0)))
            raw = bytearray(card.wrap(Response(b"an answer")).encode())
            raw[position] ^= 0x01
            with pytest.raises(FormatError):
                refuse_or_error(host, Response.decode(bytes(raw)))

    def test_the_answer_to_another_command(self) -> None:
        host, card = pair()
        card.unwrap(host.wrap(Command(0x00, 0xB0, 0, 0)))
        old = card.wrap(Response(b"an answer"))
        host.wrap(Command(0x00, 0xB0, 0, 0))
        with pytest.raises(FormatError):
            host.unwrap(old)

    @pytest.mark.parametrize("length", [0, 7, 8, 23])
    def test_a_truncated_answer(self, length: int) -> None:
        host, card = pair()
        card.unwrap(host.wrap(Command(0x00, 0xB0, 0, 0)))
        answer = card.wrap(Response(b"an answer"))
        with pytest.raises(FormatError):
            host.unwrap(Response(answer.data[:length]))

    def test_data_that_comes_with_an_error(self) -> None:
        host, _ = pair()
        host.wrap(Command(0x00, 0xB0, 0, 0))
        assert host.unwrap(Response(b"forged", StatusWord(0x6982))).data == b""


def refuse_or_error(host: HostSession, response: Response) -> None:
    """A changed status byte may turn an answer into an error, which has no MAC: then it must at least carry nothing."""
    answer = host.unwrap(response)
    if answer.data == b"" and not answer.ok:
        raise FormatError(what="answer", problem="an error now")


class TestKeys:
    def test_a_cards_keys_are_of_one_length(self) -> None:
        with pytest.raises(FormatError):
            CardKeys(Secret(bytes(16)), Secret(bytes(16)), Secret(bytes(32)))

    @pytest.mark.parametrize("length", [0, 8, 15, 24, 33])
    def test_a_master_key_has_16_or_32_bytes(self, length: int) -> None:
        with pytest.raises(FormatError):
            IssuerMasterKey(bytes(length))

    def test_two_cards_have_no_key_in_common(self) -> None:
        master = IssuerMasterKey(bytes(32))
        keys = [*master.keys_of(bytes(10)).in_order, *master.keys_of(bytes(9) + b"\x01").in_order]
        assert len({key.reveal() for key in keys}) == 6

    def test_keys_do_not_print(self) -> None:
        handshake = Handshake.of(WELL_KNOWN_KEYS, bytes(8), bytes(8))
        printed = repr((WELL_KNOWN_KEYS, IssuerMasterKey(b"@" * 16), handshake.keys))
        assert b"\x40\x41".hex() not in printed
        assert "@" not in printed

    def test_a_192_bit_key_travels_in_whole_blocks(self) -> None:
        keys = CardKeys(*(Secret(bytes((number,)) * 24) for number in (1, 2, 3)))
        dek = Secret(bytes(16))
        assert read_put_key_body(put_key_body(5, keys, dek).reveal(), dek) == (5, keys)

    def test_put_key_under_another_data_key_is_refused(self) -> None:
        body = put_key_body(1, WELL_KNOWN_KEYS, Secret(bytes(16))).reveal()
        with pytest.raises(FormatError):
            read_put_key_body(body, Secret(b"\x01" * 16))

    def test_put_key_cut_short_anywhere_is_refused(self) -> None:
        body = put_key_body(1, WELL_KNOWN_KEYS, Secret(bytes(16))).reveal()
        for length in range(len(body)):
            with pytest.raises(FormatError):
                read_put_key_body(body[:length], Secret(bytes(16)))

    def test_put_key_with_something_behind_it_is_refused(self) -> None:
        body = put_key_body(1, WELL_KNOWN_KEYS, Secret(bytes(16))).reveal()
        with pytest.raises(FormatError):
            read_put_key_body(body + b"\x00", Secret(bytes(16)))


@pytest.mark.parametrize("raw", [b"", bytes(28), bytes(29), bytes(30)])
def test_an_answer_to_initialize_update_of_another_shape_is_refused(raw: bytes) -> None:
    with pytest.raises(FormatError):
        InitializeUpdateAnswer.parse(raw)
