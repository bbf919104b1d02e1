"""Issuing beside the bare RSA-2048 signatures that it cannot do without, by the same library with as long a key."""

from __future__ import annotations

import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path
from types import FrameType

from authorities import BOTH, NOW, new_authority, real_residents, request_of
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from prime_pool import PrimePool

from jpki.ca import Authority, Certifiable, IssueRequest, Refused, Resident, decide

from .measure import ROUNDS, Goal, Result, Work, best_of_alternating

_PEOPLE = 300  # in a batch, which is a round; each asks for both certificates
_PROFILED = 2
_SIGNATURES = 900  # in a round: they take about as long as a batch
_TO_BE_SIGNED = bytes(1500)  # as long as a certificate
_SAMPLE_EVERY = 0.001

# What a part of the work is for, by the innermost of these files that it is in.
_STAGES = {
    "jpki/ca/keys.py": "signatures",
    "jpki/ca/requests.py": "checking requests and their keys",
    "jpki/ca/issuer.py": "writing what is signed",
    "jpki/ca/rules.py": "rules and plans",
    "jpki/ca/issuing.py": "rules and plans",
    "jpki/store/": "store and disk",
}


def issuing() -> Result:
    """It compares issuing, requests checked and commits durable, with bare signatures."""
    batches = _batches(PrimePool(3))
    with tempfile.TemporaryDirectory() as folder, new_authority(Path(folder)) as authority:
        key = PrimePool(4).generate().private_key

        def issue() -> None:
            _issue(authority, next(batches))

        def sign() -> None:
            for _ in range(_SIGNATURES):
                key.sign(_TO_BE_SIGNED, padding.PKCS1v15(), hashes.SHA256())

        subject, reference = best_of_alternating(Work(issue, _PEOPLE * len(BOTH)), Work(sign, _SIGNATURES))
        shares = _shares(authority, batches)
    return Result(
        "issuing",
        reference / subject,
        "of the rate",
        0.65,
        Goal.AT_LEAST,
        "bare RSA-2048 signatures by the same library",
        f"{1 / subject:,.0f} certificates a second beside {1 / reference:,.0f} signatures, in batches of "
        f"{_PEOPLE} people; the time goes to: {shares}",
    )


def _batches(pool: PrimePool) -> Iterator[list[IssueRequest]]:
    """Yields batches of requests, all made before the first is asked for."""
    people = _people()
    made = [
        [
            IssueRequest(next(people), {role: request_of(pool.generate().private_key) for role in BOTH}, "bench")
            for _ in range(_PEOPLE)
        ]
        for _ in range(ROUNDS + 1 + _PROFILED)
    ]
    return iter(made)


def _people() -> Iterator[Resident]:
    """Yields the residents of the data file who may have both certificates, again and again, each time as others."""
    numbers = count(1)
    entitled = [
        resident
        for resident in real_residents()
        if all(isinstance(decide(resident, NOW).of(role), Certifiable) for role in BOTH)
    ]
    for resident in cycle(entitled):
        yield replace(resident, resident_id=f"R{next(numbers):06}")


def _issue(authority: Authority, batch: list[IssueRequest]) -> None:
    assert not any(isinstance(outcome, Refused) for outcome in authority.issue(batch, NOW))


def _shares(authority: Authority, batches: Iterator[list[IssueRequest]]) -> str:
    """Returns where the time of a few more batches goes, the largest share first."""
    with _sampled() as samples:
        for batch in batches:
            _issue(authority, batch)
    return ", ".join(f"{stage} {number / samples.total():.0%}" for stage, number in samples.most_common())


@contextmanager
def _sampled() -> Iterator[Counter[str]]:
    """Counts in which stage the program is, at every tick of a clock: that disturbs it less than a profiler does."""
    samples: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        while frame is not None:
            file = frame.f_code.co_filename
            stage = next((stage for place, stage in _STAGES.items() if place in file), None)
            if stage is not None:
                break
            frame = frame.f_back
        else:
            stage = "the rest"
        samples[stage] += 1

    before = signal.signal(signal.SIGALRM, sample)
    signal.setitimer(signal.ITIMER_REAL, _SAMPLE_EVERY, _SAMPLE_EVERY)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
