"""Counters of the service in memory that all its worker processes share, so that any of them can tell the sum."""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterator
from enum import Enum

__all__ = ["BUCKETS", "Count", "Gauge", "Tally", "WorkerTally"]

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the latency histogram, in seconds."""


class Count(Enum):
    """What is counted: the metric, and the value of its label."""

    GET = ("jpki_ocsp_requests_total", "method", "get")
    POST = ("jpki_ocsp_requests_total", "method", "post")
    MADE_AHEAD = ("jpki_ocsp_answers_total", "outcome", "made_ahead")
    SIGNED = ("jpki_ocsp_answers_total", "outcome", "signed")
    NOT_MODIFIED = ("jpki_ocsp_not_modified_total", "method", "get")
    MALFORMED = ("jpki_ocsp_answers_total", "outcome", "malformed_request")
    UNAUTHORIZED = ("jpki_ocsp_answers_total", "outcome", "unauthorized")
    INTERNAL_ERROR = ("jpki_ocsp_answers_total", "outcome", "internal_error")
    TRY_LATER = ("jpki_ocsp_answers_total", "outcome", "try_later")
    TOO_LARGE = ("jpki_ocsp_answers_total", "outcome", "too_large")
    WRONG_TYPE = ("jpki_ocsp_answers_total", "outcome", "wrong_type")
    WRONG_METHOD = ("jpki_ocsp_answers_total", "outcome", "wrong_method")
    GONE_AWAY = ("jpki_ocsp_answers_total", "outcome", "client_gone")
    LIST_SENT = ("jpki_list_requests_total", "outcome", "sent")
    LIST_NOT_MODIFIED = ("jpki_list_requests_total", "outcome", "not_modified")
    LIST_UNKNOWN = ("jpki_list_requests_total", "outcome", "not_found")
    LIST_UNAVAILABLE = ("jpki_list_requests_total", "outcome", "unavailable")
    LIST_BROKEN_OFF = ("jpki_list_requests_total", "outcome", "broken_off")
    TIMED_OUT = ("jpki_connections_ended_total", "reason", "slow")
    OVERLONG_HEADERS = ("jpki_connections_ended_total", "reason", "overlong_headers")


class Gauge(Enum):
    """What a worker last knew."""

    LOOKED_AT = "looked_at"  # when it last asked the store for changes, in seconds since 1970
    SIGN_REVISION = "sign_revision"
    AUTH_REVISION = "auth_revision"


_COUNTS = {count: place for place, count in enumerate(Count)}
_FIRST_BUCKET = len(_COUNTS)
_SUM = _FIRST_BUCKET + len(BUCKETS) + 1
_GAUGES = {gauge: _SUM + 1 + place for place, gauge in enumerate(Gauge)}
_CELLS = _SUM + 1 + len(_GAUGES)


class WorkerTally:
    """The counters of one worker; no other one writes here."""

    __slots__ = ("_cells",)

    def __init__(self, cells: memoryview[float]) -> None:
        self._cells = cells

    def add(self, count: Count) -> None:
        """Counts one more."""
        self._cells[_COUNTS[count]] += 1

    def took(self, seconds: float) -> None:
        """Notes how long an OCSP request took."""
        self._cells[_FIRST_BUCKET + bisect_left(BUCKETS, seconds)] += 1
        self._cells[_SUM] += seconds

    def set(self, gauge: Gauge, value: float) -> None:
        """Notes what is known now."""
        self._cells[_GAUGES[gauge]] = value


class Tally:
    """The counters of all workers. It has to be made before the workers are."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._cells = memoryview(mmap.mmap(-1, workers * _CELLS * 8)).cast("d")

    def of(self, worker: int) -> WorkerTally:
        """Returns the counters of one worker, counted from 0."""
        return WorkerTally(self._of(worker))

    def total(self, count: Count) -> int:
        """Returns how often something happened, in all workers."""
        return int(sum(self._of(worker)[_COUNTS[count]] for worker in range(self.workers)))

    def gauges(self, gauge: Gauge) -> Iterator[float]:
        """Yields what each worker last noted."""
        for worker in range(self.workers):
            yield self._of(worker)[_GAUGES[gauge]]

    def latencies(self) -> tuple[list[int], float]:
        """Returns the number of requests in each bucket and above the last one, and the sum of their seconds."""
        whole = [self._of(worker) for worker in range(self.workers)]
        places = range(_FIRST_BUCKET, _FIRST_BUCKET + len(BUCKETS) + 1)
        return [int(sum(cells[place] for cells in whole)) for place in places], sum(cells[_SUM] for cells in whole)

    def _of(self, worker: int) -> memoryview[float]:
        return self._cells[worker * _CELLS : (worker + 1) * _CELLS]
