"""A resident's record and a blank card in, a card with certificates out; and what the desk refuses."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from authorities import BOTH, NOW
from desk_at_hand import HOLDER, PINS, SERIAL, DeskAtHand, MasterKeys, made_desk, resident
from prime_pool import PrimePool

from emulator import CardState
from emulator import LifeCycle as CardLifeCycle
from jpki.ca import AlreadyCertified, KeyInUse, NotEntitled, Occasion, Reason
from jpki.card import BadPinForm, CardRemoved, Faulty, NoCertificate, WrongCardKeys, WrongLifeCycle, lost
from jpki.formats import RevocationReason
from jpki.issuance import CardFinished, CardOfAnother, CardUnknown, JobLost, NewPinNeeded, Step
from jpki.store import CertificateState
from jpki.terms import CertificateName, Pin, Role

FIRST = tuple(CertificateName(role, 0x0100_0002) for role in BOTH)
UNDER_15, BIRTH_DATE_UNKNOWN, OTHER_ADULT = "R000001", "R000016", "R000057"


def keys_of(state: CardState) -> list[int]:
    return sorted(state.applications["jpki"].keys)


def test_a_blank_card_becomes_the_residents(desk: DeskAtHand) -> None:
    delivered = desk.issue()
    assert delivered.holder == HOLDER
    assert delivered.card == SERIAL.hex().upper()
    assert delivered.card_expiry == date(2036, 1, 14)
    assert delivered.certificates == FIRST
    assert delivered.left_out == {}
    assert desk.names_on_card() == list(FIRST)
    assert desk.device.state.life_cycle is CardLifeCycle.SEALED


def test_the_ledger_has_the_card_as_the_holders(desk: DeskAtHand) -> None:
    desk.issue()
    with desk.authority.store.snapshot() as view:
        (card,) = view.cards_of(HOLDER)
        assert view.open_jobs() == ()
    assert (card.serial, card.profile, card.expires_on, card.delivered_at) == (
        SERIAL,
        "mynumber",
        date(2036, 1, 14),
        NOW,
    )


def test_the_certificates_are_confirmed_and_name_one_another(desk: DeskAtHand) -> None:
    desk.issue()
    signature, authentication = desk.certificates()
    assert signature.confirmed_at == authentication.confirmed_at == NOW
    assert (signature.counterpart, authentication.counterpart) == (authentication.name, signature.name)


def test_whoever_watches_is_told_of_every_step_in_order(desk: DeskAtHand) -> None:
    desk.issue()
    both = [Role.SIGNATURE, Role.AUTHENTICATION]
    assert desk.steps == [
        (Step.OPENED, None),
        *((step, role) for role in both for step in (Step.KEY_MADE, Step.PIN_SET)),
        *((step, role) for step in (Step.CERTIFIED, Step.LOADED, Step.PROVED) for role in both),
        (Step.SEALED, None),
    ]


def test_a_child_gets_a_card_with_one_certificate_and_is_told_why(desk: DeskAtHand) -> None:
    delivered = desk.issue(resident(UNDER_15), {Role.AUTHENTICATION: Pin("1234")})
    assert [name.authority for name in delivered.certificates] == [Role.AUTHENTICATION]
    assert delivered.left_out == {Role.SIGNATURE: (Reason.UNDER_15,)}
    assert desk.names_on_card(roles=(Role.AUTHENTICATION,)) == list(delivered.certificates)
    with pytest.raises(NoCertificate):
        desk.tries(Role.SIGNATURE)


def test_only_the_certificate_that_was_asked_for_is_issued(desk: DeskAtHand) -> None:
    delivered = desk.issue(roles=[Role.SIGNATURE], pins={Role.SIGNATURE: Pin("ABC123")})
    assert delivered.certificates == FIRST[:1]
    assert delivered.left_out == {}


def test_imported_keys_are_those_that_are_certified(desk: DeskAtHand) -> None:
    pool = PrimePool(901)
    imported = {role: pool.generate().private_key for role in BOTH}
    desk.issue(imported=imported)
    for role in BOTH:
        assert desk.certificate(role).public_key.modulus == imported[role].public_key().public_numbers().n


def test_an_imported_key_of_another_certificate_is_refused(desk: DeskAtHand) -> None:
    pool = PrimePool(902)
    imported = {role: pool.generate().private_key for role in BOTH}
    desk.issue(imported=imported)
    desk.put_in_blank(b"another 01")
    with pytest.raises(KeyInUse):
        desk.issue(resident(OTHER_ADULT), imported=imported)


@pytest.mark.parametrize("length", [16, 32])
def test_the_master_key_has_either_length(tmp_path: Path, length: int) -> None:
    desk = made_desk(tmp_path, MasterKeys(length))
    desk.issue()
    assert len(desk.device.state.issuer_keys.enc.reveal()) == length
    assert desk.names_on_card() == list(FIRST)


def test_a_card_of_the_other_profile_is_issued_too(tmp_path: Path) -> None:
    desk = made_desk(tmp_path, profile="android")
    desk.issue()
    assert desk.names_on_card() == list(FIRST)


# --- refused before the card is touched -------------------------------------------------------------------------------


def untouched(desk: DeskAtHand) -> bool:
    with desk.authority.store.snapshot() as view:
        nothing_in_the_ledger = view.card(SERIAL) is None and view.open_jobs() == ()
    return desk.exchanges == 0 and nothing_in_the_ledger


def test_who_gets_no_certificate_gets_no_card(desk: DeskAtHand) -> None:
    with pytest.raises(NotEntitled) as caught:
        desk.issue(resident(BIRTH_DATE_UNKNOWN))
    assert caught.value.reasons == (Reason.BIRTH_DATE_UNKNOWN,)
    assert untouched(desk)


def test_a_child_that_asks_for_the_signature_certificate_alone_gets_no_card(desk: DeskAtHand) -> None:
    with pytest.raises(NotEntitled) as caught:
        desk.issue(resident(UNDER_15), roles=[Role.SIGNATURE])
    assert (caught.value.role, caught.value.reasons) == (Role.SIGNATURE, (Reason.UNDER_15,))
    assert untouched(desk)


def test_a_pin_that_is_missing_is_asked_for_first(desk: DeskAtHand) -> None:
    with pytest.raises(NewPinNeeded) as caught:
        desk.issue(pins={Role.SIGNATURE: Pin("ABC123")})
    assert caught.value.role is Role.AUTHENTICATION
    assert untouched(desk)


def test_a_pin_of_the_wrong_form_is_refused_first(desk: DeskAtHand) -> None:
    with pytest.raises(BadPinForm) as caught:
        desk.issue(pins=PINS | {Role.AUTHENTICATION: Pin("12345")})
    assert caught.value.role is Role.AUTHENTICATION
    assert untouched(desk)


# --- other cards, and cards that were here before ---------------------------------------------------------------------


def test_a_finished_card_is_not_issued_again(issued: DeskAtHand) -> None:
    before = issued.device.state
    with pytest.raises(CardFinished):
        issued.issue(occasion=Occasion.REPLACEMENT)
    assert issued.device.state == before
    assert len(issued.certificates()) == 2


def test_a_card_that_was_begun_for_somebody_else_is_refused(desk: DeskAtHand) -> None:
    with pytest.raises(CardRemoved):
        desk.issue(wrap=lambda card: Faulty(card, 20, lost))
    before = desk.device.state
    with pytest.raises(CardOfAnother):
        desk.issue(resident(OTHER_ADULT))
    assert desk.device.state == before
    assert desk.certificates(holder=OTHER_ADULT) == []


def test_a_sealed_card_that_the_ledger_does_not_know_stays_unknown(issued: DeskAtHand, desk: DeskAtHand) -> None:
    desk.put_in(issued.device.state)
    with pytest.raises(CardUnknown):
        desk.issue()
    with desk.authority.store.snapshot() as view:
        assert view.card(SERIAL) is None


def test_the_wrong_issuer_key_is_noticed_before_the_card_counts_a_failure(desk: DeskAtHand, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = made_desk(tmp_path / "other", MasterKeys(16))
    other.issue()
    desk.put_in(other.device.state)
    with pytest.raises(WrongCardKeys) as caught:
        desk.issue()
    assert not caught.value.counted
    assert desk.device.state.failed_authentications == 0


def test_a_false_card_that_goes_by_the_serial_number_of_a_finished_one_does_not_learn_its_keys(
    issued: DeskAtHand,
) -> None:
    issued.put_in_blank(SERIAL)
    before = issued.device.state
    for work in (issued.issue, issued.renew, lambda: issued.reset_pin(Role.SIGNATURE, Pin("NEW123"))):
        with pytest.raises(WrongLifeCycle) as caught:
            work()
        assert caught.value.found == "blank"
    assert issued.device.state == before


def test_who_has_certificates_gets_no_second_card_by_chance(issued: DeskAtHand) -> None:
    issued.put_in_blank(b"another 01")
    with pytest.raises(AlreadyCertified):
        issued.issue()
    with issued.authority.store.snapshot() as view:
        assert view.card(b"another 01") is None
    assert keys_of(issued.device.state) == []


def test_a_replacement_revokes_what_was_on_the_lost_card(issued: DeskAtHand) -> None:
    issued.put_in_blank(b"another 01")
    delivered = issued.issue(occasion=Occasion.REPLACEMENT)
    assert issued.names_on_card() == list(delivered.certificates) == issued.valid()
    for name in FIRST:
        chain = issued.authority.chain(name, NOW)
        assert chain.certificate.state is CertificateState.REVOKED
        assert chain.newest.name in delivered.certificates


def test_work_that_was_begun_as_a_first_issue_can_become_a_replacement(issued: DeskAtHand) -> None:
    issued.put_in_blank(b"another 01")
    with pytest.raises(CardRemoved):
        issued.issue(occasion=Occasion.REPLACEMENT, wrap=lambda card: Faulty(card, 12, lost))
    with pytest.raises(AlreadyCertified):
        issued.issue()
    issued.issue(occasion=Occasion.REPLACEMENT)
    assert issued.names_on_card() == issued.valid()


# --- what can go wrong in between --------------------------------------------------------------------------------


def test_a_certificate_revoked_before_its_card_was_finished_is_replaced_by_another(desk: DeskAtHand) -> None:
    desk.interrupt_behind(Step.CERTIFIED, DeskAtHand.issue)
    for name in FIRST:
        desk.authority.revoke(name, RevocationReason.CESSATION_OF_OPERATION, NOW)
    delivered = desk.issue()
    assert set(FIRST).isdisjoint(delivered.certificates)
    assert desk.names_on_card() == list(delivered.certificates) == desk.valid()


def test_a_certified_key_that_is_gone_stops_the_work_until_its_certificate_is_revoked(desk: DeskAtHand) -> None:
    desk.interrupt_behind(Step.CERTIFIED, DeskAtHand.issue)
    state = desk.device.state
    emptied = state.applications["jpki"]
    for file in emptied.keys:
        emptied = emptied.with_key(file, None)
    desk.put_in(state.with_application("jpki", emptied))
    with pytest.raises(JobLost) as caught:
        desk.issue()
    assert caught.value.name in FIRST
    for name in FIRST:
        desk.authority.revoke(name, RevocationReason.UNSPECIFIED, NOW)
    desk.issue()
    assert desk.names_on_card() == desk.valid()
    assert set(FIRST).isdisjoint(desk.valid())


def test_a_resumed_card_keeps_the_last_day_that_was_decided_first(desk: DeskAtHand) -> None:
    desk.interrupt_behind(Step.KEY_MADE, DeskAtHand.issue)
    later = NOW.replace(year=2027)
    assert desk.issue(at=later).card_expiry == date(2036, 1, 14)


def test_a_session_of_the_holders_finds_the_card_logged_out(desk: DeskAtHand) -> None:
    desk.issue()
    assert desk.tries(Role.SIGNATURE) == 5
    assert desk.tries(Role.AUTHENTICATION) == 3
