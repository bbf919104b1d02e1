"""The secure channel's arithmetic, against published vectors and a session made without this toolkit."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC

from jpki.formats import (
    CardKeys,
    CardSession,
    Command,
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
