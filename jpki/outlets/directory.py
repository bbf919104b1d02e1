"""An LDAP directory as an outlet: lists stand in the entries under whose names relying parties look for them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from jpki.formats import FormatError
from jpki.terms import Secret

from .directory_address import DirectoryAddress
from .directory_names import DELTA_LIST, LIST, LIST_CLASSES, RelativeNames, directory_name, entry_attributes
from .errors import (
    CopyFailed,
    CopyNotKept,
    CopyNotPut,
    DirectoryGone,
    EntryMixed,
    EntryTooLarge,
    NoSuchSuffix,
    OutletUnusable,
)
from .ldap_connection import Answer, ConnectionLost, DirectoryConnection, Entry, ResultCode
from .list_outlines import ListOutline
from .published import Held, ListOvertaken, Outcome, PublishedCopy

__all__ = ["DEFAULT_ENTRY_LIMIT", "DirectoryOutlet"]

# What slapd takes of a client that has logged in, unless sockbuf_max_incoming_auth says otherwise: octets, measured on
# 2.5.13, whose manual says 4,194,303.
DEFAULT_ENTRY_LIMIT = 16_777_215
_ANONYMOUS_LIMIT = 262_143  # of one that has not: a smaller message is hardly refused for its size
_AROUND = 4096  # octets of a message beside the lists in it, at most
_ATTEMPTS = 8
_KINDS = ("objectClass", f"{LIST};binary", f"{DELTA_LIST};binary")
# What making an entry may come to that stands above the server's suffix, or is there already.
_EXPECTED_ABOVE = frozenset(
    (ResultCode.SUCCESS, ResultCode.ALREADY_EXISTS, ResultCode.NO_SUCH_OBJECT, ResultCode.UNWILLING)
)


class DirectoryOutlet:
    """An LDAP directory: complete lists in `certificateRevocationList;binary` of the entry of their name, deltas in
    `deltaRevocationList;binary` of entries of their own.

    Two generations of an authority's key share an entry: each replaces its own list there and leaves the other's.
    An entry is sent whole, in memory; one above `entry_limit` octets is not sent at all.
    """

    def __init__(
        self,
        address: DirectoryAddress,
        *,
        user: str,
        password: Secret,
        authorities: Path | None = None,
        entry_limit: int = DEFAULT_ENTRY_LIMIT,
    ) -> None:
        """Takes where the directory is and as whom to log in there; `authorities` are certificates to trust (PEM).

        Nothing is connected before something is put or asked for.
        """
        self._address = address
        self._user = user
        self._password = password
        self._authorities = authorities
        self._entry_limit = entry_limit
        self._opened: DirectoryConnection | None = None

    @property
    def name(self) -> str:
        """Returns the address."""
        return str(self._address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; the next use makes a new one."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def held(self, copy: PublishedCopy) -> Held | None:
        """Returns the list of this copy's key in its entry, or None. Raises OutletError."""
        entry = self._read(copy)
        found = None if entry is None else _list_of_same_key(copy, entry)
        return None if found is None else Held(_outlined(found).number, hashlib.sha256(found).digest())

    def put(self, copy: PublishedCopy) -> Outcome:
        """Has the copy be in its entry, unless it or a newer list is. Raises OutletError, and ListBytesWrong."""
        for _ in range(_ATTEMPTS):
            entry = self._read(copy)
            outcome = None if entry is None else self._judge(copy, entry)
            if outcome is not None:
                return outcome
            try:
                answer = self._write(copy, entry)
            except ListOvertaken:
                return Outcome.OVERTAKEN
            if answer.code == ResultCode.SUCCESS:
                self._read_back(copy)
                return Outcome.PUT
            if answer.code not in (ResultCode.ALREADY_EXISTS, ResultCode.ASSERTION_FAILED):
                raise self._refused(copy, answer)
        raise CopyFailed(outlet=self.name, place=directory_name(copy.entry), problem="others keep changing the entry")

    @contextmanager
    def _connected(self) -> Iterator[DirectoryConnection]:
        if self._opened is None:
            self._opened = DirectoryConnection.open(self._address, self._user, self._password, self._authorities)
        try:
            yield self._opened
        except ConnectionLost as lost:
            self.close()
            raise DirectoryGone(outlet=self.name, problem="the connection ended") from lost

    def _read(self, copy: PublishedCopy) -> Entry | None:
        """Returns the copy's entry, or None. A connection that ended while nobody used it is made anew."""
        name = directory_name(copy.entry)
        if self._opened is not None:
            try:
                return self._opened.read(name, _KINDS)
            except ConnectionLost:
                self.close()
        with self._connected() as connection:
            return connection.read(name, _KINDS)

    def _judge(self, copy: PublishedCopy, entry: Entry) -> Outcome | None:
        """Returns what speaks against putting a copy, or None. Raises EntryMixed."""
        if entry.of(LIST if copy.delta else DELTA_LIST):
            raise EntryMixed(outlet=self.name, place=directory_name(copy.entry))
        held = _list_of_same_key(copy, entry)
        if held is None:
            return None
        if hashlib.sha256(held).digest() == copy.digest:
            return Outcome.HELD
        return Outcome.NEWER_HELD if _outlined(held).overtakes(copy, io.BytesIO(held)) else None

    def _write(self, copy: PublishedCopy, entry: Entry | None) -> Answer:
        place = directory_name(copy.entry)
        own = None if entry is None else _list_of_same_key(copy, entry)
        others = [] if entry is None else [value for value in entry.of(_kind(copy)) if _may_stay(value, own)]
        octets = copy.size + sum(map(len, others)) + _AROUND
        if octets > self._entry_limit:
            raise EntryTooLarge(outlet=self.name, place=place, octets=octets, limit=self._entry_limit)
        values = [*others, b"".join(copy.checked_pieces(place))]
        kind = f"{_kind(copy)};binary"

        def send(connection: DirectoryConnection) -> Answer:
            if entry is None:
                return _add(connection, copy.entry.rdns, copy, {kind: values})
            return connection.replace(place, kind, values, entry, _class_to_add(copy, entry))

        return self._send(send, place, octets)

    def _send(self, send: Callable[[DirectoryConnection], Answer], place: str, octets: int) -> Answer:
        """Sends an entry. A server to which it is too large hangs up, so one that still lets us in says that it was."""
        try:
            with self._connected() as connection:
                return send(connection)
        except DirectoryGone:
            if octets > _ANONYMOUS_LIMIT and self._answers():
                raise EntryTooLarge(outlet=self.name, place=place, octets=octets, limit=None) from None
            raise

    def _answers(self) -> bool:
        try:
            with self._connected():
                return True
        except OutletUnusable:
            return False

    def _read_back(self, copy: PublishedCopy) -> None:
        found = self.held(copy)
        # Another publisher may have put a later one in the meantime.
        if found is None or (found.digest != copy.digest and found.number <= copy.number):
            raise CopyNotKept(outlet=self.name, place=directory_name(copy.entry), number=copy.number)

    def _refused(self, copy: PublishedCopy, answer: Answer) -> CopyNotPut:
        place = directory_name(copy.entry)
        with self._connected() as connection:
            suffixes = connection.suffixes
        if suffixes and not any(_is_below(place, suffix) for suffix in suffixes):
            return NoSuchSuffix(outlet=self.name, place=place, suffixes=suffixes)
        return CopyFailed(outlet=self.name, place=place, problem=answer.problem)


def _kind(copy: PublishedCopy) -> str:
    return DELTA_LIST if copy.delta else LIST


def _outlined(value: bytes) -> ListOutline:
    return ListOutline.read(io.BytesIO(value))


def _list_of_same_key(copy: PublishedCopy, entry: Entry) -> bytes | None:
    for value in entry.of(_kind(copy)):
        try:
            if _outlined(value).is_by_key_of(copy.issuer):
                return value
        except FormatError:
            continue
    return None


def _may_stay(value: bytes, own: bytes | None) -> bool:
    """Returns whether a list in an entry is another key's; what is no list goes."""
    try:
        _outlined(value)
    except FormatError:
        return False
    return value != own


def _class_to_add(copy: PublishedCopy, entry: Entry) -> str | None:
    there = {value.decode("ascii", "replace").lower() for value in entry.of("objectClass")}
    classes = LIST_CLASSES[_kind(copy)]
    return None if there & {name.lower() for name in classes} else classes[-1]


def _add(
    connection: DirectoryConnection, name: RelativeNames, copy: PublishedCopy, lists: dict[str, list[bytes]]
) -> Answer:
    """Makes an entry, with the entries above it where there are none."""
    attributes = entry_attributes(name)
    made = Entry({"objectclass": tuple(word.encode() for word in attributes["objectClass"])}, None)
    more = _class_to_add(copy, made)
    classes = [*attributes.pop("objectClass"), *([] if more is None else [more])]
    whole: dict[str, list[str] | list[bytes]] = {"objectClass": classes, **attributes, **lists}
    answer = connection.add(directory_name(name), whole)
    if answer.code != ResultCode.NO_SUCH_OBJECT:
        return answer
    above = [
        connection.add(directory_name(name[:depth]), entry_attributes(name[:depth])) for depth in range(1, len(name))
    ]
    again = connection.add(directory_name(name), whole)
    if again.code != ResultCode.NO_SUCH_OBJECT:
        return again
    return next((each for each in above if each.code not in _EXPECTED_ABOVE), again)


def _is_below(place: str, suffix: str) -> bool:
    """Returns whether a name stands below a suffix, as far as their written forms tell."""
    parts, ending = ([part.strip().lower() for part in name.split(",") if part] for name in (place, suffix))
    return parts[len(parts) - len(ending) :] == ending
