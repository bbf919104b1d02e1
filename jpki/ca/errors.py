"""What can go wrong at the certification authority.

BadInput
├── BadResidentFile(row, problem, missing)             the file of residents as a whole
├── BadResident(row, resident_id, field, problem)      one field of one resident; never its value
├── BadSetting(setting, problem)                       a setting of a new authority
└── EmptyPassphrase                                    a passphrase without a character
AuthorityError
├── NoAuthority(folder)  AuthorityExists(folder)       none was made in this folder; one was, and it is not replaced
├── AuthorityFolderFailed(folder, problem)             the folder cannot be made or written
├── KeysUnusable(file)                                 a key of the authority, by the file (or place) that holds it
│   ├── KeyMissing(file)                               not there
│   ├── PassphraseNeeded(file)  WrongPassphrase(file)  opened without one, or not by the one it was sealed with
│   ├── DamagedKey(file)                               cut short or altered
│   ├── ForeignKey(file, role)                         another key than the authority's certificate holds
│   └── KeyFileFailed(file, problem)                   cannot be read or written
├── NoSuchCertificate(number)                          no authority gave this number (or name) to a certificate
├── AmbiguousNumber(number, names)                     both did
├── IssueRefused(role)                                 a certificate is not issued
│   ├── BadRequest(role, problem)                      the request cannot be read, or is not by the key it holds
│   ├── WeakKey(role, weakness)                        a key that nobody should have
│   ├── KeyInUse(role, name)                           the key of another certificate
│   ├── NotEntitled(role, reasons)                     the rules give this resident none
│   ├── AlreadyCertified(role, name)                   the holder has one that is valid
│   ├── NothingToRenew(role)                           the holder has none that is valid
│   ├── RenewalTooEarly(role, name, first_day)         renewal begins three months before the end
│   ├── OutlivesAuthority(role, not_after)             it would last longer than the authority's own certificate
│   ├── ClaimEnded(role, kind, ended_at)               an event ended the resident's claim to certificates
│   ├── CertificateUnsound(role, problem)              what was to be signed is not what was meant
│   └── HolderBusy(role)                               the holder's certificates changed while this one was made
├── RevocationRefused(name)                            a certificate is not revoked
│   ├── AlreadyRevoked(name, reason, revoked_at)       for another reason, or not the one to be confirmed
│   ├── CertificateExpired(name, not_after)            it has ended by itself
│   ├── NotOnHold(name)                                a hold is to end, and there is none
│   ├── SuccessorInUse(name, successor)                a hold is to end, and the next certificate is on its card
│   ├── HoldIsFinal(name)                              by this authority's settings a hold of it cannot end
│   └── BadRevocation(name, problem)                   a moment or a reason that cannot be
├── ListRefused(role, problem)                         what was made is not what it should be
├── ClockBehind(role, last)                            the moment lies before what the authority has done already
├── SealFailed(place, problem)                         a seal over the audit trail cannot be made or kept
├── SealUnreadable(seal)                               the last one in the store is not what a seal is
└── NumbersExhausted(role)                             four octets hold no more numbers
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from jpki.errors import AuthorityError, BadInput
from jpki.formats import RevocationReason
from jpki.terms import CertificateName, Role

from .field_problem import FieldProblem
from .weak_keys import KeyWeakness

if TYPE_CHECKING:
    from .rules import Reason

__all__ = [
    "AlreadyCertified",
    "AlreadyRevoked",
    "AmbiguousNumber",
    "AuthorityExists",
    "AuthorityFolderFailed",
    "BadRequest",
    "BadResident",
    "BadResidentFile",
    "BadRevocation",
    "BadSetting",
    "CertificateExpired",
    "CertificateUnsound",
    "ClaimEnded",
    "ClockBehind",
    "DamagedKey",
    "EmptyPassphrase",
    "ForeignKey",
    "HoldIsFinal",
    "HolderBusy",
    "IssueRefused",
    "KeyFileFailed",
    "KeyInUse",
    "KeyMissing",
    "KeysUnusable",
    "ListRefused",
    "NoAuthority",
    "NoSuchCertificate",
    "NotEntitled",
    "NotOnHold",
    "NothingToRenew",
    "NumbersExhausted",
    "OutlivesAuthority",
    "PassphraseNeeded",
    "RenewalTooEarly",
    "RevocationRefused",
    "SealFailed",
    "SealUnreadable",
    "SuccessorInUse",
    "WeakKey",
    "WrongPassphrase",
]


class BadResidentFile(BadInput):
    """Says that a file of residents cannot be read on; rows are counted from 1, the names of the columns."""

    def __init__(self, *, row: int, problem: FieldProblem, missing: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.row = row
        self.problem = problem
        self.missing = missing


class BadResident(BadInput):
    """Says that one field of one row is wrong; `field` is None where the row has another number of fields."""

    def __init__(self, *, row: int, resident_id: str | None, field: str | None, problem: FieldProblem) -> None:
        super().__init__()
        self.row = row
        self.resident_id = resident_id
        self.field = field
        self.problem = problem


class BadSetting(BadInput):
    """Says what is wrong with a setting of a new authority (`problem`: a few English words)."""

    def __init__(self, *, setting: str, problem: str) -> None:
        super().__init__()
        self.setting = setting
        self.problem = problem


class EmptyPassphrase(BadInput):
    """Says that a passphrase has no character."""


class NoAuthority(AuthorityError):
    """Says that no authority was made in a folder."""

    def __init__(self, *, folder: str) -> None:
        super().__init__()
        self.folder = folder


class AuthorityExists(AuthorityError):
    """Says that an authority was made in a folder before, and that nothing of it is replaced."""

    def __init__(self, *, folder: str) -> None:
        super().__init__()
        self.folder = folder


class AuthorityFolderFailed(AuthorityError):
    """Says that an authority's folder cannot be made or written, and the system's reason."""

    def __init__(self, *, folder: str, problem: str) -> None:
        super().__init__()
        self.folder = folder
        self.problem = problem


class KeysUnusable(AuthorityError):
    """Says that a key of the authority cannot be used; `file` is where it is kept."""

    def __init__(self, *, file: str) -> None:
        super().__init__()
        self.file = file


class KeyMissing(KeysUnusable):
    """Says that a key is not where it should be."""


class PassphraseNeeded(KeysUnusable):
    """Says that a key was asked for and no passphrase was given."""


class WrongPassphrase(KeysUnusable):
    """Says that the passphrase is not the one a key was sealed with."""


class DamagedKey(KeysUnusable):
    """Says that the file of a key was cut short or altered."""


class ForeignKey(KeysUnusable):
    """Says that the key is not the one in the authority's certificate."""

    def __init__(self, *, file: str, role: Role) -> None:
        super().__init__(file=file)
        self.role = role


class KeyFileFailed(KeysUnusable):
    """Says that the file of a key cannot be read or written, and the system's reason."""

    def __init__(self, *, file: str, problem: str) -> None:
        super().__init__(file=file)
        self.problem = problem


class NoSuchCertificate(AuthorityError):
    """Says that no certificate has this number; `number` is a name (`sign:01000002`) or a number in hexadecimal."""

    def __init__(self, *, number: str) -> None:
        super().__init__()
        self.number = number


class AmbiguousNumber(AuthorityError):
    """Says that certificates of both authorities have this number, and their names."""

    def __init__(self, *, number: str, names: Sequence[CertificateName]) -> None:
        super().__init__()
        self.number = number
        self.names = tuple(names)


class IssueRefused(AuthorityError):
    """Says that a certificate of one role is not issued. One reason holds for all that was asked for the holder."""

    def __init__(self, *, role: Role) -> None:
        super().__init__()
        self.role = role


class BadRequest(IssueRefused):
    """Says that a request cannot be read, or is not signed by the key that it holds."""

    def __init__(self, *, role: Role, problem: str) -> None:
        super().__init__(role=role)
        self.problem = problem


class WeakKey(IssueRefused):
    """Says what is wrong with the key in a request."""

    def __init__(self, *, role: Role, weakness: KeyWeakness) -> None:
        super().__init__(role=role)
        self.weakness = weakness


class KeyInUse(IssueRefused):
    """Says that the key is that of another certificate, or (`name` is None) of another request beside this one."""

    def __init__(self, *, role: Role, name: CertificateName | None) -> None:
        super().__init__(role=role)
        self.name = name


class NotEntitled(IssueRefused):
    """Says by which rules the resident gets no certificate of this role."""

    def __init__(self, *, role: Role, reasons: Sequence[Reason]) -> None:
        super().__init__(role=role)
        self.reasons = tuple(reasons)


class AlreadyCertified(IssueRefused):
    """Says that the holder has a valid certificate of this role, which is neither renewed nor replaced."""

    def __init__(self, *, role: Role, name: CertificateName) -> None:
        super().__init__(role=role)
        self.name = name


class NothingToRenew(IssueRefused):
    """Says that the holder has no valid certificate of this role to renew."""


class RenewalTooEarly(IssueRefused):
    """Says from which day (in Japan) on a certificate can be renewed."""

    def __init__(self, *, role: Role, name: CertificateName, first_day: date) -> None:
        super().__init__(role=role)
        self.name = name
        self.first_day = first_day


class OutlivesAuthority(IssueRefused):
    """Says that a certificate would last longer than the authority's own, which ends at `not_after`."""

    def __init__(self, *, role: Role, not_after: datetime) -> None:
        super().__init__(role=role)
        self.not_after = not_after


class ClaimEnded(IssueRefused):
    """Says by which kind of event, and when, the resident's claim to any certificate ended."""

    def __init__(self, *, role: Role, kind: str, ended_at: datetime) -> None:
        super().__init__(role=role)
        self.kind = kind
        self.ended_at = ended_at


class CertificateUnsound(IssueRefused):
    """Says that a certificate was not signed, because it would not say what was meant (`problem`: English words)."""

    def __init__(self, *, role: Role, problem: str) -> None:
        super().__init__(role=role)
        self.problem = problem


class HolderBusy(IssueRefused):
    """Says that the holder's certificates changed while this one was made: asked again, it is judged anew."""


class RevocationRefused(AuthorityError):
    """Says that a certificate is not revoked, not confirmed, or not released from a hold."""

    def __init__(self, *, name: CertificateName) -> None:
        super().__init__()
        self.name = name


class AlreadyRevoked(RevocationRefused):
    """Says that a certificate is revoked already, since when and why."""

    def __init__(self, *, name: CertificateName, reason: RevocationReason, revoked_at: datetime) -> None:
        super().__init__(name=name)
        self.reason = reason
        self.revoked_at = revoked_at


class CertificateExpired(RevocationRefused):
    """Says that a certificate has ended by itself."""

    def __init__(self, *, name: CertificateName, not_after: datetime) -> None:
        super().__init__(name=name)
        self.not_after = not_after


class NotOnHold(RevocationRefused):
    """Says that a hold is to end, and that the certificate is valid."""


class SuccessorInUse(RevocationRefused):
    """Says that a hold does not end, because the certificate that follows it, `successor`, is on its card."""

    def __init__(self, *, name: CertificateName, successor: CertificateName) -> None:
        super().__init__(name=name)
        self.successor = successor


class HoldIsFinal(RevocationRefused):
    """Says that by this authority's settings a hold of such a certificate can only end in a revocation."""


class BadRevocation(RevocationRefused):
    """Says that a revocation has a moment or a reason that cannot be (`problem`: a few English words)."""

    def __init__(self, *, name: CertificateName, problem: str) -> None:
        super().__init__(name=name)
        self.problem = problem


class ListRefused(AuthorityError):
    """Says that a revocation list was made and is not what it should be, or that a newer one was recorded meanwhile."""

    def __init__(self, *, role: Role, problem: str) -> None:
        super().__init__()
        self.role = role
        self.problem = problem


class ClockBehind(AuthorityError):
    """Says that the moment lies before what the authority has done already, at `last`: a clock was set back."""

    def __init__(self, *, role: Role, last: datetime) -> None:
        super().__init__()
        self.role = role
        self.last = last


class NumbersExhausted(AuthorityError):
    """Says that an authority has no number of four octets left."""

    def __init__(self, *, role: Role) -> None:
        super().__init__()
        self.role = role


class SealFailed(AuthorityError):
    """Says that a seal over the audit trail cannot be made, or not be kept as a file, at `place`, and why."""

    def __init__(self, *, place: str, problem: str) -> None:
        super().__init__()
        self.place = place
        self.problem = problem


class SealUnreadable(AuthorityError):
    """Says that a seal in the store is not what a seal is, so that none can follow it."""

    def __init__(self, *, seal: int) -> None:
        super().__init__()
        self.seal = seal
