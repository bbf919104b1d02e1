"""A finished card gets new keys and certificates, or new PINs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from authorities import BOTH, NOW
from desk_at_hand import HOLDER, PINS, RENEWAL, DeskAtHand, resident

from jpki.ca import NotEntitled, NothingToRenew, Occasion, Reason, RenewalTooEarly
from jpki.card import (
    BadPinForm,
    CardRemoved,
    Encoded,
    Faulty,
    JpkiApplication,
    LastTry,
    LocalConnection,
    NoCertificate,
    PinBlocked,
    Resolving,
    WrongPin,
    lost,
)
from jpki.formats import RevocationReason
from jpki.issuance import CardExpired, CardOfAnother, CardUnfinished, CardUnknown, JobLost, NewPinNeeded, Step
from jpki.store import CertificateState
from jpki.terms import CertificateName, Pin, Role

FIRST = [CertificateName(role, 0x0100_0002) for role in BOTH]
SECOND = [CertificateName(role, 0x0100_0003) for role in BOTH]
WRONG = {Role.SIGNATURE: Pin("WRONG1"), Role.AUTHENTICATION: Pin("0000")}
UNDER_15 = "R000001"


def test_a_renewed_card_has_new_keys_and_new_certificates(issued: DeskAtHand) -> None:
    before = {role: issued.certificate(role).public_key for role in BOTH}
    delivered = issued.renew()
    assert list(delivered.certificates) == issued.names_on_card() == issued.valid(RENEWAL) == SECOND
    assert all(issued.certificate(role).public_key != before[role] for role in BOTH)


def test_a_renewal_counts_to_the_sixth_birthday(issued: DeskAtHand) -> None:
    issued.renew()
    ends = {one.not_after for one in issued.certificates(RENEWAL) if one.name in SECOND}
    assert ends == {datetime(2036, 1, 14, 14, 59, 59, tzinfo=UTC)}


def test_a_renewed_card_carries_the_authorities_certificates_of_today(issued: DeskAtHand) -> None:
    application = issued.profile.jpki
    state = issued.device.state.applications[application.name]
    for role in BOTH:
        file = application.roles[role].authority_certificate.id
        # As if the authority had had another key when the card was issued: some other certificate of the same size.
        state = state.with_file(file, state.files[file].replace(b"JPKI-TEST", b"JPKI-OLDE"))
    issued.put_in(issued.device.state.with_application(application.name, state))
    issued.renew()
    with (
        LocalConnection(issued.device) as connection,
        JpkiApplication.select(Resolving(Encoded(connection)), issued.profile) as jpki,
    ):
        for role in BOTH:
            assert jpki.read_authority_certificate(role).raw == issued.authority.certificates[role].encoded


def test_the_old_certificates_are_superseded_and_name_their_successors(issued: DeskAtHand) -> None:
    issued.renew()
    for old, new in zip(FIRST, SECOND, strict=True):
        chain = issued.authority.chain(old, RENEWAL)
        assert chain.certificate.state is CertificateState.REVOKED
        assert chain.certificate.revocation is not None
        assert chain.certificate.revocation.reason is RevocationReason.SUPERSEDED
        assert chain.certificate.successor == chain.newest.name == new
        assert issued.authority.chain(new, RENEWAL).predecessors[0].name == old


def test_one_certificate_can_be_renewed_alone(issued: DeskAtHand) -> None:
    delivered = issued.renew(roles=[Role.AUTHENTICATION], pins={Role.AUTHENTICATION: PINS[Role.AUTHENTICATION]})
    assert [name.authority for name in delivered.certificates] == [Role.AUTHENTICATION]
    assert issued.names_on_card()[0] == FIRST[0]
    assert issued.valid(RENEWAL) == issued.names_on_card()


def test_a_card_with_one_certificate_is_renewed(desk: DeskAtHand) -> None:
    pins = {Role.AUTHENTICATION: Pin("1234")}
    desk.issue(resident(UNDER_15), pins)
    last_month = datetime(2030, 11, 1, tzinfo=UTC)
    delivered = desk.renew(resident(UNDER_15), pins, last_month)
    assert [name.authority for name in delivered.certificates] == [Role.AUTHENTICATION]
    assert desk.names_on_card(roles=(Role.AUTHENTICATION,)) == list(delivered.certificates)


def test_whoever_watches_is_told_of_every_step_in_order(issued: DeskAtHand) -> None:
    issued.renew(roles=[Role.SIGNATURE])
    steps = (Step.KEY_MADE, Step.CERTIFIED, Step.LOADED, Step.PROVED, Step.ACTIVATED)
    assert issued.steps == [(Step.OPENED, None), *((step, Role.SIGNATURE) for step in steps)]


def nothing_changed(desk: DeskAtHand, before: DeskAtHand) -> bool:
    """Returns whether card and authority are as they were, but for the tries left."""
    with desk.authority.store.snapshot() as view:
        no_job = view.open_jobs() == ()
    mine, other = desk.device.state.applications["jpki"], before.device.state.applications["jpki"]
    return no_job and mine.keys == other.keys and mine.files == other.files and desk.valid(RENEWAL) == FIRST


@pytest.mark.parametrize("role", BOTH)
def test_a_wrong_pin_costs_one_try_and_changes_nothing(
    issued: DeskAtHand, issued_original: DeskAtHand, role: Role
) -> None:
    tries = issued.tries(role)
    with pytest.raises(WrongPin) as caught:
        issued.renew(pins=PINS | {role: WRONG[role]})
    assert tries is not None
    assert (caught.value.role, caught.value.tries_left) == (role, tries - 1)
    assert issued.tries(role) == tries - 1
    assert nothing_changed(issued, issued_original)


def test_the_last_try_is_not_used_unless_that_is_allowed(issued: DeskAtHand) -> None:
    for _ in range(2):
        with pytest.raises(WrongPin):
            issued.renew(pins=PINS | {Role.AUTHENTICATION: WRONG[Role.AUTHENTICATION]})
    with pytest.raises(LastTry):
        issued.renew()
    issued.renew(allow_last_try=True)
    assert issued.valid(RENEWAL) == SECOND


def test_a_blocked_pin_is_told_apart(issued: DeskAtHand) -> None:
    for _ in range(3):
        with pytest.raises(WrongPin):
            issued.renew(pins=PINS | {Role.AUTHENTICATION: WRONG[Role.AUTHENTICATION]}, allow_last_try=True)
    with pytest.raises(PinBlocked):
        issued.renew()


def test_before_its_last_three_months_nothing_is_renewed_and_no_try_used(
    issued: DeskAtHand, issued_original: DeskAtHand
) -> None:
    with pytest.raises(RenewalTooEarly) as caught:
        issued.renew(pins=WRONG, at=NOW)
    assert caught.value.first_day == date(2030, 10, 15)
    assert nothing_changed(issued, issued_original)
    assert issued.tries(Role.SIGNATURE) == 5


def test_what_was_too_early_for_a_renewal_can_be_replaced(issued: DeskAtHand) -> None:
    with pytest.raises(RenewalTooEarly):
        issued.renew(at=NOW)
    delivered = issued.renew(at=NOW, occasion=Occasion.REPLACEMENT)
    assert issued.valid() == issued.names_on_card() == list(delivered.certificates)


def test_revoked_certificates_are_not_renewed_but_replaced_on_the_same_card(issued: DeskAtHand) -> None:
    for name in FIRST:
        issued.authority.revoke(name, RevocationReason.AFFILIATION_CHANGED, NOW)
    with pytest.raises(NothingToRenew):
        issued.renew()
    issued.renew(occasion=Occasion.REPLACEMENT)
    assert issued.valid(RENEWAL) == issued.names_on_card() == SECOND


def test_the_card_of_another_is_refused(issued: DeskAtHand, issued_original: DeskAtHand) -> None:
    with pytest.raises(CardOfAnother):
        issued.renew(resident("R000057"))
    assert nothing_changed(issued, issued_original)
    assert issued.tries(Role.SIGNATURE) == 5


def test_a_card_that_was_issued_elsewhere_is_refused(issued: DeskAtHand, desk: DeskAtHand) -> None:
    desk.put_in(issued.device.state)
    with pytest.raises(CardUnknown):
        desk.renew()


def test_a_card_that_is_not_finished_is_not_renewed(desk: DeskAtHand) -> None:
    with pytest.raises(CardRemoved):
        desk.issue(wrap=lambda card: Faulty(card, 20, lost))
    with pytest.raises(CardUnfinished):
        desk.renew()


def test_a_card_whose_last_day_is_over_is_not_renewed(issued: DeskAtHand) -> None:
    with pytest.raises(CardExpired) as caught:
        issued.renew(at=datetime(2036, 1, 14, 15, tzinfo=UTC))
    assert caught.value.expires_on == date(2036, 1, 14)


def test_a_renewal_never_outlasts_the_card(issued: DeskAtHand) -> None:
    issued.renew()
    again = datetime(2035, 12, 1, tzinfo=UTC)
    issued.renew(at=again)
    ends = {one.not_after for one in issued.certificates(again) if one.state is CertificateState.VALID}
    assert ends == {datetime(2036, 1, 14, 14, 59, 59, tzinfo=UTC)}


def test_a_renewal_that_issued_something_is_taken_up_as_a_renewal_only(issued: DeskAtHand) -> None:
    issued.interrupt_behind(Step.CERTIFIED, DeskAtHand.renew)
    with pytest.raises(CardUnfinished):
        issued.renew(occasion=Occasion.REPLACEMENT)
    issued.renew()
    assert issued.names_on_card() == SECOND


def test_a_renewal_that_issued_nothing_can_become_a_replacement(issued: DeskAtHand) -> None:
    issued.interrupt_behind(Step.KEY_MADE, DeskAtHand.renew)
    issued.renew(occasion=Occasion.REPLACEMENT)
    assert issued.names_on_card() == issued.valid(RENEWAL)


def test_all_that_was_issued_is_activated_though_less_is_asked_for_the_second_time(issued: DeskAtHand) -> None:
    issued.interrupt_behind(Step.CERTIFIED, DeskAtHand.renew)
    issued.renew(roles=[Role.AUTHENTICATION])
    assert issued.names_on_card() == issued.valid(RENEWAL) == SECOND


def test_a_waiting_key_that_is_gone_stops_the_work_until_its_certificate_is_revoked(issued: DeskAtHand) -> None:
    issued.interrupt_behind(Step.CERTIFIED, DeskAtHand.renew)
    state = issued.device.state
    files = [found.key.next_file for found in issued.profile.jpki.roles.values()]
    emptied = state.applications["jpki"]
    for file in files:
        emptied = emptied.with_key(file, None)
    issued.put_in(state.with_application("jpki", emptied))
    with pytest.raises(JobLost) as caught:
        issued.renew()
    assert caught.value.name in SECOND
    for name in SECOND:
        issued.authority.revoke(name, RevocationReason.UNSPECIFIED, RENEWAL)
    issued.renew()
    assert issued.names_on_card() == issued.valid(RENEWAL)
    assert set(issued.valid(RENEWAL)).isdisjoint(FIRST + SECOND)


def test_a_missing_pin_is_asked_for_before_a_try_is_used(issued: DeskAtHand, issued_original: DeskAtHand) -> None:
    with pytest.raises(NewPinNeeded):
        issued.renew(pins={Role.SIGNATURE: WRONG[Role.SIGNATURE]})
    assert nothing_changed(issued, issued_original)
    assert issued.tries(Role.SIGNATURE) == 5


# --- new PINs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", BOTH)
def test_a_blocked_pin_is_reset_and_has_all_its_tries(issued: DeskAtHand, role: Role) -> None:
    tries = issued.tries(role)
    while issued.tries(role):
        with pytest.raises(WrongPin):
            issued.certificate(role, WRONG)
    new = {role: Pin("NEW123") if role is Role.SIGNATURE else Pin("4321")}
    assert issued.reset_pin(role, new[role], holder=HOLDER) == b"JPKI000056".hex().upper()
    assert issued.tries(role) == tries
    assert issued.certificate(role, new).name(role) in FIRST


def test_the_other_pin_stays_as_it_was(issued: DeskAtHand) -> None:
    issued.reset_pin(Role.AUTHENTICATION, Pin("4321"))
    assert issued.certificate(Role.SIGNATURE).name(Role.SIGNATURE) == FIRST[0]


def test_a_new_pin_of_the_wrong_form_is_refused_before_the_card_sees_it(issued: DeskAtHand) -> None:
    with pytest.raises(BadPinForm):
        issued.reset_pin(Role.SIGNATURE, Pin("short"))
    assert issued.exchanges == 0


def test_a_pin_is_reset_on_the_named_holders_card_only(issued: DeskAtHand) -> None:
    with pytest.raises(CardOfAnother):
        issued.reset_pin(Role.SIGNATURE, Pin("NEW123"), holder="R000057")
    assert issued.certificate(Role.SIGNATURE).name(Role.SIGNATURE) == FIRST[0]


def test_a_pin_that_the_card_does_not_have_is_not_reset(desk: DeskAtHand) -> None:
    desk.issue(resident(UNDER_15), {Role.AUTHENTICATION: Pin("1234")})
    with pytest.raises(NoCertificate):
        desk.reset_pin(Role.SIGNATURE, Pin("NEW123"))


def test_an_unfinished_or_unknown_card_gets_no_new_pin(desk: DeskAtHand, issued: DeskAtHand) -> None:
    with pytest.raises(CardRemoved):
        desk.issue(wrap=lambda card: Faulty(card, 20, lost))
    with pytest.raises(CardUnfinished):
        desk.reset_pin(Role.SIGNATURE, Pin("NEW123"))
    desk.put_in_blank(b"another 01")
    with pytest.raises(CardUnknown):
        desk.reset_pin(Role.SIGNATURE, Pin("NEW123"))
    assert issued.tries(Role.SIGNATURE) == 5


def test_a_resident_who_may_have_no_certificate_any_more_gets_no_renewal(issued: DeskAtHand) -> None:
    with pytest.raises(NotEntitled) as caught:
        issued.renew(replace(resident(), adult_ward=True), roles=[Role.SIGNATURE])
    assert caught.value.reasons == (Reason.ADULT_WARD,)
