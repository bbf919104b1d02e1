"""The page for Prometheus: figures of all workers, in its text format. Nobody's name, address or number is on it.

Source: Prometheus documentation, "Exposition formats" (text format, version 0.0.4)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from jpki.ca import ListsOfKey, StatusFacts
from jpki.terms import Role

from .tally import BUCKETS, Count, Gauge, Tally

__all__ = ["CONTENT_TYPE", "metrics_page"]

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_HELP = {
    "jpki_ocsp_requests_total": "OCSP requests by HTTP method.",
    "jpki_ocsp_answers_total": "OCSP requests by what became of them; made_ahead is what the cache answered.",
    "jpki_ocsp_not_modified_total": "OCSP answers that the client or its cache had already (304).",
    "jpki_list_requests_total": "Requests for revocation lists by what became of them.",
    "jpki_connections_ended_total": "Connections that were ended because the client was too slow or sent too much.",
}
_GAUGES = {Role.SIGNATURE: Gauge.SIGN_REVISION, Role.AUTHENTICATION: Gauge.AUTH_REVISION}


class _Sample(NamedTuple):
    labels: Mapping[str, str]
    value: float


def metrics_page(tally: Tally, facts: StatusFacts | None, at: datetime) -> bytes:
    """Returns the page. `facts` are the store's, None where it cannot be asked."""
    return "".join(f"{line}\n" for line in _lines(tally, facts, at)).encode()


def _lines(tally: Tally, facts: StatusFacts | None, at: datetime) -> Iterator[str]:
    for metric, text in _HELP.items():
        some = [_Sample({one.value[1]: one.value[2]}, tally.total(one)) for one in Count if one.value[0] == metric]
        yield from _metric(metric, "counter", text, some)
    yield from _latency(tally)
    yield from _metric("jpki_service_workers", "gauge", "Worker processes.", [_Sample({}, tally.workers)])
    oldest = min(tally.gauges(Gauge.LOOKED_AT))
    yield from _metric(
        "jpki_store_looked_at_age_seconds",
        "gauge",
        "Seconds since the slowest worker last saw what changed in the store.",
        [_Sample({}, round(max(0.0, at.timestamp() - oldest), 3))],
    )
    yield from _metric("jpki_store_reachable", "gauge", "1: the store answers.", [_Sample({}, int(facts is not None))])
    if facts is not None:
        yield from _of_the_store(tally, facts, at)


def _of_the_store(tally: Tally, facts: StatusFacts, at: datetime) -> Iterator[str]:
    yield from _metric(
        "jpki_revisions_behind",
        "gauge",
        "Changes of revocations that the slowest worker has not seen yet.",
        [
            _Sample({"authority": role.short}, max(0, revision - min(tally.gauges(_GAUGES[role]))))
            for role, revision in facts.revisions.items()
        ],
    )
    every = [(dict(_labels(lists)), lists) for lists in facts.lists if lists.count]
    yield from _metric(
        "jpki_lists",
        "gauge",
        "Revocation lists that were made, by key, scope and kind.",
        [_Sample(labels, lists.count) for labels, lists in every],
    )
    yield from _metric(
        "jpki_list_age_seconds",
        "gauge",
        "Age of the newest list; of the oldest one, of a municipality's.",
        [_Sample(labels, (at - lists.oldest).total_seconds()) for labels, lists in every if lists.oldest],
    )
    yield from _metric(
        "jpki_list_ends_in_seconds",
        "gauge",
        "Seconds until nextUpdate of the newest list; of the first to end, of the municipalities'.",
        [_Sample(labels, (lists.first_end - at).total_seconds()) for labels, lists in every if lists.first_end],
    )
    yield from _of_certificates(facts, at)


def _of_certificates(facts: StatusFacts, at: datetime) -> Iterator[str]:
    yield from _metric(
        "jpki_responder_ends_in_seconds",
        "gauge",
        "Seconds until the newest certificate for signing OCSP answers ends.",
        [
            _Sample({"authority": one.issuer.authority.short, "key": str(one.generation)}, _left(one.not_after, at))
            for one in facts.responders
        ],
    )
    yield from _metric(
        "jpki_authority_key_ends_in_seconds",
        "gauge",
        "Seconds until the certificate of an authority's key ends.",
        [
            _Sample({"authority": one.name.authority.short, "key": str(one.generation)}, _left(one.not_after, at))
            for one in facts.keys
        ],
    )


def _left(end: datetime, at: datetime) -> float:
    return (end - at).total_seconds()


def _labels(lists: ListsOfKey) -> Iterator[tuple[str, str]]:
    yield "authority", lists.issuer.authority.short
    yield "key", str(lists.generation)
    yield "scope", "municipality" if lists.municipal else "all"
    yield "kind", "delta" if lists.delta else "complete"


def _latency(tally: Tally) -> Iterator[str]:
    name = "jpki_ocsp_seconds"
    counts, seconds = tally.latencies()
    yield f"# HELP {name} Time from the head of an OCSP request to the end of its answer."
    yield f"# TYPE {name} histogram"
    below = 0
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
        below += count
        yield f'{name}_bucket{{le="{bound}"}} {below}'
    yield f"{name}_sum {seconds:.6f}"
    yield f"{name}_count {below}"


def _metric(name: str, kind: str, text: str, samples: Iterable[_Sample]) -> Iterator[str]:
    told = list(samples)
    if not told:
        return
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in told:
        written = ",".join(f'{label}="{_escaped(said)}"' for label, said in labels.items())
        yield f"{name}{{{written}}} {_number(value)}" if written else f"{name} {_number(value)}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """Returns a figure with all its digits: a counter of millions must not be rounded."""
    return str(int(value)) if float(value).is_integer() else f"{value:.3f}"
