"""All who answer about certificates of both authorities, behind one door: the octets of a request in, an answer out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from threading import Lock
from typing import NamedTuple

from jpki.errors import AuthorityError, JpkiError
from jpki.formats import CertId, FormatError, OcspRequest
from jpki.store import StatusesAt, StoreError
from jpki.terms import CertificateName, Role

from ..authority import Authority
from ..backup import NotCaughtUp
from ..backup.mark import refuse_unless_caught_up
from ..errors import KeysUnusable
from ..keys import KeySource
from .answer import MALFORMED, UNAUTHORIZED, OcspAnswer, OcspPolicy
from .certifying import best_of, certified
from .errors import ResponderMissing
from .made_ahead import MadeAhead
from .responder import Responder

__all__ = ["OcspResponders", "ResponderState"]

_MANY_CHANGES = 20_000  # with so many it is faster to make all answers of an authority anew
_SOME = 256  # answers that are made ahead in one go
_SECONDS_AHEAD = 0.1
_SECONDS_BETWEEN_LOOKS = 60.0
_SECONDS_BEFORE_ANOTHER_LOOK = 1.0
_SECONDS_BEFORE_ANOTHER_TRY = 600.0


@dataclass(frozen=True, slots=True)
class ResponderState:
    """Who answers for one generation of an authority's key, until when he can, and why he would get no new certificate.

    `certificate` and `not_after` are None where nobody can answer. `problem` is None where all went well the last time.
    """

    role: Role
    generation: int
    certificate: CertificateName | None
    not_after: datetime | None
    problem: JpkiError | None


class _Asked(NamedTuple):
    """A request that can be answered: who does it, and about what."""

    responder: Responder
    cert_ids: tuple[CertId, ...]
    nonce: bytes | None


class OcspResponders:
    """Answers requests about certificates of both authorities and all generations of their keys.

    Its methods may be called from several threads at once. Nothing here looks at a clock; `at` is the present moment.
    """

    def __init__(
        self,
        authority: Authority,
        keys: KeySource,
        at: datetime,
        *,
        places: Mapping[tuple[Role, int], str] | None = None,
        policy: OcspPolicy | None = None,
    ) -> None:
        """Opens for business, with a certificate for every generation as far as there is one or can be made.

        `keys` are the responders' own, `places` the URIs of those that are not in the usual place, by authority and
        generation. `states` says what is missing, and why. Raises StoreError, BadKeyUri.
        """
        self._authority = authority
        self._keys = keys
        self._places = dict(places or {})
        self._policy = policy or OcspPolicy()
        self._statuses = authority.store.statuses()
        self._ahead = MadeAhead(self._policy.most)
        self._responders: dict[CertificateName, Responder] = {}
        self._by_issuer: dict[bytes, Responder] = {}
        self._problems: dict[CertificateName, JpkiError] = {}
        self._retry_at: dict[CertificateName, float] = {}
        self._lock = Lock()
        self._look_at = 0.0
        self._looked_at = 0.0
        self._round: Iterator[CertId] = iter(())
        self._round_begun: datetime | None = None
        self._pool = ThreadPoolExecutor(self._policy.threads, "answers made ahead")
        try:
            self.renew(at)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of threads and of the store's connections; the authority stays open."""
        self._pool.shutdown()
        self._statuses.close()

    def __enter__(self) -> OcspResponders:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def states(self) -> tuple[ResponderState, ...]:
        """Returns who answers for each generation that may still have certificates, by authority, oldest first."""
        found = []
        for one in self._responders.values():
            stored = one.stored
            name, end = (None, None) if stored is None else (stored.name, stored.not_after)
            found.append(ResponderState(one.role, one.own.generation, name, end, self._problems.get(one.name)))
        return tuple(found)

    def made_ahead(self, request: bytes, at: datetime) -> OcspAnswer | None:
        """Returns the answer that was made ahead and may still be given, or None. It waits for nobody.

        A request that cannot be read, or that is about a certificate of somebody else, is answered at once, too.
        """
        found = self._read(request)
        if isinstance(found, OcspAnswer):
            return found
        if found.nonce is not None or len(found.cert_ids) > 1:
            return None
        prepared = self._ahead.get(found.cert_ids[0], at - self._policy.handed_out, at)
        return None if prepared is None else prepared.answer

    def answers(self, requests: Sequence[bytes], at: datetime) -> list[OcspAnswer]:
        """Returns an answer to each of some requests, in their order, signed now by what the store says now.

        What cannot be read, and what is about somebody else's certificates, gets the error of OCSP that says so. Raises
        ResponderMissing, StoreError, KeysUnusable.
        """
        found = [self._read(one) for one in requests]
        wanted: dict[Role, list[int]] = {}
        for one in found:
            if isinstance(one, _Asked):
                wanted.setdefault(one.responder.role, []).extend(each.serial for each in one.cert_ids)
        known = {role: self._statuses.ask(role, numbers) for role, numbers in wanted.items()}
        return [one if isinstance(one, OcspAnswer) else self._signed(one, known, at) for one in found]

    def forget(self, role: Role, changed: Iterable[CertificateName], revision: int) -> None:
        """Takes back what was made ahead about certificates of an authority whose state has changed.

        `revision` is that of the view of the store in which they were found; an answer that was read from an older one
        is not kept either, whenever it is finished.
        """
        names = iter(changed)
        numbers = [name.number for name in islice(names, _MANY_CHANGES)]
        if len(numbers) == _MANY_CHANGES:
            self._ahead.forget_all(role, revision)
            return
        # First this: an answer that is put there from now on, also by a name that is only now being added, is newer.
        self._ahead.outdate(role, numbers, revision)
        issuers = [issuer for issuer, one in self._by_issuer.items() if one.role is role]
        self._ahead.drop(CertId.of(issuer, number).raw for number in numbers for issuer in issuers)

    def make_ahead(self, at: datetime) -> bool:
        """Makes some answers ahead, for a tenth of a second or so, and returns whether there are more to make.

        First what was asked for since the last round, then, as long as there is room, what is revoked. From time to
        time it also looks for new generations of keys, and renews certificates. Raises StoreError, KeysUnusable.
        """
        begun = time.monotonic()
        if begun >= self._look_at:
            self._look(at)
        last = self._round_begun
        if last is None or not last <= at < last + self._policy.rounds:
            self._round_begun = at
            self._round = self._worth_making(self._ahead.take_asked(), at)
        while time.monotonic() - begun < _SECONDS_AHEAD:
            some = list(islice(self._round, _SOME))
            if not some:
                return False
            self.prepare(some, at)
        return True

    def prepare(self, cert_ids: Sequence[CertId], at: datetime) -> int:
        """Makes answers about these certificates ahead, and returns how many were kept.

        Certificates of others, and numbers that were never given, get none. Raises StoreError, KeysUnusable.
        """
        by_role: dict[Role, list[tuple[Responder, CertId]]] = {}
        for each in cert_ids:
            one = self._by_issuer.get(each.issuer)
            if one is not None and one.is_at_work(at):
                by_role.setdefault(one.role, []).append((one, each))
        kept = 0
        for role, wanted in by_role.items():
            known = self._statuses.ask(role, [each.serial for _, each in wanted])
            parts = [wanted[start :: self._policy.threads] for start in range(self._policy.threads)]
            kept += sum(self._pool.map(lambda part, known=known: self._keep(part, known, at), parts))
        return kept

    def renew(self, at: datetime) -> None:
        """Looks for generations of keys, and sees that each one's responder has a certificate with time to go.

        Where that cannot be done for now (no passphrase, no token, a clock that was set back), what is there is used to
        its end, and `states` says why. Raises StoreError, BadKeyUri.
        """
        self._retry_at.clear()
        self._look(at)

    def _look(self, at: datetime) -> None:
        """Looks for generations and renews; what failed is tried again after some time only: it may cost a number."""
        with self._lock:
            self._authority.refresh()
            owns = [own for every in self._authority.generations.values() for own in every if at <= own.not_after]
            self._responders = {
                own.name: self._responders.get(own.name) or Responder(own, self._policy) for own in owns
            }
            owed = self._owed()
            begun = time.monotonic()
            for name, one in self._responders.items():
                if owed is None and begun < self._retry_at.get(name, 0):
                    continue
                try:
                    if owed is not None:
                        one.rest()
                        raise owed
                    self._renew(one, at)
                except StoreError:
                    raise
                except AuthorityError as error:
                    self._problems[name] = error
                    self._retry_at[name] = begun if owed is not None else begun + _SECONDS_BEFORE_ANOTHER_TRY
                else:
                    self._problems.pop(name, None)
            self._by_issuer = {issuer: one for one in self._responders.values() for issuer in one.issuers}
            self._looked_at = begun
            self._look_at = begun + _SECONDS_BETWEEN_LOOKS

    def _owed(self) -> NotCaughtUp | None:
        """Returns why a store that was put back from a backup may not be answered from: it lacks revocations."""
        try:
            refuse_unless_caught_up(self._authority.store)
        except NotCaughtUp as error:
            return error
        return None

    def _renew(self, one: Responder, at: datetime) -> None:
        own, store = one.own, self._authority.store
        issuer, problem = None, None
        try:
            issuer = self._authority.issuer(one.role, own.generation)
        except KeysUnusable as error:
            problem = error
        uri = self._places.get((one.role, own.generation))
        key = self._keys.signing_key(one.role, own.generation, uri, make=issuer is not None)
        # Whatever comes of a renewal, what is there serves to its end.
        with store.snapshot() as view:
            stored = best_of(view.responders(own.name), key, at)
        if stored is not None:
            one.use(stored, key)
        if issuer is None:
            raise problem or ResponderMissing(role=one.role, generation=own.generation)
        one.use(certified(store, issuer, own, key, at), key)

    def _read(self, request: bytes) -> OcspAnswer | _Asked:
        """Returns who answers about what, or the error that is the answer."""
        try:
            read = OcspRequest.parse(request)
        except FormatError:
            return MALFORMED
        if read.unknown_critical_extensions:
            # Must not be ignored (RFC 6960, 4.1.2), and there is no error of its own for it. This one alone says that
            # the same request will never be answered; `unauthorized` would say so of the certificate.
            return MALFORMED
        found = {self._by_issuer.get(each.issuer) for each in read.cert_ids}
        responder = found.pop()
        if responder is None or found:
            # Another's certificate; or of several keys, and one answer is signed for one of them (RFC 5019, 2.2.3).
            self._look_soon()
            return UNAUTHORIZED
        return _Asked(responder, read.cert_ids, read.nonce)

    def _look_soon(self) -> None:
        """Has new generations of keys looked for at the next opportunity: somebody may ask about one of them."""
        self._look_at = min(self._look_at, self._looked_at + _SECONDS_BEFORE_ANOTHER_LOOK)

    def _signed(self, asked: _Asked, known: Mapping[Role, StatusesAt], at: datetime) -> OcspAnswer:
        one = asked.responder
        if asked.nonce is None and len(asked.cert_ids) == 1:
            (named,) = asked.cert_ids
            prepared = one.prepared(named, known[one.role], at)
            if prepared is not None:
                self._ahead.put(named, one.role, prepared, known[one.role].revision)
                return prepared.answer
        return one.answer(asked.cert_ids, known[one.role], at, asked.nonce)

    def _keep(self, part: Sequence[tuple[Responder, CertId]], known: StatusesAt, at: datetime) -> int:
        kept = 0
        for one, named in part:
            prepared = one.prepared(named, known, at)
            if prepared is not None:
                kept += self._ahead.put(named, one.role, prepared, known.revision)
        return kept

    def _worth_making(self, asked: Sequence[CertId], at: datetime) -> Iterator[CertId]:
        """Yields what was asked for, then what is revoked, as far as there is no young answer and there is room."""
        young = at - self._policy.rounds / 2
        for named in chain(asked, self._revoked()):
            if not self._ahead.holds_since(named, young):
                yield named

    def _revoked(self) -> Iterator[CertId]:
        for one in tuple(self._responders.values()):
            after = 0
            while some := self._statuses.revoked(one.name, after=after):
                for number in some:
                    if len(self._ahead) >= self._policy.most:
                        return
                    yield CertId.of(one.usual_issuer, number)
                after = some[-1]
