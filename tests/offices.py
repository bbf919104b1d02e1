"""An issuing office in a folder: an authority under a passphrase, a file of residents, card files, requests."""

from __future__ import annotations

import csv
import hashlib
import io
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from authorities import request_of
from prime_pool import PrimePool

from card_profiles import load_profile
from emulator import EmulatedCard, create_blank, open_card
from jpki.ca import Authority, AuthorityFolder, AuthoritySettings, Resident, read_residents
from jpki.card import Encoded, JpkiApplication, LocalConnection, Resolving
from jpki.formats import RevocationReason, digest_info, to_pem
from jpki.issuance import IssuanceDesk
from jpki.terms import Pin, Role, Secret, day_in_japan

PASSPHRASE = "a passphrase for tests"
PINS: Mapping[Role, Pin] = {Role.SIGNATURE: Pin("ABC123"), Role.AUTHENTICATION: Pin("1234")}
BY_VARIABLES = {"JPKI_CA_PASSPHRASE": PASSPHRASE, "JPKI_SIGN_PIN": "ABC123", "JPKI_AUTH_PIN": "1234"}
ADULT, OTHER, CHILD, NO_BIRTH_DATE, SUBSTITUTES = "R000001", "R000002", "R000003", "R000004", "R000005"
# Born on the day that is thirty days from now, so that what was issued between four and five years ago ends then.
DUE = "R000006"
_SEED = 4242


def _rows() -> list[dict[str, str]]:
    today = day_in_japan(datetime.now(UTC))
    soon = today + timedelta(days=30)
    usual = {
        "my_number": "",
        "name": "公的　花子",
        "furigana": "コウテキ　ハナコ",
        "former_name": "",
        "alias": "",
        "birth_date": "1980-02-03",
        "sex": "2",
        "municipality_code": "13101",
        "prefecture": "東京都",
        "municipality": "千代田区",
        "prefecture_romaji": "Tokyo-to",
        "municipality_romaji": "Chiyoda-ku",
        "address": "東京都千代田区霞が関１丁目１番１号",
        "nationality": "JP",
        "residence_expiry": "",
        "adult_ward": "",
        "substitutes": "",
        "note": "",
    }
    return [
        {"resident_id": ADULT, **usual},
        {"resident_id": OTHER, **usual, "name": "公的　太郎", "sex": "1"},
        {"resident_id": CHILD, **usual, "birth_date": f"{today.year - 6}-01-01"},
        {"resident_id": NO_BIRTH_DATE, **usual, "birth_date": ""},
        {"resident_id": SUBSTITUTES, **usual, "name": "髙橋　花子", "substitutes": "髙=高;公=高"},
        {"resident_id": DUE, **usual, "birth_date": date(1980, soon.month, soon.day).isoformat()},
    ]


def residents_csv() -> bytes:
    """Returns the file of residents."""
    rows = _rows()
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@cache
def _residents() -> Mapping[str, Resident]:
    return {one.resident_id: one for one in read_residents(residents_csv().splitlines(keepends=True))}


def years_ago() -> datetime:
    """Returns a moment of which five birthdays of the resident who is due have passed, or are thirty days away."""
    now = datetime.now(UTC).replace(microsecond=0)
    return now - timedelta(days=5 * 365 - 60)


@dataclass(frozen=True)
class Office:
    """The folder of one office: `ca`, `residents.csv`, and what is put there besides."""

    path: Path

    @property
    def ca(self) -> Path:
        return self.path / "ca"

    @property
    def residents(self) -> Path:
        return self.path / "residents.csv"

    @property
    def card(self) -> Path:
        return self.path / "card.jpki"

    @property
    def trust(self) -> Path:
        return self.ca / "certificates"

    def authority(self) -> Authority:
        return AuthorityFolder(self.ca).open(Secret(PASSPHRASE.encode()))

    def copied_to(self, path: Path) -> Office:
        shutil.copytree(self.path, path, dirs_exist_ok=True)
        return Office(path)

    def blank(self, name: str = "card.jpki") -> Path:
        create_blank(load_profile("mynumber"), secrets.token_bytes(10), self.path / name).close()
        return self.path / name

    def opened(self, name: str = "card.jpki") -> EmulatedCard:
        return open_card(self.path / name, keys=_CARD_KEYS)

    def issue(self, resident_id: str, at: datetime, name: str = "card.jpki") -> None:
        """Issues a card, as the command line would have done at another moment."""
        self.blank(name)
        with self.authority() as authority, self.opened(name) as card, LocalConnection(card) as connection:
            desk = IssuanceDesk(authority, secrets.token_bytes)
            desk.issue(Resolving(Encoded(connection)), card.profile, _residents()[resident_id], PINS, at)

    def sign(self, name: str, content: bytes) -> None:
        """Puts a document there, with signature and certificate beside it, as `jpki card sign` does."""
        with (
            self.opened() as card,
            LocalConnection(card) as connection,
            JpkiApplication.select(Resolving(Encoded(connection)), card.profile) as jpki,
        ):
            jpki.verify_pin(Role.SIGNATURE, PINS[Role.SIGNATURE])
            signature = jpki.sign(Role.SIGNATURE, digest_info("sha256", hashlib.sha256(content).digest()))
            certificate = jpki.read_certificate(Role.SIGNATURE).raw
        for end, data in (("", content), (".sig", signature), (".crt", certificate)):
            (self.path / f"{name}{end}").write_bytes(data)

    def publish(self, at: datetime | None = None) -> None:
        """Puts a new list of each authority into the folder `crl`."""
        (self.path / "crl").mkdir(exist_ok=True)
        with self.authority() as authority:
            for role in Role:
                made = authority.certificate_list(role, at or datetime.now(UTC))
                (self.path / "crl" / f"{role.short}.crl").write_bytes(made.encoded)

    def revoke(self, name: str, reason: RevocationReason = RevocationReason.KEY_COMPROMISE) -> None:
        """Revokes a certificate now, and publishes it."""
        with self.authority() as authority:
            authority.revoke(authority.find(name), reason, datetime.now(UTC))
        self.publish()

    def request(self, name: str, *, pem: bool = False) -> Path:
        """Puts a request with a key of its own into a file."""
        path = self.path / name
        encoded = request_of(_REQUEST_KEYS.generate().private_key)
        path.write_bytes(to_pem("CERTIFICATE REQUEST", encoded).encode() if pem else encoded)
        return path


_CARD_KEYS = PrimePool(_SEED)
_REQUEST_KEYS = PrimePool(_SEED + 1)


def made_office(path: Path, at: datetime) -> Office:
    """Returns a new office whose authority was made at a moment."""
    office = Office(path)
    keys = PrimePool(_SEED + 2)
    office.residents.write_bytes(residents_csv())
    folder = AuthorityFolder(office.ca)
    folder.create(
        Secret(PASSPHRASE.encode()), AuthoritySettings(), at, make_key=lambda: keys.generate().private_key
    ).close()
    return office
