"""What neither end of the secure channel takes, although its MAC is right."""

from __future__ import annotations

import pytest

from jpki.formats import (
    WELL_KNOWN_KEYS,
    CardSession,
    Command,
    FormatError,
    Handshake,
    HostSession,
    Response,
    SecurityLevel,
)

FULL = SecurityLevel.of(0x33)


def pair() -> tuple[HostSession, CardSession]:
    handshake = Handshake.of(WELL_KNOWN_KEYS, b"hosthost", b"cardcard")
    host, card = HostSession(handshake, FULL), CardSession(handshake)
    card.authenticate(host.external_authenticate())
    return host, card


@pytest.mark.parametrize("octet", [0x00, 0x02, 0x10, 0x12, 0x20, 0x23, 0x30, 0x31, 0x32, 0x34, 0x73, 0xFF])
def test_no_other_combination_is_a_level(octet: int) -> None:
    with pytest.raises(FormatError):
        SecurityLevel.of(octet)


@pytest.mark.parametrize(("host", "card"), [(7, 8), (9, 8), (8, 7), (8, 9), (0, 8), (16, 16)])
def test_a_challenge_has_eight_bytes(host: int, card: int) -> None:
    with pytest.raises(FormatError):
        Handshake.of(WELL_KNOWN_KEYS, bytes(host), bytes(card))


@pytest.mark.parametrize("length", [1, 15, 17, 31, 33])
def test_a_body_that_is_not_whole_blocks_is_refused_by_the_card(length: int) -> None:
    host, card = pair()
    command = Command(0x00, 0xD6, 0x00, 0x00)
    mac = host._command_mac(command, bytes(length), extended=False)[:8]
    with pytest.raises(FormatError):
        card.unwrap(Command(0x04, 0xD6, 0x00, 0x00, bytes(length) + mac))


@pytest.mark.parametrize("length", [1, 15, 17])
def test_an_answer_that_is_not_whole_blocks_is_refused_by_the_host(length: int) -> None:
    host, card = pair()
    card.unwrap(host.wrap(Command(0x00, 0xB0, 0x00, 0x00)))
    data, status = bytes(length), Response().status
    with pytest.raises(FormatError):
        host.unwrap(Response(data + card._response_mac(data, status), status))
