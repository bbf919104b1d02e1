"""The checks of revocation: a list's own key, signature, scope and freshness, and whether it names the certificate.

The rules, which `docs/relying-party.md`, revocation, tells in full:

- Relied on is the newest complete list that was issued by the moment of the judgement and covers it.
- Any authentic list refuses a certificate it names, also one that is too old to be relied on, a delta, one for some
  reasons only, or, if it tells of a time up to the moment, a later one. Only a hold may have ended: in a list older
  than the one relied on, it is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from jpki.formats import RevocationReason, RevokedEntry

from .case import Case, Finding, Row, depends_on
from .checks import CheckName, Problem, timestamp
from .consulting import covers, unknown_extensions
from .evidence import PreparedList, points_of
from .roots import Root

__all__ = ["LIST_ROWS"]


def _of_the_list(judge: Callable[[Case, PreparedList, Root], Finding]) -> Callable[[Case], Finding]:
    """Returns a check of the list that is judged; it is not made where there is no list, or no root to judge it by."""

    def check(case: Case) -> Finding:
        if case.root is None:
            return depends_on(CheckName.ROOT)
        judged = case.consulted.judged
        return Finding(Problem.NO_LIST) if judged is None else judge(case, judged, case.root)

    return check


@_of_the_list
def _key(case: Case, one: PreparedList, root: Root) -> Finding:
    if one.key_id is None:
        return Finding(Problem.NO_KEY_IDENTIFIER)
    given = {"key_id": one.key_id.hex(), "root": case.root_name}
    return Finding(None if one.key_id == root.key_id else Problem.OTHER_GENERATION, given)


@_of_the_list
def _signature(case: Case, one: PreparedList, root: Root) -> Finding:
    if one.key_id != root.key_id:
        return depends_on(CheckName.LIST_KEY)
    given = {"root": case.root_name, "sha256": one.digest.hex()}
    return Finding(None if one.signed_by(root) else Problem.DOES_NOT_FIT, given)


@_of_the_list
def _extensions(_case: Case, one: PreparedList, _root: Root) -> Finding:
    unknown = unknown_extensions(one)
    return Finding(Problem.UNKNOWN_CRITICAL if unknown else None, {"unknown": unknown})


@_of_the_list
def _complete(_case: Case, one: PreparedList, _root: Root) -> Finding:
    return Finding(Problem.DELTA if one.content.is_delta else None, {"entries": len(one.content)})


@_of_the_list
def _scope(case: Case, one: PreparedList, _root: Root) -> Finding:
    point = one.content.issuing_distribution_point
    words: dict[str, object] = {}
    if point is not None:
        names = () if point.name is None else point.name.directory_names
        words = {
            "points": [str(name) for name in names],
            "only_user_certificates": point.only_user_certificates,
            "only_ca_certificates": point.only_ca_certificates,
            "only_attribute_certificates": point.only_attribute_certificates,
            "only_some_reasons": point.only_some_reasons is not None,
            "indirect": point.indirect,
        }
    return Finding(None if covers(one, points_of(case.certificate)) else Problem.OTHER_SCOPE, words)


@_of_the_list
def _number(case: Case, one: PreparedList, _root: Root) -> Finding:
    number = one.content.number
    if number is None:
        return Finding(Problem.NO_NUMBER)
    before = [other.content.number for other in case.consulted.complete if _came_before(other, one)]
    went_back = any(other is not None and other >= number for other in before)
    return Finding(Problem.NUMBER_WENT_BACK if went_back else None, {"number": number})


def _came_before(other: PreparedList, one: PreparedList) -> bool:
    if other is one or other.point_names != one.point_names:
        return False
    return other.content.this_update <= one.content.this_update


@_of_the_list
def _fresh(case: Case, one: PreparedList, _root: Root) -> Finding:
    this_update, next_update = one.content.this_update, one.content.next_update
    given = {"this_update": timestamp(this_update)}
    if this_update > case.at:
        return Finding(Problem.NOT_YET_ISSUED, given)
    if next_update is None:
        return Finding(Problem.NO_NEXT_UPDATE, given)
    given["next_update"] = timestamp(next_update)
    return Finding(None if case.at <= next_update else Problem.STALE, given)


_RELIED_ON = (
    (CheckName.LIST_KEY, _key),
    (CheckName.LIST_SIGNATURE, _signature),
    (CheckName.LIST_EXTENSIONS, _extensions),
    (CheckName.LIST_COMPLETE, _complete),
    (CheckName.LIST_SCOPE, _scope),
    (CheckName.LIST_NUMBER, _number),
    (CheckName.LIST_FRESH, _fresh),
)


@_of_the_list
def _revocation(case: Case, judged: PreparedList, _root: Root) -> Finding:
    entries = [(one, entry) for one in case.consulted.authentic if (entry := _counting(case, one)) is not None]
    if entries:
        one, entry = min(entries, key=lambda pair: (_is_hold(pair[1]), pair[1].revoked_at))
        given = {
            "reason": entry.reason.text,
            "since": timestamp(entry.revoked_at),
            "list": one.content.number,
            "invalid_since": None if entry.invalidity_date is None else timestamp(entry.invalidity_date),
        }
        return Finding(Problem.ON_HOLD if _is_hold(entry) else Problem.REVOKED, given)
    # Not being named is an answer only in a list that can be relied on.
    for name, _ in _RELIED_ON:
        if case.problems[name] is not None:
            return depends_on(name)
    return Finding(None, {"list": judged.content.number, "entries": len(judged.content)})


def _counting(case: Case, one: PreparedList) -> RevokedEntry | None:
    """Returns the list's entry for the certificate if it refuses it at the moment, else None."""
    entry = one.content.find(case.certificate.serial)
    if entry is None:
        return None
    if entry.reason is RevocationReason.REMOVE_FROM_CRL and one.content.is_delta:
        return None  # it takes a hold back, and a complete list will say so; in a complete list it has no business
    if one.content.this_update > case.at:
        told_of = entry.revoked_at if entry.invalidity_date is None else min(entry.revoked_at, entry.invalidity_date)
        return entry if told_of <= case.at else None
    judged, _, _, complete = case.consulted
    older = judged in complete and one.content.this_update < judged.content.this_update <= case.at
    return None if older and _is_hold(entry) else entry


def _is_hold(entry: RevokedEntry) -> bool:
    return entry.reason is RevocationReason.CERTIFICATE_HOLD


def _source(case: Case) -> str:
    return case.list_source


def _time(case: Case) -> datetime:
    judged = case.consulted.judged
    return case.at if judged is None else judged.content.this_update


LIST_ROWS = (
    *(Row(name, judge, _source, _time) for name, judge in _RELIED_ON),
    Row(CheckName.REVOCATION, _revocation, _source, _time),
)
