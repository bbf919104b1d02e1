"""Files that the issuer makes and writes."""

from __future__ import annotations

import pytest
from issuer_bench import PROFILE, Bench
from issuing import MASTER, SERIAL, session_with

from jpki.card import LocalConnection
from jpki.formats import Command


class TestCreateFile:
    @staticmethod
    def command(file: str, size: str) -> str:
        return f"00E000000A62088302{file}8002{size}"

    def test_makes_a_file_that_reads_as_ff(self, blank: Bench) -> None:
        with session_with(blank.device, PROFILE) as session:
            session.create_file(0x000A)
        assert blank.contents.files == {0x000A: b"\xff" * 4096}

    def test_makes_it_the_current_file(self, unsealed: Bench) -> None:
        assert unsealed.send(self.command("0002", "0800")) == "9000"
        assert unsealed.inside("00B0000004").data == b"\xff" * 4

    def test_empties_a_file_of_the_same_size(self, unsealed: Bench) -> None:
        assert unsealed.send(self.command("0002", "0800")) == "9000"
        assert unsealed.contents.files[0x0002] == b"\xff" * 2048

    @pytest.mark.parametrize(
        ("file", "size", "status"),
        [
            ("0002", "0700", "6A89"),
            ("1234", "0010", "6A80"),
            ("001A", "0010", "6A80"),
            ("0018", "0010", "6A80"),
            ("0002", "0801", "6A80"),
            ("0002", "0000", "6A80"),
        ],
    )
    def test_refuses_any_other(self, unsealed: Bench, file: str, size: str, status: str) -> None:
        before = unsealed.device.state
        assert unsealed.send(self.command(file, size)) == status
        assert unsealed.device.state == before

    @pytest.mark.parametrize("body", ["", "00", "6200", "62068302000280", "620583010280010A", "6204 8302 0002"])
    def test_refuses_nonsense(self, unsealed: Bench, body: str) -> None:
        raw = bytes.fromhex(body)
        assert unsealed.send((b"\x00\xe0\x00\x00" + bytes((len(raw),)) * bool(raw) + raw).hex()) == "6A80"

    def test_a_smaller_file_keeps_its_size(self, blank: Bench) -> None:
        with session_with(blank.device, PROFILE):
            pass
        with LocalConnection(blank.device) as connection:
            bench = Bench(blank.device, connection, MASTER.keys_of(SERIAL))
            assert bench.send(self.command("0009", "0008")) == "9000"
            assert bench.send(self.command("0009", "0010")) == "6A89"
            bench.send(self.command("000B", "0004"))
            assert bench.send("00D60000050102030405") == "6A84"


class TestUpdateBinary:
    def test_writes_at_a_short_identifier_and_at_an_offset(self, unsealed: Bench) -> None:
        assert unsealed.send("00D6820002A1A2") == "9000"
        assert unsealed.send("00D6820101B2") == "9000"
        assert unsealed.send("00D607FF01C3") == "9000"
        content = unsealed.contents.files[0x0002]
        assert (content[:2], content[-1:], len(content)) == (b"\xa1\xb2", b"\xc3", 2048)

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            ("00D60000 01 A1", "6986"),
            ("00D69A00 01 A1", "6981"),
            ("00D68300 01 A1", "6A82"),
            ("00D6A200 01 A1", "6A86"),
            ("00D68200", "6700"),
            ("00D68804 01 A1", "6B00"),
            ("00D68802 02 A1A2", "6A84"),
        ],
    )
    def test_refuses_anything_else(self, unsealed: Bench, command: str, status: str) -> None:
        before = unsealed.device.state
        assert unsealed.send(command.replace(" ", "")) == status
        assert unsealed.device.state == before

    def test_takes_a_whole_file_at_once(self, unsealed: Bench) -> None:
        body = bytes(range(256)) * 8
        assert unsealed.channel is not None
        assert unsealed.channel.send(Command(0x00, 0xD6, 0x82, 0x00, body)).status == 0x9000
        assert unsealed.contents.files[0x0002] == body

    def test_no_certificate_file_opens_more_before_sealing_than_after(self, unsealed: Bench) -> None:
        assert unsealed.send("00B0810010") == "6982"
        assert unsealed.send("00A4020C020041") == "9000"
        assert unsealed.send("00B0000010") == "6982"
