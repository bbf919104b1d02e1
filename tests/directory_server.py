"""An LDAP directory for tests: Debian's slapd, in a folder and on addresses of its own, with Debian's own schema."""

from __future__ import annotations

import base64
import datetime
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from virtual_reader import until

from jpki.outlets import DirectoryAddress, DirectoryOutlet, read_password

_SCHEMA = Path("/etc/ldap/schema/core.schema")
_MODULES = Path("/usr/lib/ldap")
_CONFINED = Path("/etc/apparmor.d/usr.sbin.slapd")
_MISSING = "no LDAP directory to try with: apt-get install slapd ldap-utils"
_CONFIGURATION = """
include         {schema}
modulepath      {modules}
moduleload      back_mdb
{tls}
{more}
database        mdb
suffix          "{suffix}"
rootdn          "{user}"
rootpw          {password}
directory       {folder}/database
maxsize         {space}
{end}
"""
_TLS = """
TLSCACertificateFile    {folder}/server.pem
TLSCertificateFile      {folder}/server.pem
TLSCertificateKeyFile   {folder}/server.key
"""


@dataclass
class DirectoryServer:
    """A slapd that listens on a socket, and on two ports of 127.0.0.1: one plain with StartTLS, one with TLS."""

    folder: Path
    suffix: str = "o=JPKI-TEST,c=JP"
    space: int = 1 << 28  # octets that the database may have
    more: str = ""  # lines of slapd.conf, for the server …
    end: str = ""  # … and for the database
    password: str = "correct horse"
    tls: bool = True
    configuration: str = ""  # a whole slapd.conf in place of this one
    user: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.user = f"cn=publisher,{self.suffix}"
        self.port, self.tls_port = free_ports(2)
        (self.folder / "database").mkdir()
        self.password_file = self.folder / "password"
        self.password_file.write_text(f"{self.password}\n")
        self.password_file.chmod(0o600)
        self.certificate = self.folder / "server.pem"
        write_certificate(self.folder, "localhost")
        self.configure()

    def configure(self) -> None:
        text = _CONFIGURATION.format(
            schema=_SCHEMA,
            modules=_MODULES,
            tls=_TLS.format(folder=self.folder) if self.tls else "",
            folder=self.folder,
            more=self.more,
            suffix=self.suffix,
            user=self.user,
            password=f'"{self.password}"',
            space=self.space,
            end=self.end,
        )
        (self.folder / "slapd.conf").write_text(self.configuration.format(folder=self.folder) or text)

    @property
    def socket(self) -> str:
        return f"ldapi://{str(self.folder / 'socket').replace('/', '%2F')}"

    @property
    def plain(self) -> str:
        return f"ldap://localhost:{self.port}"

    @property
    def secure(self) -> str:
        return f"ldaps://localhost:{self.tls_port}"

    def start(self) -> Self:
        addresses = f"{self.socket} ldap://127.0.0.1:{self.port}"
        if self.tls:
            addresses += f" ldaps://127.0.0.1:{self.tls_port}"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program(), "-d", "0", "-f", str(self.folder / "slapd.conf"), "-h", addresses],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        if not until(self._answers):
            pytest.fail(f"slapd does not come up: {(self.folder / 'log').read_text('utf-8', 'replace')[-2000:]}")
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def outlet(self, address: str | None = None, **more: object) -> DirectoryOutlet:
        return DirectoryOutlet(
            DirectoryAddress.parse(address or self.socket),
            **{"user": self.user, "password": read_password(self.password_file), **more},  # type: ignore[arg-type]
        )

    def search(self, name: str, *kinds: str) -> dict[str, list[bytes]] | None:
        """Returns what ldapsearch finds in one entry, or None for no entry."""
        done = subprocess.run(
            [
                "ldapsearch",
                "-x",
                "-LLL",
                "-o",
                "ldif-wrap=no",
                "-H",
                self.socket,
                "-b",
                name,
                "-s",
                "base",
                "*",
                *kinds,
            ],
            capture_output=True,
            check=False,
        )
        if done.returncode == 32:  # noSuchObject
            return None
        assert done.returncode == 0, done.stderr
        found: dict[str, list[bytes]] = {}
        for line in done.stdout.splitlines():
            kind, _, value = line.partition(b":")
            if kind:
                text = base64.b64decode(value[2:]) if value.startswith(b":") else value.strip()
                found.setdefault(kind.decode(), []).append(text)
        return found

    def modify(self, name: str, kind: str, value: bytes) -> int:
        """Gives an attribute another value by ldapmodify, and returns what that ends with."""
        text = base64.b64encode(value).decode()
        return self._change("ldapmodify", f"dn: {name}\nchangetype: modify\nreplace: {kind}\n{kind}:: {text}\n")

    def add_person(self, name: str, password: str) -> None:
        """Makes an entry that somebody can log in with who may read everything and write nothing."""
        common_name = name.split(",", maxsplit=1)[0].partition("=")[2]
        entry = f"dn: {name}\nobjectClass: person\ncn: {common_name}\nsn: {common_name}\nuserPassword: {password}\n"
        assert self._change("ldapadd", entry) == 0

    def _change(self, program: str, text: str) -> int:
        who = ["-x", "-H", self.socket, "-D", self.user, "-y", str(self._bare_password())]
        return subprocess.run([program, *who], input=text.encode(), capture_output=True, check=False).returncode

    def _bare_password(self) -> Path:
        file = self.folder / "bare-password"  # the programs take a line's end for a part of the password
        file.write_text(self.password)
        return file

    def _program(self) -> str:
        program = shutil.which("slapd", path=f"{os.environ['PATH']}:/usr/sbin") or ""
        if not _CONFINED.exists():
            return program
        copied = self.folder / "slapd"  # what is confined is the installed file: elsewhere it may read this folder
        if not copied.exists():
            shutil.copy(program, copied)
        return str(copied)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail(f"slapd ended: {(self.folder / 'log').read_text('utf-8', 'replace')[-2000:]}")
        asked = ["ldapsearch", "-x", "-H", self.socket, "-b", "", "-s", "base", "namingContexts"]
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def write_certificate(folder: Path, host: str, *, days: int = 2) -> None:
    """Makes a key and a certificate of its own for a server of this name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


MakeDirectory = Callable[..., DirectoryServer]


@pytest.fixture
def make_directory() -> Iterator[MakeDirectory]:
    """Gives a function that starts a server with settings of its own; all of them end with the test."""
    _need_programs()
    started: list[DirectoryServer] = []
    with tempfile.TemporaryDirectory(prefix="jpki-directory-") as home:

        def make(**settings: object) -> DirectoryServer:
            folder = Path(home) / str(len(started))
            folder.mkdir()
            started.append(DirectoryServer(folder, **settings).start())  # type: ignore[arg-type]
            return started[-1]

        try:
            yield make
        finally:
            for server in started:
                server.stop()


@pytest.fixture
def directory(make_directory: MakeDirectory) -> DirectoryServer:
    """Gives an empty directory for the test authorities' names."""
    return make_directory()


def _need_programs() -> None:
    if shutil.which("slapd", path=f"{os.environ['PATH']}:/usr/sbin") is None or shutil.which("ldapsearch") is None:
        pytest.skip(_MISSING)
