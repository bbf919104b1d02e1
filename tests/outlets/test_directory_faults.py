"""A directory that does not answer, does not let in, or does not take what it is given: each has its error."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from directory_server import DirectoryServer, MakeDirectory, free_ports, write_certificate
from published_copies import complete, municipal, raw_of

from jpki.outlets import (
    DEFAULT_ENTRY_LIMIT,
    BadDirectoryAddress,
    BadPasswordFile,
    CopyFailed,
    CopyNotKept,
    DirectoryAddress,
    DirectoryGone,
    DirectoryLoginRefused,
    DirectoryNotTrusted,
    EntryTooLarge,
    Held,
    Outcome,
    bring_up_to_date,
    read_password,
)
from jpki.terms import Secret

LARGE = municipal(42, entries=10_000)  # some 350 KB: above what slapd takes from anybody
SMALL_SERVER = "sockbuf_max_incoming_auth 300000"


def test_a_server_that_is_not_there_is_told(directory: DirectoryServer) -> None:
    (port,) = free_ports(1)
    for address in (f"ldaps://localhost:{port}", f"ldap://localhost:{port}"):
        with directory.outlet(address) as outlet, pytest.raises(DirectoryGone) as caught:
            outlet.put(municipal())
        assert caught.value.facts == {"outlet": address, "problem": "nothing listens there"}
    with directory.outlet("ldapi://%2Fnowhere%2Fsocket") as outlet, pytest.raises(DirectoryGone) as caught:
        outlet.put(municipal())
    assert caught.value.facts == {"outlet": "ldapi://%2Fnowhere%2Fsocket", "problem": "no connection"}


@pytest.mark.parametrize("password", [b"wrong horse", b"wrong \xff horse", "\u3000 horse".encode()], ids=repr)
def test_a_wrong_password_is_told_without_the_password(directory: DirectoryServer, password: bytes) -> None:
    with directory.outlet(password=Secret(password)) as outlet, pytest.raises(DirectoryLoginRefused) as caught:
        outlet.put(municipal())
    assert caught.value.user == directory.user
    assert "horse" not in f"{caught.value!s} {caught.value.facts} {vars(outlet)}"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_goes_in_the_middle_is_told_and_comes_back(
    directory: DirectoryServer, how: signal.Signals
) -> None:
    def pieces() -> Iterator[bytes]:
        directory.stop(how)
        yield raw_of(LARGE)

    with directory.outlet() as outlet:
        outlet.put(municipal(41))
        with pytest.raises(DirectoryGone) as caught:
            outlet.put(replace(LARGE, pieces=pieces))
        assert caught.value.problem == "the connection ended"
        (report,) = bring_up_to_date([outlet], [municipal(41), LARGE])
        assert isinstance(report.unusable, DirectoryGone)
        assert report.untried == 2
        directory.start()
        assert outlet.held(municipal()) == Held(41, municipal(41).digest)
        assert outlet.put(LARGE) is Outcome.PUT


def test_a_server_that_was_restarted_meanwhile_is_connected_to_again(directory: DirectoryServer) -> None:
    with directory.outlet() as outlet:
        outlet.put(municipal(41))
        directory.stop()
        directory.start()
        assert outlet.put(municipal(42)) is Outcome.PUT


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_server_that_says_nothing_is_not_waited_for_without_end(
    directory: DirectoryServer, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr("jpki.outlets.ldap_connection._ANSWER_PATIENCE", 1)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = f"{scheme}://localhost:{silent.getsockname()[1]}"
        with directory.outlet(address) as outlet, pytest.raises(DirectoryGone) as caught:
            outlet.put(municipal())
    assert caught.value.facts == {"outlet": address, "problem": "no answer in time"}


def test_a_server_that_talks_nonsense_is_told(directory: DirectoryServer) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as odd:

        def talk() -> None:
            for _ in range(2):
                client, _address = odd.accept()
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                client.close()

        thread = threading.Thread(target=talk)
        thread.start()
        port = odd.getsockname()[1]
        for scheme, kind in (("ldap", DirectoryGone), ("ldaps", DirectoryNotTrusted)):
            with directory.outlet(f"{scheme}://localhost:{port}") as outlet, pytest.raises(kind):
                outlet.put(municipal())
        thread.join()


@pytest.mark.parametrize("way", ["secure", "plain"])
def test_a_server_with_a_certificate_of_nobody_known_gets_no_password(directory: DirectoryServer, way: str) -> None:
    with directory.outlet(getattr(directory, way)) as outlet, pytest.raises(DirectoryNotTrusted) as caught:
        outlet.put(municipal())
    assert caught.value.problem == "its certificate is of no trusted authority, or out of date"


@pytest.mark.parametrize("way", ["secure", "plain"])
def test_a_server_with_a_certificate_for_another_name_gets_no_password(directory: DirectoryServer, way: str) -> None:
    directory.stop()
    write_certificate(directory.folder, "ldap.example")
    directory.start()
    address = getattr(directory, way)
    with (
        directory.outlet(address, authorities=directory.certificate) as outlet,
        pytest.raises(DirectoryNotTrusted) as caught,
    ):
        outlet.put(municipal())
    assert caught.value.problem == "its certificate is for another name"


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("nowhere.pem", "the file of trusted certificates cannot be read"),
        ("password", "no certificate in the file of trusted ones"),
    ],
)
def test_a_file_of_trusted_certificates_that_cannot_be_used_is_told(
    directory: DirectoryServer, file: str, problem: str
) -> None:
    outlet = directory.outlet(directory.secure, authorities=directory.folder / file)
    with pytest.raises(DirectoryNotTrusted) as caught:
        outlet.put(municipal())
    assert caught.value.problem == problem


def test_a_server_without_tls_gets_no_password(make_directory: MakeDirectory) -> None:
    server = make_directory(tls=False)
    with server.outlet(server.plain) as outlet, pytest.raises(DirectoryNotTrusted) as caught:
        outlet.put(municipal())
    assert caught.value.problem == "it offers no StartTLS"


def test_an_entry_above_the_outlet_s_limit_is_not_sent(directory: DirectoryServer) -> None:
    with directory.outlet(entry_limit=300_000) as outlet:
        outlet.put(municipal(41))
        with pytest.raises(EntryTooLarge) as caught:
            outlet.put(replace(LARGE, pieces=lambda: pytest.fail("it was read")))
        assert outlet.held(municipal()) == Held(41, municipal(41).digest)
    assert caught.value.limit == 300_000
    assert caught.value.octets > LARGE.size > 300_000


def test_an_entry_above_the_server_s_limit_is_told_from_a_server_that_is_gone(make_directory: MakeDirectory) -> None:
    server = make_directory(more=SMALL_SERVER)
    with server.outlet() as outlet:
        outlet.put(municipal(41))
        with pytest.raises(EntryTooLarge) as caught:
            outlet.put(LARGE)
        assert caught.value.limit is None
        assert outlet.put(municipal(43)) is Outcome.PUT
        (report,) = bring_up_to_date([outlet], [replace(LARGE, number=44), complete()])
        assert [type(error) for error in report.errors] == [EntryTooLarge]


def test_the_default_limit_is_what_slapd_takes_unless_it_is_told_otherwise(make_directory: MakeDirectory) -> None:
    fitting, long = complete(41, entries=453_000), complete(42, entries=454_000)
    assert fitting.size < DEFAULT_ENTRY_LIMIT < long.size
    server = make_directory()
    with server.outlet() as outlet:
        assert outlet.put(fitting) is Outcome.PUT
    with server.outlet(entry_limit=1 << 30) as outlet:
        with pytest.raises(EntryTooLarge) as caught:
            outlet.put(long)
        assert caught.value.limit is None
        assert outlet.held(fitting) == Held(41, fitting.digest)
    told = make_directory(more="sockbuf_max_incoming_auth 67108864")
    with told.outlet(entry_limit=64 << 20) as outlet:
        assert outlet.put(long) is Outcome.PUT
        assert outlet.held(long) == Held(42, long.digest)


def test_a_database_that_is_full_is_told_and_keeps_the_old_list(make_directory: MakeDirectory) -> None:
    server = make_directory(space=1 << 20)
    with server.outlet() as outlet:
        outlet.put(municipal(41))
        with pytest.raises(CopyFailed) as caught:
            outlet.put(municipal(42, entries=40_000))
        assert outlet.held(municipal()) == Held(41, municipal(41).digest)
    assert caught.value.problem.startswith("other")


def test_a_database_that_may_not_be_written_is_told(make_directory: MakeDirectory) -> None:
    server = make_directory(end="readonly on")
    with server.outlet() as outlet, pytest.raises(CopyFailed) as caught:
        outlet.put(municipal())
    assert caught.value.problem == "unwillingToPerform: operation restricted"


def test_a_name_that_may_not_write_is_told(directory: DirectoryServer) -> None:
    with directory.outlet() as outlet:
        outlet.put(municipal())
    guest = "cn=guest,o=JPKI-TEST,c=JP"
    directory.add_person(guest, "guest")
    with directory.outlet(user=guest, password=Secret(b"guest")) as outlet:
        assert outlet.put(municipal()) is Outcome.HELD
        for copy in (municipal(42), complete()):
            with pytest.raises(CopyFailed) as caught:
                outlet.put(copy)
            assert caught.value.problem.startswith("insufficientAccessRights")


def test_a_list_that_cannot_be_read_back_is_told(make_directory: MakeDirectory) -> None:
    guest = "cn=guest,o=JPKI-TEST,c=JP"
    blind = f'access to attrs=certificateRevocationList by dn.exact="{guest}" =w by * none'
    server = make_directory(end=f'{blind}\naccess to * by dn.exact="{guest}" write by * read')
    with server.outlet() as outlet:
        outlet.put(municipal(41))
    server.add_person(guest, "guest")
    with server.outlet(user=guest, password=Secret(b"guest")) as outlet, pytest.raises(CopyNotKept) as caught:
        outlet.put(municipal(42))
    assert caught.value.number == 42


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ldaps://publisher:secret@ldap.example", "a name or a password in the address"),
        ("ldaps://publisher@ldap.example", "a name or a password in the address"),
        ("ldap.example", "it begins with none of ldaps://, ldap://, ldapi://"),
        ("https://ldap.example", "it begins with none of ldaps://, ldap://, ldapi://"),
        ("ldaps://ldap.example/c=JP??sub", "more than server and port"),
        ("ldaps://ldap.example:99999", "not an address"),
        ("ldaps://", "no server"),
        ("ldapi://", "no path of a socket, with %2F for each slash"),
        ("ldapi:///", "no path of a socket, with %2F for each slash"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_being_shown(text: str, problem: str) -> None:
    with pytest.raises(BadDirectoryAddress) as caught:
        DirectoryAddress.parse(text)
    assert caught.value.facts == {"problem": problem}


@pytest.mark.parametrize("text", ["ldaps://ldap.example:636", "ldap://[::1]:389", "ldapi://%2Frun%2Fslapd%2Fldapi"])
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(DirectoryAddress.parse(text)) == text
    assert str(DirectoryAddress.parse(text + "/")) == text


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.touch(0o600)
    return file


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no password in its first line"),
        (b"\nsecond", "no password in its first line"),
        (b"x" * 5000, "no password in its first line"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_without_a_password_is_refused(password_file: Path, content: bytes, problem: str) -> None:
    password_file.write_bytes(content)
    with pytest.raises(BadPasswordFile) as caught:
        read_password(password_file)
    assert caught.value.facts == {"file": str(password_file), "problem": problem}


def test_a_password_is_the_first_line_of_its_file(password_file: Path) -> None:
    password_file.write_bytes(b"correct horse\r\nand no more\n")
    assert read_password(password_file).reveal() == b"correct horse"


def test_a_password_that_others_may_read_is_refused(password_file: Path) -> None:
    password_file.chmod(0o644)
    with pytest.raises(BadPasswordFile) as caught:
        read_password(password_file)
    assert caught.value.problem == "others may read it"


def test_a_password_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadPasswordFile) as caught:
        read_password(tmp_path / "nowhere")
    assert caught.value.problem == "No such file or directory"
