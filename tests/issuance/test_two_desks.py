"""Two desks that begin work on one card in the same moment, as a copied card file allows: one of them does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from authorities import NOW, new_authority
from desk_at_hand import RENEWAL, SERIAL

from jpki.ca import Occasion
from jpki.issuance import CardOfAnother, CardUnfinished, IssuanceError
from jpki.issuance.ledger import Work, begin_first, begin_later, end_work
from jpki.store import Store, StoredCard

CARD = StoredCard(SERIAL, "R900001", "mynumber", (NOW + timedelta(days=3650)).date(), None)


def nothing() -> None:
    """Allows everything."""


def first(store: Store, card: StoredCard, meanwhile: Callable[[], object] = nothing) -> Work:
    """Begins a first issue; `meanwhile` is done after the ledger was looked at, before anything is written into it."""
    return begin_first(store, card, Occasion.FIRST, NOW, sealed=False, allow=lambda: meanwhile() and None)


def later(store: Store, meanwhile: Callable[[], object] = nothing) -> Work:
    return begin_later(store, SERIAL, CARD.holder, Occasion.RENEWAL, RENEWAL, allow=lambda: meanwhile() and None)


@pytest.mark.parametrize(
    ("holder", "error"), [("R900001", CardUnfinished), ("R900002", CardOfAnother)], ids=["one holder", "two holders"]
)
def test_a_card_begun_at_the_other_desk_meanwhile_is_left_to_it(
    tmp_path: Path, holder: str, error: type[IssuanceError]
) -> None:
    with new_authority(tmp_path) as authority:
        store, others = authority.store, []
        with pytest.raises(error):
            first(store, replace(CARD, holder=holder), lambda: others.append(first(store, CARD)))
        with store.snapshot() as view:
            assert [job.number for job in view.open_jobs()] == [work.number for work in others]
            card = view.card(SERIAL)
        assert card is not None
        assert card.holder == "R900001"
        # The one that began goes on.
        assert first(store, CARD).number == others[0].number


def test_a_renewal_begun_at_the_other_desk_meanwhile_is_left_to_it(tmp_path: Path) -> None:
    with new_authority(tmp_path) as authority:
        store, others = authority.store, []
        end_work(store, first(store, CARD), NOW)
        with pytest.raises(CardUnfinished):
            later(store, lambda: others.append(later(store)))
        with store.snapshot() as view:
            assert [job.number for job in view.open_jobs()] == [work.number for work in others]
        assert later(store).number == others[0].number
