"""A certificate is read in whole blocks, whatever its length and however the card says that a file has ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_profiles import Access, TransparentFile, Write, load_profile
from jpki.card import BadAnswer, BadCardFile, CardRefused, Completing, Resolving
from jpki.card.files import read_der, read_fixed
from jpki.formats import MAX_SHORT_LE, Command, Response, StatusWord

DIALECT = load_profile("mynumber").status
SIZE = 4096
FILE = TransparentFile(id=0x000A, size=SIZE, read=Access(free=True), write=Write.ISSUER)
BLOCK = 256
# Around each end of a block, of a length field's form, and of the file.
EDGES = (131, 132, 254, 255, 256, 257, 258, 259, 260, 511, 512, 513, 1583, 1791, 1792, 1793, 4095, 4096)

Ending = Callable[[bytes, int], Response]


def der(length: int) -> bytes:
    """Returns a DER object of exactly this length, 131 and more."""
    head = b"\x30\x81" + bytes((length - 3,)) if length <= 258 else b"\x30\x82" + (length - 4).to_bytes(2, "big")
    return head + bytes(at & 0x7F for at in range(length - len(head)))


class File:
    """A card with one file; `ending` says what it answers where the file ends before as much was read as asked for."""

    exclusive = staticmethod(nullcontext)

    def __init__(self, content: bytes, ending: Ending) -> None:
        self.content = content
        self.ending = ending
        self.commands: list[Command] = []

    def send(self, command: Command) -> Response:
        self.commands.append(command)
        assert command.ins == 0xB0, "nothing but READ BINARY"
        assert command.le is not None
        assert command.le <= MAX_SHORT_LE, "no extended length field"
        offset = command.p2 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        if offset >= len(self.content):
            return Response(status=StatusWord(0x6B00))
        part = self.content[offset : offset + command.le]
        return Response(part) if len(part) == command.le else self.ending(part, len(part))


ENDINGS: dict[str, Ending] = {
    "as much as there is": lambda part, left: Response(part),
    "6282, end of file": lambda part, left: Response(part, StatusWord(0x6282)),
    "6Cxx, another Le": lambda part, left: Response(status=StatusWord(0x6C00 | left & 0xFF)),
}
ended = pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())


@ended
@pytest.mark.parametrize("length", EDGES)
def test_a_file_as_long_as_its_certificate_is_read_whole(length: int, ending: Ending) -> None:
    card = File(der(length), ending)
    assert read_der(Completing(card), FILE, DIALECT) == der(length)
    # Only a card that insists on another Le is asked for the first block twice.
    asked_again = length < BLOCK and ending is ENDINGS["6Cxx, another Le"]
    assert len(card.commands) == -(-length // BLOCK) + asked_again


@pytest.mark.parametrize("length", EDGES)
@pytest.mark.parametrize("filler", [0x00, 0xFF])
def test_what_fills_up_a_file_costs_no_exchange_and_is_not_read(length: int, filler: int) -> None:
    card = File(der(length).ljust(SIZE, bytes((filler,))), ENDINGS["as much as there is"])
    assert read_der(Resolving(card), FILE, DIALECT) == der(length)
    blocks = [command.le for command in card.commands]
    assert blocks[:-1] == [BLOCK] * (len(blocks) - 1), "whole blocks"
    assert len(blocks) == -(-length // BLOCK), "and none for the length alone"
    assert sum(le or 0 for le in blocks) == max(length, BLOCK), "nothing behind the certificate"


@ended
@pytest.mark.parametrize("missing", [1, 255, 256, 257])
def test_a_file_that_ends_before_its_certificate_is_cut_short(ending: Ending, missing: int) -> None:
    card = File(der(1583)[:-missing], ending)
    with pytest.raises(BadCardFile) as caught:
        read_der(Resolving(card), FILE, DIALECT)
    assert (caught.value.file, caught.value.problem) == ("000A", "cut short")


@ended
@pytest.mark.parametrize(
    "content", [b"\x30", b"\x30\x82", b"\x30\x82\x06", b"\x30\x03\x02\x01\x05", b"\x04" + der(1583)[1:]]
)
def test_a_file_that_does_not_begin_like_a_certificate_holds_none(ending: Ending, content: bytes) -> None:
    with pytest.raises(BadCardFile) as caught:
        read_der(Resolving(File(content, ending)), FILE, DIALECT)
    assert caught.value.problem == "no certificate"


@pytest.mark.parametrize("status", [0x6B00, 0x6282, 0x9000])
def test_a_file_of_no_bytes_holds_no_certificate(status: int) -> None:
    class Empty(File):
        def send(self, command: Command) -> Response:
            return Response(status=StatusWord(status))

    assert read_der(Resolving(Empty(b"", ENDINGS["as much as there is"])), FILE, DIALECT) is None


@pytest.mark.parametrize("status", [0x6281, 0x6700, 0x6981, 0x6A86, 0x6F00])
def test_another_answer_is_the_cards_refusal(status: int) -> None:
    class Refusing(File):
        def send(self, command: Command) -> Response:
            return Response(b"not to be taken", StatusWord(status))

    card = Resolving(Refusing(b"", ENDINGS["as much as there is"]))
    for read in (lambda: read_der(card, FILE, DIALECT), lambda: read_fixed(card, FILE)):
        with pytest.raises(CardRefused) as caught:
            read()
        assert (caught.value.command, caught.value.status) == ("READ BINARY", status)


@pytest.mark.parametrize(("status", "absent"), [(0x6A82, True), (0x6985, False)])
def test_a_file_without_a_short_identifier_that_cannot_be_selected_is_absent_or_refused(
    status: int, absent: bool
) -> None:
    class Unselectable(File):
        def send(self, command: Command) -> Response:
            assert (command.header, command.body) == (bytes.fromhex("00A4020C"), bytes.fromhex("0141"))
            return Response(status=StatusWord(status))

    card, file = Unselectable(b"", ENDINGS["as much as there is"]), replace(FILE, id=0x0141)
    if absent:
        assert read_der(card, file, DIALECT) is None
    else:
        with pytest.raises(CardRefused) as caught:
            read_der(card, file, DIALECT)
        assert (caught.value.command, caught.value.status) == ("SELECT FILE", status)


@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_refusal_in_the_middle_is_told(at: int) -> None:
    class Tired(File):
        def send(self, command: Command) -> Response:
            response = super().send(command)
            return Response(status=StatusWord(0x6F00)) if len(self.commands) > at else response

    with pytest.raises(CardRefused) as caught:
        read_der(Resolving(Tired(der(1583), ENDINGS["as much as there is"])), FILE, DIALECT)
    assert caught.value.status == 0x6F00


@given(length=st.integers(131, SIZE), most=st.integers(4, 300), more=st.booleans())
def test_a_card_that_gives_little_at_a_time_is_read_to_the_end(length: int, most: int, more: bool) -> None:
    class Stingy(File):
        """Gives no more than `most` bytes at once; says with `more` that the rest can be had by GET RESPONSE."""

        waiting = b""

        def send(self, command: Command) -> Response:
            if command.ins == 0xC0:
                return self.part(self.waiting[: command.le], self.waiting[command.le :])
            whole = super().send(command).data
            return self.part(whole[:most], whole[most:])

        def part(self, given: bytes, waiting: bytes) -> Response:
            self.waiting = waiting if more else b""
            return Response(given, StatusWord(0x6100 | min(len(waiting), 0xFF)) if self.waiting else StatusWord(0x9000))

    card = Stingy(der(length).ljust(SIZE, b"\xff"), ENDINGS["as much as there is"])
    assert read_der(Resolving(card), FILE, DIALECT) == der(length)


@pytest.mark.parametrize("answer", ["61FF", "6100", "6C01", "6C00", "006101", "009000", "308200019000"])
def test_an_answer_that_is_always_the_same_ends(answer: str) -> None:
    class Stubborn:
        exclusive = staticmethod(nullcontext)
        asked = 0

        def send(self, command: Command) -> Response:
            self.asked += 1
            assert self.asked <= 2 * 4_096, "an end"
            return Response.decode(bytes.fromhex(answer))

    for read in (lambda card: read_der(card, FILE, DIALECT), lambda card: read_fixed(card, FILE)):
        with suppress(BadAnswer, BadCardFile, CardRefused):
            read(Resolving(Stubborn()))
