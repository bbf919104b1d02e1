"""Bringing outlets up to date: whatever was published and is not there is copied, also after a crash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .errors import CopyNotPut, OutletError, OutletUnusable
from .published import Outcome, Outlet, PublishedCopy

__all__ = ["CopyResult", "OutletReport", "bring_up_to_date"]


@dataclass(frozen=True, slots=True)
class CopyResult:
    """What became of one copy at one outlet: an outcome, or the error that kept it away."""

    copy: PublishedCopy
    outcome: Outcome | None
    error: CopyNotPut | None = None


@dataclass(frozen=True, slots=True)
class OutletReport:
    """What was done at one outlet. `unusable` is why nothing more was tried there; `untried` copies were left then."""

    outlet: str
    results: tuple[CopyResult, ...]
    unusable: OutletUnusable | None = None
    untried: int = 0

    @property
    def errors(self) -> tuple[OutletError, ...]:
        """Returns all that went wrong at this outlet."""
        found: list[OutletError] = [result.error for result in self.results if result.error is not None]
        return (*found, *(() if self.unusable is None else (self.unusable,)))

    def number_of(self, outcome: Outcome) -> int:
        """Returns how many copies came to this outcome."""
        return sum(result.outcome is outcome for result in self.results)


def bring_up_to_date(outlets: Iterable[Outlet], copies: Iterable[PublishedCopy]) -> tuple[OutletReport, ...]:
    """Has the newest lists be at each outlet, and returns what was done; an outlet that fails holds up no other.

    Raises ListBytesWrong, and what reading the pieces raises: then the fault is at the source.
    """
    newest = tuple(copies)
    return tuple(_at(outlet, newest) for outlet in outlets)


def _at(outlet: Outlet, copies: tuple[PublishedCopy, ...]) -> OutletReport:
    results: list[CopyResult] = []
    for copy in copies:
        try:
            results.append(CopyResult(copy, outlet.put(copy)))
        except CopyNotPut as error:
            results.append(CopyResult(copy, None, error))
        except OutletUnusable as error:
            return OutletReport(outlet.name, tuple(results), error, len(copies) - len(results))
    return OutletReport(outlet.name, tuple(results))
