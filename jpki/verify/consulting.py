"""Which revocation lists are looked at in a case, and which of them the judgement is made by."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from jpki.formats import Certificate, FormatError

from .evidence import Evidence, PreparedList, points_of
from .roots import Root

__all__ = ["Consulted", "consult", "covers", "unknown_extensions"]

_SOUND = 3
_MOST_LOOKED_AT = 8  # lists of other keys or places, looked at only to say what is wrong with them


class Consulted(NamedTuple):
    """The lists looked at: the one that is judged, whether any is for this certificate, and which of them count.

    `authentic` are those whose entries refuse, `complete` those among them that can say that a certificate is good.
    """

    judged: PreparedList | None
    at_hand: bool
    authentic: tuple[PreparedList, ...]
    complete: tuple[PreparedList, ...]


def consult(evidence: Evidence, certificate: Certificate, root: Root | None, at: datetime) -> Consulted:
    """Returns the lists to judge a certificate by; none where its root is not known.

    Judged is the newest complete and authentic list issued by the moment, else the first one after it, else the one
    with the fewest faults.
    """
    if root is None:
        return Consulted(None, False, (), ())
    try:
        points = points_of(certificate)
    except FormatError:
        points = frozenset()
    near = evidence.lists_for(root, points)
    looked_at = near or _others(evidence, root)
    authentic = tuple(one for one in looked_at if _soundness(one, root) == _SOUND and _concerns(one, points))
    complete = tuple(one for one in authentic if not one.content.is_delta and covers(one, points))
    issued = [one for one in complete if one.content.this_update <= at]
    judged: PreparedList | None
    if issued:
        judged = max(issued, key=_age)
    elif complete:
        judged = min(complete, key=_age)
    else:
        judged = max(looked_at, key=lambda one: _soundness(one, root) + covers(one, points), default=None)
    return Consulted(judged, bool(near), authentic, complete)


def _others(evidence: Evidence, root: Root) -> tuple[PreparedList, ...]:
    named = sorted(evidence.lists_named(root), key=lambda one: one.key_id != root.key_id)
    return tuple(named[:_MOST_LOOKED_AT])


def _age(one: PreparedList) -> tuple[datetime, int]:
    return one.content.this_update, one.content.number or 0


def _soundness(one: PreparedList, root: Root) -> int:
    return sum((one.key_id == root.key_id, one.signed_by(root), not unknown_extensions(one)))


def unknown_extensions(one: PreparedList) -> list[str]:
    """Returns the critical extensions of a list and of its entries that nothing here understands."""
    return [*one.content.unknown_critical_extensions, *one.content.unknown_critical_entry_extensions]


def covers(one: PreparedList, points: frozenset[bytes]) -> bool:
    """Returns whether a list is for all reasons and for holders' certificates with one of these distribution points."""
    point = one.content.issuing_distribution_point
    partial = point is not None and (
        point.only_ca_certificates or point.indirect or point.only_some_reasons is not None
    )
    return not partial and _concerns(one, points)


def _concerns(one: PreparedList, points: frozenset[bytes]) -> bool:
    """Returns whether a number in a list is that of a certificate with one of these distribution points."""
    point = one.content.issuing_distribution_point
    if point is None:
        return True
    return not point.only_attribute_certificates and (point.name is None or bool(one.point_names & points))
