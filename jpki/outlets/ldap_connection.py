"""The one place that speaks LDAP: a connection to a directory, by the library ldap3."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jpki.formats import tlv
from jpki.terms import Secret

from .directory_address import DirectoryAddress, is_text
from .errors import DirectoryGone, DirectoryLoginRefused, DirectoryNotTrusted, OutletUnusable

if TYPE_CHECKING:
    from ldap3 import Connection, Server, Tls  # type: ignore[import-untyped]

__all__ = ["Answer", "ConnectionLost", "DirectoryConnection", "Entry", "ResultCode"]

_PATIENCE = 10  # seconds for a connection to come about
_ANSWER_PATIENCE = 60  # seconds for an answer, and for a message to be taken
_RECEIVED_AT_ONCE = 1 << 18  # octets; the library's own 4 KB make large entries slow
_ASSERTION = "1.3.6.1.1.12"  # RFC 4528
_CHANGE_NUMBER = "entryCSN"
_EQUALITY_MATCH = 0xA3


class ResultCode:
    """The results of RFC 4511, appendix A, that are told apart here; 122 is of RFC 4528."""

    SUCCESS = 0
    NO_SUCH_OBJECT = 32
    INVALID_CREDENTIALS = 49
    UNWILLING = 53
    ALREADY_EXISTS = 68
    ASSERTION_FAILED = 122


class ConnectionLost(Exception):
    """Says that a connection ended while an answer was due; nobody outside this room sees it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer to one request: a result code, and the reason in its words."""

    code: int
    problem: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as read. `version` is another after every change, where the server says it."""

    values: Mapping[str, tuple[bytes, ...]] = field(repr=False)  # by type in lower case, without options
    version: bytes | None

    def of(self, kind: str) -> tuple[bytes, ...]:
        """Returns the values of an attribute type."""
        return self.values.get(kind.lower(), ())


class DirectoryConnection:
    """A connection that is encrypted or local, logged in."""

    def __init__(self, connection: Connection) -> None:
        """Takes a connection that has logged in; `open` makes one."""
        self._connection = connection
        root = self.read("", ("namingContexts", "supportedControl"))
        self.suffixes: tuple[str, ...] = ()
        self._asserts = False
        if root is not None:
            self.suffixes = tuple(value.decode("utf-8", "replace") for value in root.of("namingContexts"))
            self._asserts = _ASSERTION.encode() in root.of("supportedControl")

    @classmethod
    def open(
        cls, address: DirectoryAddress, user: str, password: Secret, authorities: Path | None
    ) -> DirectoryConnection:
        """Connects and logs in. `authorities` is a file of certificates to trust, in place of the system's.

        Raises DirectoryGone, DirectoryNotTrusted and DirectoryLoginRefused.
        """
        import ldap3
        from ldap3.core.exceptions import LDAPExceptionError  # type: ignore[import-untyped]

        if not is_text(password):
            raise DirectoryLoginRefused(outlet=str(address), user=user)
        try:
            server = _server(address, authorities)
            connection = ldap3.Connection(
                server,
                user=user,
                password=password.reveal(),  # in bytes: as text the library would alter it
                check_names=False,
                auto_referrals=False,
                receive_timeout=_ANSWER_PATIENCE,
            )
            connection.strategy.socket_size = _RECEIVED_AT_ONCE
            _log_in(connection, address, user)
            return cls(connection)
        except (LDAPExceptionError, OSError, ConnectionLost) as error:
            raise _why_not(error, str(address)) from None

    def read(self, name: str, kinds: Sequence[str]) -> Entry | None:
        """Returns the entry of this name with these attributes, or None. Raises ConnectionLost."""
        wanted = [*kinds, _CHANGE_NUMBER]
        self._do(lambda to: to.search(name, "(objectClass=*)", "BASE", attributes=wanted))
        for found in self._connection.response or ():
            if found.get("type") == "searchResEntry":
                values = {kind.split(";")[0].lower(): tuple(each) for kind, each in found["raw_attributes"].items()}
                return Entry(values, next(iter(values.get(_CHANGE_NUMBER.lower(), ())), None))
        return None

    def add(self, name: str, attributes: Mapping[str, Sequence[str | bytes]]) -> Answer:
        """Makes an entry. Raises ConnectionLost."""
        given = {kind: list(values) for kind, values in attributes.items()}
        return self._do(lambda to: to.add(name, None, given))

    def replace(self, name: str, kind: str, values: Sequence[bytes], seen: Entry, more_class: str | None) -> Answer:
        """Gives an attribute these values and no others, if the entry is still as it was `seen`.

        `more_class` is added to the entry's classes where given. Raises ConnectionLost.
        """
        changes: dict[str, Any] = {kind: [("MODIFY_REPLACE", list(values))]}
        if more_class is not None:
            changes["objectClass"] = [("MODIFY_ADD", [more_class])]
        controls = None
        if self._asserts and seen.version is not None:
            controls = [(_ASSERTION, True, _is_still(seen.version))]
        return self._do(lambda to: to.modify(name, changes, controls=controls))

    def close(self) -> None:
        """Ends the connection; whether the server still listens does not matter."""
        from ldap3.core.exceptions import LDAPExceptionError

        try:
            self._connection.unbind()
        except (LDAPExceptionError, OSError):
            return

    def _do(self, request: Callable[[Connection], object]) -> Answer:
        from ldap3.core.exceptions import LDAPExceptionError

        try:
            request(self._connection)
        except (LDAPExceptionError, OSError) as error:
            raise ConnectionLost(type(error).__name__) from None
        result = self._connection.result
        return Answer(result["result"], _reason(result))


def _server(address: DirectoryAddress, authorities: Path | None) -> Server:
    import ldap3

    if address.scheme == "ldapi":
        return ldap3.Server(str(address), get_info=ldap3.NONE, connect_timeout=_PATIENCE)
    return ldap3.Server(
        address.host,
        address.port,
        use_ssl=address.scheme == "ldaps",
        tls=_tls(address, authorities),
        get_info=ldap3.NONE,
        connect_timeout=_PATIENCE,
    )


def _tls(address: DirectoryAddress, authorities: Path | None) -> Tls:
    """Returns how the library is to begin TLS: as Python does it, which judges chain and name of the server itself."""
    import ldap3

    try:
        context = ssl.create_default_context(cafile=authorities)
    except ssl.SSLError:
        raise DirectoryNotTrusted(outlet=str(address), problem="no certificate in the file of trusted ones") from None
    except OSError:
        problem = "the file of trusted certificates cannot be read"
        raise DirectoryNotTrusted(outlet=str(address), problem=problem) from None

    class Judged(ldap3.Tls):  # type: ignore[misc]  # the library has no types
        def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:
            connection.socket = context.wrap_socket(connection.socket, server_hostname=address.host)

    return Judged(validate=ssl.CERT_REQUIRED)


def _log_in(connection: Connection, address: DirectoryAddress, user: str) -> None:
    connection.open()
    if address.scheme == "ldap" and not connection.start_tls():
        raise DirectoryNotTrusted(outlet=str(address), problem="it offers no StartTLS")
    if connection.bind():
        return
    if connection.result["result"] == ResultCode.INVALID_CREDENTIALS:
        raise DirectoryLoginRefused(outlet=str(address), user=user)
    raise DirectoryGone(outlet=str(address), problem=_reason(connection.result))


def _reason(result: Mapping[str, Any]) -> str:
    """Returns a result in the server's words: the name of its code, and what it adds."""
    return ": ".join(part for part in (result["description"], result["message"]) if part)


def _why_not(error: Exception, outlet: str) -> OutletUnusable:
    """Returns why there is no connection. The library tells causes apart in the text of its errors only."""
    text = str(error)
    if "timed out" in text:
        return DirectoryGone(outlet=outlet, problem="no answer in time")
    if "mismatch" in text:
        return DirectoryNotTrusted(outlet=outlet, problem="its certificate is for another name")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return DirectoryNotTrusted(outlet=outlet, problem="its certificate is of no trusted authority, or out of date")
    if "startTLS" in text or "StartTLS" in type(error).__name__:
        return DirectoryNotTrusted(outlet=outlet, problem="it offers no StartTLS")
    if "ssl" in text.lower():
        return DirectoryNotTrusted(outlet=outlet, problem="it speaks no TLS that is safe")
    if "refused" in text:
        return DirectoryGone(outlet=outlet, problem="nothing listens there")
    return DirectoryGone(outlet=outlet, problem="no connection")


def _is_still(version: bytes) -> bytes:
    """Returns the assertion that an entry's change number is this one: a filter of RFC 4511, 4.5.1."""
    return tlv(_EQUALITY_MATCH, [tlv(0x04, _CHANGE_NUMBER.encode()), tlv(0x04, version)])
