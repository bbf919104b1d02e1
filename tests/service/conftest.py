"""An authority with a card of one resident, its lists made, and its service running."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from offices import ADULT, Office, made_office
from running_service import RunningService

from jpki.terms import Role


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office that has issued a card and made lists; nothing more ever happens there."""
    made = made_office(tmp_path_factory.mktemp("service"), datetime.now(UTC).replace(microsecond=0))
    made.issue(ADULT, datetime.now(UTC).replace(microsecond=0))
    made.publish()
    return made


@pytest.fixture(scope="session")
def service(office: Office) -> Iterator[RunningService]:
    """The service of that office, for tests that change nothing."""
    with RunningService(office.ca) as running:
        yield running


@pytest.fixture
def own_office(office: Office, service: RunningService, tmp_path: Path) -> Office:
    """An office of the test's own, whose responders have their keys and certificates already."""
    return office.copied_to(tmp_path / "office")


@pytest.fixture
def own_service(own_office: Office) -> Iterator[RunningService]:
    with RunningService(own_office.ca) as running:
        yield running


@pytest.fixture(scope="session")
def names(office: Office) -> dict[Role, str]:
    """The names of the resident's two certificates."""
    with office.authority() as authority, authority.store.snapshot() as view:
        return {one.name.authority: str(one.name) for one in view.of_holders([ADULT])[ADULT]}
