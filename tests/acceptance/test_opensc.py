"""A card made by `jpki issue`, in a reader by `jpki emulator insert`, in the hands of unmodified OpenSC and OpenSSL."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from authorities import BOTH, RESIDENTS
from command_line import Program
from opensc import OpenSc
from virtual_reader import reader_alone

from jpki.ca import AuthorityFolder
from jpki.formats import to_pem
from jpki.terms import CertificateName, Pin, Role

pytestmark = pytest.mark.pcsc

PINS = {Role.SIGNATURE: Pin("ABC123"), Role.AUTHENTICATION: Pin("1234")}
WRONG = {Role.SIGNATURE: Pin("WRONG1"), Role.AUTHENTICATION: Pin("9999")}
NEW = {Role.SIGNATURE: Pin("NEW456"), Role.AUTHENTICATION: Pin("5678")}
TRIES = {Role.SIGNATURE: 5, Role.AUTHENTICATION: 3}
SECRETS = {
    "JPKI_CA_PASSPHRASE": "a passphrase for tests",
    "JPKI_SIGN_PIN": "ABC123",
    "JPKI_AUTH_PIN": "1234",
    "JPKI_NEW_SIGN_PIN": "NEW456",
    "JPKI_NEW_AUTH_PIN": "5678",
}
ROLES = pytest.mark.parametrize("role", BOTH, ids=lambda role: role.value)


@dataclass(frozen=True)
class Life:
    """A resident's card in a reader, its authority, and the program that made them."""

    folder: Path
    program: Program
    reader: str

    @property
    def opensc(self) -> OpenSc:
        return OpenSc(self.reader)

    def jpki(self, *arguments: object) -> dict[str, object]:
        """Runs `jpki … --json`, which must succeed, and returns what it says."""
        done = self.program(*arguments, "--json", env=SECRETS)
        assert done.code == 0, done.told
        facts: dict[str, object] = done.json
        return facts

    def tries_left(self, role: Role) -> tuple[int, bool]:
        """Returns what our own tool says: how many tries a PIN has left, and whether it is blocked."""
        pins = self.jpki("card", "pin-status", "--reader", self.reader)["pins"]
        assert isinstance(pins, list)
        (row,) = (row for row in pins if row["role"] == role.short)
        return row["tries_left"], row["blocked"]

    def certificate(self, role: Role) -> bytes:
        """Returns the one certificate of this role that the authority has issued."""
        with AuthorityFolder(self.folder / "ca").open() as authority:
            return authority.encoded(CertificateName(role, 0x0100_0002))


@pytest.fixture(scope="module")
def life(pcsc_daemon: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("life")
    program = Program(folder)
    with reader_alone():
        for words in (["ca", "init", "--ca", "ca"], ["emulator", "create", "card.jpki"]):
            made = program(*words, env=SECRETS)
            assert made.code == 0, made.told
        with program.start("emulator", "insert", "card.jpki", "--until-eof", "--json") as inserted:
            assert inserted.stdout is not None
            life = Life(folder, program, json.loads(inserted.stdout.readline())["reader"])
            life.jpki("issue", RESIDENTS, "--id", "R000056", "--reader", life.reader, "--ca", "ca")
            yield life
            inserted.communicate()


def openssl(folder: Path, *words: str) -> str:
    """Returns all that OpenSSL prints."""
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def test_opensc_lists_what_is_on_the_card(life: Life) -> None:
    shown = life.opensc.listing()
    assert "PKCS#15 Card [JPKI]" in shown
    assert shown.count("Tries left     : ") == 2
    assert shown.count("ModLength      : 2048") == 2
    for name in ("User Authentication", "Digital Signature"):
        assert f"PIN [{name} PIN]" in shown
        assert f"Private RSA Key [{name} Key]" in shown
        assert f"X.509 Certificate [{name} Certificate]" in shown
        assert f"X.509 Certificate [{name} Certificate CA]" in shown
    assert "Encoded serial : 02 04 01000002" in shown


def test_opensc_reads_the_authentication_certificate_and_asks_for_no_pin(life: Life) -> None:
    assert life.opensc.certificate(Role.AUTHENTICATION) == life.certificate(Role.AUTHENTICATION)


def test_opensc_reads_the_signature_certificate_behind_its_pin_only(life: Life) -> None:
    assert life.opensc.certificate(Role.SIGNATURE) is None
    assert life.opensc.certificate(Role.SIGNATURE, PINS[Role.SIGNATURE]) == life.certificate(Role.SIGNATURE)


@ROLES
def test_openssl_verifies_what_opensc_has_the_card_sign(life: Life, role: Role, tmp_path: Path) -> None:
    document = tmp_path / "document.txt"
    document.write_text("what the holder agrees to")
    signature = life.opensc.sign(role, PINS[role], document)
    (tmp_path / "holder.pem").write_text(to_pem("CERTIFICATE", life.certificate(role)))
    (tmp_path / "key.pem").write_text(openssl(tmp_path, "x509", "-in", "holder.pem", "-noout", "-pubkey"))
    verify = ("dgst", "-sha256", "-verify", "key.pem", "-signature", signature.name)
    assert openssl(tmp_path, *verify, document.name) == "Verified OK"
    document.write_text("something else")
    assert "Verified OK" not in openssl(tmp_path, *verify, document.name)


def test_openssl_accepts_both_certificates_until_their_revocation_is_published(life: Life, tmp_path: Path) -> None:
    for role in BOTH:
        (tmp_path / f"{role.short}.pem").write_text(to_pem("CERTIFICATE", life.certificate(role)))
    roots = [AuthorityFolder(life.folder / "ca").certificate(role).read_bytes() for role in BOTH]
    (tmp_path / "roots.pem").write_text("".join(to_pem("CERTIFICATE", root) for root in roots))

    def says() -> list[str]:
        files = ("-CAfile", "roots.pem", "-CRLfile", "lists.pem")
        return [openssl(tmp_path, "verify", "-crl_check", *files, f"{role.short}.pem") for role in BOTH]

    def publish() -> None:
        life.jpki("ca", "crl", "--ca", "ca", "--out", tmp_path)
        lists = [(tmp_path / f"{role.short}.crl").read_bytes() for role in BOTH]
        (tmp_path / "lists.pem").write_text("".join(to_pem("X509 CRL", one) for one in lists))

    publish()
    assert says() == ["sign.pem: OK", "auth.pem: OK"]
    names = [str(CertificateName(role, 0x0100_0002)) for role in BOTH]
    life.jpki("ca", "revoke", *names, "--reason", "keyCompromise", "--yes", "--ca", "ca")
    assert says() == ["sign.pem: OK", "auth.pem: OK"]
    publish()
    assert all("certificate revoked" in said for said in says())


@ROLES
def test_opensc_counts_wrong_pins_down_to_blocked_and_our_tools_agree(life: Life, role: Role) -> None:
    for left in reversed(range(TRIES[role])):
        assert not life.opensc.takes(role, WRONG[role])
        assert life.opensc.tries_left(role) == left
        assert life.tries_left(role) == (left, left == 0)
    assert not life.opensc.takes(role, PINS[role]), "blocked for the right PIN too"
    assert life.tries_left(role.other) == (TRIES[role.other], False)
    life.jpki("card", "pin-reset", role.short, "--reader", life.reader, "--ca", "ca")
    assert life.opensc.takes(role, NEW[role])
    assert life.opensc.tries_left(role) == TRIES[role]
