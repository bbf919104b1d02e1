"""Every check of the verdict, with a case in which it alone fails, and nothing else keeps the case from passing."""

from __future__ import annotations

import pytest
from failing_certificates import FAILING_CERTIFICATES
from failing_lists import FAILING_LISTS
from judging import Alone, failed

from jpki.verify import CheckName, Outcome

CASES = FAILING_CERTIFICATES | FAILING_LISTS


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_check_that_fails_alone_is_enough(case: Alone) -> None:
    verdict = case.judge()
    found = verdict.check(case.check)
    assert found is not None
    assert failed(verdict) == {case.check}
    assert found.problem is case.problem
    assert verdict.result is case.result
    assert not verdict.valid
    assert verdict.holder is None


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_not_made_says_on_which_check_it_depends(case: Alone) -> None:
    by_name = {check.name.value: check for check in case.judge().checks}
    for check in by_name.values():
        if check.outcome is Outcome.NOT_MADE:
            assert not by_name[str(check.given["check"])].passed


def test_every_check_has_a_case() -> None:
    assert {case.check for case in CASES.values()} == set(CheckName)
