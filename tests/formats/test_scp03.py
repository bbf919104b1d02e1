"""The secure channel between two ends of ours: what each understands, and what each refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

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
    put_key_body,
    read_put_key_body,
)
from jpki.terms import Secret

FULL = SecurityLevel.of(0x33)


LEVELS = [SecurityLevel.of(octet) for octet in (0x01, 0x03, 0x11, 0x13, 0x33)]


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
