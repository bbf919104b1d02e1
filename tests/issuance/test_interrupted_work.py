"""Work on a card that is interrupted at any exchange, before or after the card has done it, is taken up and done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from authorities import BOTH, NOW
from desk_at_hand import RENEWAL, SERIAL, DeskAtHand

from jpki.card import CardRemoved, Fault, Faulty, lost, pulled
from jpki.formats import RevocationReason
from jpki.store import CertificateState, Store, StoreFull, StoreWriting
from jpki.terms import CertificateName, Pin, Role

Copies = Callable[[], DeskAtHand]
FIRST = [CertificateName(role, 0x0100_0002) for role in BOTH]
SECOND = [CertificateName(role, 0x0100_0003) for role in BOTH]
AT_EVERY_EXCHANGE = pytest.mark.parametrize("fault", [pulled, lost])


def interrupted(do: Callable[..., object], at: int, fault: Fault) -> bool:
    """Returns whether the work was interrupted; False where it has fewer exchanges than that."""
    try:
        do(wrap=lambda card: Faulty(card, at, fault))
    except CardRemoved:
        return True
    return False


def has_one_certificate_of_each(desk: DeskAtHand, names: list[CertificateName]) -> bool:
    return desk.valid(RENEWAL) == names and desk.names_on_card() == names


def is_closed(desk: DeskAtHand) -> bool:
    with desk.authority.store.snapshot() as view:
        card = view.card(SERIAL)
        return view.open_jobs() == () and card is not None and card.delivered_at is not None


@AT_EVERY_EXCHANGE
def test_an_issue_is_taken_up_wherever_it_stopped(blank_desks: Copies, fault: Fault) -> None:
    at = 1
    while interrupted((desk := blank_desks()).issue, at, fault):
        delivered = desk.issue()
        assert list(delivered.certificates) == FIRST, at
        assert [one.name for one in desk.certificates(NOW)] == FIRST, at
        assert has_one_certificate_of_each(desk, FIRST), at
        assert is_closed(desk), at
        desk.authority.close()
        at += 1
    assert at > 50


@AT_EVERY_EXCHANGE
def test_a_renewal_is_taken_up_wherever_it_stopped(issued_desks: Copies, fault: Fault) -> None:
    at = 1
    while interrupted((desk := issued_desks()).renew, at, fault):
        delivered = desk.renew()
        assert list(delivered.certificates) == SECOND, at
        assert has_one_certificate_of_each(desk, SECOND), at
        superseded = [one for one in desk.certificates(RENEWAL) if one.state is CertificateState.REVOKED]
        assert [one.name for one in superseded] == FIRST, at
        assert all(one.revocation and one.revocation.reason is RevocationReason.SUPERSEDED for one in superseded)
        assert is_closed(desk), at
        desk.authority.close()
        at += 1
    assert at > 70


@AT_EVERY_EXCHANGE
def test_in_an_interrupted_renewal_the_card_works_with_what_it_shows(issued_desks: Copies, fault: Fault) -> None:
    at = 1
    while interrupted((desk := issued_desks()).renew, at, fault):
        shown = desk.names_on_card()
        assert all(name in (FIRST[place], SECOND[place]) for place, name in enumerate(shown)), at
        assert set(shown) <= set(desk.valid(RENEWAL)), at
        desk.authority.close()
        at += 5
    assert at > 70


def test_an_interrupted_issue_goes_on_with_the_pins_that_the_holder_has_now(blank_desks: Copies) -> None:
    other = {Role.SIGNATURE: Pin("XYZ789"), Role.AUTHENTICATION: Pin("9876")}
    sealed = (whole := blank_desks()).issue() and whole.exchanges
    for at in (sealed // 2, sealed):
        desk = blank_desks()
        assert interrupted(desk.issue, at, lost)
        desk.issue(pins=other)
        assert desk.names_on_card(other) == FIRST


class FailingStore(Store):
    """A store whose transaction number `at` fails: with a full disk, or after it was kept."""

    at = 0
    kept = False

    @contextmanager
    def transaction(self) -> Iterator[StoreWriting]:
        self.at -= 1
        with super().transaction() as change:
            yield change
            if self.at == 0 and not self.kept:
                raise StoreFull(store=str(self.file))
        if self.at == 0:
            raise StoreFull(store=str(self.file))


def fails_at(desk: DeskAtHand, do: Callable[[], object], at: int, *, kept: bool) -> bool:
    """Returns whether the work had a transaction of this number, which failed; that of a seal ends nothing."""
    healthy = desk.authority.store
    failing = FailingStore.open(healthy.file)
    failing.at, failing.kept = at, kept
    desk.authority.store = failing
    try:
        do()
    except StoreFull:
        assert failing.at <= 0
    finally:
        failing.close()
        desk.authority.store = healthy
    return failing.at <= 0


@pytest.mark.parametrize("kept", [False, True], ids=["full disk", "killed after the commit"])
def test_an_issue_goes_on_after_any_commit_that_failed(blank_desks: Copies, kept: bool) -> None:
    at = 1
    while fails_at(desk := blank_desks(), desk.issue, at, kept=kept):
        # The last commit ends the job: when it was kept, there is nothing left to do.
        if not is_closed(desk):
            desk.issue()
        assert [one.name.authority for one in desk.certificates(NOW)] == list(BOTH), at
        assert desk.names_on_card() == desk.valid(), at
        assert is_closed(desk), at
        desk.authority.close()
        at += 1
    assert at > 5


@pytest.mark.parametrize("kept", [False, True], ids=["full disk", "killed after the commit"])
def test_a_renewal_goes_on_after_any_commit_that_failed(issued_desks: Copies, kept: bool) -> None:
    at = 1
    while fails_at(desk := issued_desks(), desk.renew, at, kept=kept):
        if not is_closed(desk) or set(FIRST) & set(desk.valid(RENEWAL)):
            desk.renew()
        assert desk.names_on_card() == desk.valid(RENEWAL), at
        assert not set(FIRST) & set(desk.valid(RENEWAL)), at
        assert is_closed(desk), at
        desk.authority.close()
        at += 1
    assert at > 5
