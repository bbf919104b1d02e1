"""After loading, the card signs a challenge and the certificate verifies it: a card that cannot is not delivered."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from authorities import BOTH, NOW
from cryptography.hazmat.primitives.asymmetric import rsa
from desk_at_hand import PINS, RENEWAL, SERIAL, DeskAtHand, resident
from prime_pool import PrimePool

from emulator import EmulatedCard, RsaKey, VolatileMemory
from jpki.card import Encoded, KeyMismatch, LocalConnection, Resolving
from jpki.issuance import IssuanceDesk, Step
from jpki.store import CertificateState
from jpki.terms import CertificateName, Role

FIRST = [CertificateName(role, 0x0100_0002) for role in BOTH]
ANOTHER = PrimePool(700).generate()


class WornKey(RsaKey):
    """A key of which the card still tells the public half, while its private half is another by now."""

    worn = False

    @property
    def private_key(self) -> rsa.RSAPrivateKey:  # type: ignore[override]
        return (ANOTHER if WornKey.worn else RsaKey(self.p, self.q)).private_key


class WearingKeys:
    """Makes such keys."""

    def __init__(self) -> None:
        self._keys = PrimePool(701)

    def generate(self) -> RsaKey:
        key = self._keys.generate()
        return WornKey(key.p, key.q)


class WearingDesk(DeskAtHand):
    """A desk at which a card's new keys go bad after the certificates were loaded, and before they are proved."""

    def _desk(self) -> IssuanceDesk:
        return IssuanceDesk(self.authority, secrets.token_bytes, self._seen)

    def _seen(self, step: Step, role: Role | None) -> None:
        self.steps.append((step, role))
        WornKey.worn = step is Step.LOADED


def wearing(desk: DeskAtHand) -> WearingDesk:
    """Returns the same desk, whose card makes keys that go bad."""
    card = EmulatedCard(desk.profile, VolatileMemory(desk.device.state), keys=WearingKeys(), strict=True)
    return WearingDesk(desk.folder, desk.authority, desk.profile, card)


@pytest.fixture(autouse=True)
def _not_worn() -> Iterator[None]:
    WornKey.worn = False
    yield
    WornKey.worn = False


def test_a_card_that_does_not_prove_its_key_is_neither_sealed_nor_confirmed(desk: DeskAtHand) -> None:
    worn = wearing(desk)
    with pytest.raises(KeyMismatch) as caught:
        worn.issue()
    assert caught.value.role is Role.SIGNATURE
    assert Step.LOADED in {step for step, _ in worn.steps}
    assert {Step.PROVED, Step.SEALED}.isdisjoint({step for step, _ in worn.steps})
    assert [one.confirmed_at for one in worn.certificates()] == [None, None]
    with worn.authority.store.snapshot() as view:
        card = view.card(SERIAL)
        assert card is not None
        assert card.delivered_at is None
        assert len(view.open_jobs()) == 1


def test_a_new_key_that_is_not_proved_leaves_the_card_with_the_old_one(issued: DeskAtHand) -> None:
    worn = wearing(issued)
    with pytest.raises(KeyMismatch):
        worn.renew()
    assert {Step.PROVED, Step.ACTIVATED}.isdisjoint({step for step, _ in worn.steps})
    WornKey.worn = False
    assert worn.names_on_card() == FIRST
    states = {one.name: (one.state, one.confirmed_at) for one in worn.certificates(RENEWAL)}
    assert [states[name] for name in FIRST] == [(CertificateState.VALID, NOW)] * 2
    assert [confirmed for name, (_, confirmed) in states.items() if name not in FIRST] == [None, None]


def test_a_card_that_was_sealed_when_the_work_stopped_is_proved_before_it_is_handed_over(desk: DeskAtHand) -> None:
    worn = wearing(desk)
    stopping = KeyboardInterrupt()

    def seen(step: Step, role: Role | None) -> None:
        if step is Step.SEALED:
            raise stopping

    worn._seen = seen  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        worn.issue()
    WornKey.worn = True
    worn._seen = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(KeyMismatch):
        worn.issue()
    assert [one.confirmed_at for one in worn.certificates()] == [None, None]
    WornKey.worn = False
    assert list(worn.issue().certificates) == FIRST


def test_each_proof_has_a_challenge_of_its_own(desk: DeskAtHand) -> None:
    drawn: list[bytes] = []

    def random(count: int) -> bytes:
        drawn.append(secrets.token_bytes(count))
        return drawn[-1]

    with LocalConnection(desk.device) as connection:
        shown = Resolving(Encoded(connection))
        IssuanceDesk(desk.authority, random).issue(shown, desk.profile, resident(), PINS, NOW)
    challenges = [one for one in drawn if len(one) == 32]
    assert len(challenges) == len(set(challenges)) == len(BOTH)
