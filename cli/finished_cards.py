"""A test authority in a folder, and emulated cards with certificates of it: for whoever needs a card that works.

No word for people here: the command line and the pytest plugin make their cards with it alike.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

from card_profiles import CardProfile
from emulator import EmulatedCard, create_blank
from jpki.ca import Authority, AuthorityFolder, AuthoritySettings, Resident
from jpki.card import Encoded, LocalConnection, Resolving
from jpki.formats import SERIAL_LENGTH
from jpki.issuance import Delivered, IssuanceDesk
from jpki.terms import Pin, Role, Secret, Sex

__all__ = ["TEST_PINS", "finish_card", "invented_resident", "new_blank_card", "open_authority"]

TEST_PINS: Mapping[Role, Pin] = {Role.SIGNATURE: Pin("TEST1234"), Role.AUTHENTICATION: Pin("1234")}


def open_authority(folder: Path, passphrase: Secret, at: datetime) -> Authority:
    """Opens the authority of a folder, able to sign, and makes it first where there is none.

    Raises KeysUnusable, StoreError, AuthorityFolderFailed.
    """
    place = AuthorityFolder(folder)
    if place.address is not None and all(place.certificate(role).is_file() for role in Role):
        return place.open(passphrase)
    return place.create(passphrase, AuthoritySettings(), at)


def invented_resident(serial: bytes) -> Resident:
    """Returns an invented adult, another one for each card."""
    return Resident(
        resident_id=f"CARD-{serial.hex().upper()}",
        name="試験　花子",
        furigana="シケン　ハナコ",
        former_name="",
        alias="",
        birth_date=date(1990, 4, 1),
        sex=Sex("2"),
        municipality_code="13101",
        prefecture="東京都",
        municipality="千代田区",
        prefecture_romaji="Tokyo-to",
        municipality_romaji="Chiyoda-ku",
        address="東京都千代田区試験１丁目１番１号",
        nationality="JP",
        residence_expiry=None,
        adult_ward=False,
        substitutes=(),
    )


def new_blank_card(profile: CardProfile, path: Path | None = None) -> EmulatedCard:
    """Makes a blank card with a serial number of its own, in a new file or in this process only.

    Raises CardFileExists, CardFileBusy, CardFileNotWritten.
    """
    return create_blank(profile, secrets.token_bytes(SERIAL_LENGTH), path)


def finish_card(authority: Authority, card: EmulatedCard, at: datetime, pins: Mapping[Role, Pin]) -> Delivered:
    """Makes a blank card somebody's: keys, PINs, both certificates, sealed. An interrupted call is taken up again.

    Raises the errors of issuance, cards and stores.
    """
    desk = IssuanceDesk(authority, secrets.token_bytes)
    with LocalConnection(card) as connection:
        resident = invented_resident(card.state.serial)
        return desk.issue(Resolving(Encoded(connection)), card.profile, resident, pins, at)
