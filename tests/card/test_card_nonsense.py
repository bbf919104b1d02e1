"""A card that answers nonsense: every operation ends, with a result or an error of this toolkit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from certified_cards import PINS
from hypothesis import given
from hypothesis import strategies as st

from card_profiles import SigningScheme, load_profile, profile_names
from jpki.card import (
    CardPrivateKey,
    Encoded,
    JpkiApplication,
    LocalConnection,
    Resolving,
    find_application,
    read_card_info,
)
from jpki.errors import JpkiError
from jpki.terms import Role

_MOST_EXCHANGES = 70_000


class Nonsense:
    """A card that answers whatever comes next, and 9000 when nothing does."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = iter(answers)
        self.exchanges = 0

    def power_on(self) -> bytes:
        return b""

    def power_off(self) -> None:
        pass

    def transmit(self, command: bytes) -> bytes:
        self.exchanges += 1
        assert self.exchanges < _MOST_EXCHANGES
        return next(self._answers, b"\x90\x00")


OPERATIONS: list[Callable[[JpkiApplication, Role], object]] = [
    lambda jpki, role: jpki.token_info(),
    lambda jpki, role: jpki.certificates_present(),
    lambda jpki, role: jpki.tries_left(role),
    lambda jpki, role: jpki.verify_pin(role, PINS[role], allow_last_try=False),
    lambda jpki, role: jpki.change_pin(role, PINS[role]),
    lambda jpki, role: jpki.read_certificate(role),
    lambda jpki, role: jpki.read_authority_certificate(role),
    lambda jpki, role: jpki.sign(role, bytes(32), SigningScheme.PSS_SHA256_PREHASHED),
    CardPrivateKey.of,
    lambda jpki, role: read_card_info(jpki),
]
STATUSES = st.sampled_from(
    ["9000", "6282", "6100", "6105", "6C04", "63C1", "6300", "6982", "6984", "6A82", "6B00", "6F00"]
)
HEADS = st.sampled_from(
    [b"", b"\x30", b"\x30\x82\x05\x00", b"\x30\x81\x90", b"\x30\x84\xff\xff\xff\xff", b"JPKIAPICCTOKEN2"]
)
ANSWERS = st.builds(
    lambda head, rest, status: head + rest + bytes.fromhex(status), HEADS, st.binary(max_size=256), STATUSES
)


@given(st.lists(ANSWERS | st.binary(max_size=4), max_size=60), st.sampled_from(Role), st.sampled_from(profile_names()))
def test_every_operation_ends(answers: list[bytes], role: Role, name: str) -> None:
    with LocalConnection(Nonsense(answers)) as connection:
        card = Resolving(Encoded(connection))
        with suppress(JpkiError), find_application(card) as found:
            read_card_info(found)
        jpki = JpkiApplication(card, load_profile(name))
        with suppress(JpkiError):
            jpki.verify_pin(role, PINS[role])
        for operation in OPERATIONS:
            with suppress(JpkiError):
                operation(jpki, role)


@pytest.mark.parametrize("answer", [b"", b"\x90", bytes(70_000) + b"\x90\x00", b"\x61\x00"])
def test_the_same_nonsense_for_ever_ends_too(answer: bytes) -> None:
    class Stubborn(Nonsense):
        def transmit(self, command: bytes) -> bytes:
            super().transmit(command)
            return answer

    with LocalConnection(Stubborn([])) as connection:
        card = Resolving(Encoded(connection))
        jpki = JpkiApplication(card, load_profile("mynumber"))
        for operation in OPERATIONS:
            with suppress(JpkiError):
                operation(jpki, Role.AUTHENTICATION)
