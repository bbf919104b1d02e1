"""How an LDAP directory is named, and where its password comes from: never from the name."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from jpki.terms import Secret

from .errors import BadDirectoryAddress, BadPasswordFile

__all__ = ["DirectoryAddress", "is_text", "read_password"]

_PORTS = {"ldap": 389, "ldaps": 636}
_MAX_PASSWORD = 1024
_FOREIGN_READERS = stat.S_IROTH | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class DirectoryAddress:
    """Where a directory listens: `ldaps://HOST[:PORT]`, `ldap://HOST[:PORT]` (StartTLS always), `ldapi://SOCKET`."""

    scheme: str
    host: str  # of ldapi: the path of the socket
    port: int

    @classmethod
    def parse(cls, text: str) -> DirectoryAddress:
        """Reads an address; a socket's path has its slashes written as %2F. Raises BadDirectoryAddress."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise BadDirectoryAddress(problem="not an address") from None
        if parts.username is not None or parts.password is not None or "@" in text:
            raise BadDirectoryAddress(problem="a name or a password in the address")
        if parts.scheme not in ("ldap", "ldaps", "ldapi"):
            raise BadDirectoryAddress(problem="it begins with none of ldaps://, ldap://, ldapi://")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise BadDirectoryAddress(problem="more than server and port")
        if parts.scheme == "ldapi":
            return cls("ldapi", _socket(parts), 0)
        if parts.hostname is None or re.search(r"[\s%]", parts.netloc):
            raise BadDirectoryAddress(problem="no server")
        return cls(parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port)

    def __str__(self) -> str:
        if self.scheme == "ldapi":
            return f"ldapi://{self.host.replace('/', '%2F')}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def _socket(parts: SplitResult) -> str:
    path = unquote(parts.netloc)
    if not path.startswith("/"):
        raise BadDirectoryAddress(problem="no path of a socket, with %2F for each slash")
    return path


def read_password(file: Path) -> Secret:
    """Returns the first line (UTF-8) of a file that other users must not be able to read. Raises BadPasswordFile."""
    try:
        with file.open("rb") as opened:
            if os.name != "nt" and os.fstat(opened.fileno()).st_mode & _FOREIGN_READERS:
                raise BadPasswordFile(file=str(file), problem="others may read it")
            line = opened.read(_MAX_PASSWORD + 1).split(b"\n")[0].rstrip(b"\r")
    except OSError as error:
        raise BadPasswordFile(file=str(file), problem=error.strerror or "cannot be read") from error
    # With an empty one a server lets anybody in, as nobody (RFC 4513, 5.1.2).
    if not line or len(line) > _MAX_PASSWORD:
        raise BadPasswordFile(file=str(file), problem="no password in its first line")
    if not is_text(Secret(line)):
        raise BadPasswordFile(file=str(file), problem="not UTF-8")
    return Secret(line)


def is_text(password: Secret) -> bool:
    """Returns whether a password is UTF-8, as RFC 4513, 5.1.3, wants it; the error of another would hold it."""
    try:
        password.reveal().decode()
    except UnicodeDecodeError:
        return False
    return True
