"""A profile that does not follow the schema is refused with the place and the problem."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_profiles import ProfileError, load_profile_file
from card_profiles.loader import _parse
from jpki.errors import BadInput

GOOD = (Path(__file__).parent.parent.parent / "card_profiles" / "mynumber.toml").read_text("utf-8")

# One line of the good profile, what replaces it, where the error must point, and what it must say.
WRONG = {
    "unknown key at the top": ('name   = "mynumber"', 'name = "x"\ncolour = "pink"', "colour", "unknown"),
    "unknown key in a table": ("tries   = 5", "tries = 5\nhint = 1", "application.jpki.pin.signature.hint", "unknown"),
    "unknown key in a file": ('id = "0009"', 'id = "0009"\nsfi = 9', "application.jpki.file[4].sfi", "unknown"),
    "unknown language": ('en = "My Number Card"', 'en = "C"\nfr = "C"', "title.fr", "unknown"),
    "unknown status word": ('channel     = "6881"', 'channel = "6881"\nfoo = "6881"', "card.status.foo", "unknown"),
    "missing key": ('atr = "3BE000FF8131FE4514"', "", "card.atr", "missing"),
    "missing key in a file": ("size = 160", "", "application.jpki.file[2].size", "missing"),
    "missing number": ("tries   = 5", "", "application.jpki.pin.signature.tries", "missing"),
    "missing table": ("[application.jpki.role.signature]", "[application.jpki.role.extra]", "extra", "not a role"),
    "no JPKI application": ("application.jpki", "application.text", "application.jpki", "missing"),
    "another format": ("format = 1", "format = 2", "format", "not 1, the only one known here"),
    "a format in words": ("format = 1", 'format = "1"', "format", "not a number"),
    "a truth value for a number": ("tries   = 5", "tries = true", "application.jpki.pin.signature.tries", "1 to 15"),
    "a number in quotes": ("size = 160", 'size = "160"', "application.jpki.file[2].size", "not a number"),
    "too many tries": ("tries   = 5", "tries = 16", "application.jpki.pin.signature.tries", "from 1 to 15"),
    "no tries": ("tries   = 5", "tries = 0", "application.jpki.pin.signature.tries", "from 1 to 15"),
    "a file of no bytes": ("size = 160", "size = 0", "application.jpki.file[2].size", "from 1 to 32767"),
    "a file past the last offset": ("size = 160", "size = 32768", "application.jpki.file[2].size", "1 to 32767"),
    "a number for a text": ('name   = "mynumber"', "name = 7", "name", "not a text"),
    "an empty text": ('name   = "mynumber"', 'name = ""', "name", "not a text"),
    "a text for a table": ("[application.jpki.schemes]", "[other]", "other", "unknown"),
    "a table for a list": (
        "[[application.jpki.internal]]",
        "[application.jpki.internal]",
        "jpki.internal",
        "not a list",
    ),
    "lower-case hexadecimal": ('"3BE000FF8131FE4514"', '"3be000ff8131fe4514"', "card.atr", "upper-case hexadecimal"),
    "half an octet": ('"3BE000FF8131FE4514"', '"3BE"', "card.atr", "hexadecimal"),
    "three octets for a file": ('file    = "001B"', 'file = "00001B"', "jpki.pin.signature.file", "2 to 2 bytes"),
    "a short AID": ('aid = "D392F000260100000001"', 'aid = "D392F000"', "application.jpki.aid", "5 to 16 bytes"),
    "another channel": ("scp             = 0x03", "scp = 0x02", "issuer.scp", "from 3 to 3"),
    "another variant of it": (
        "scp_options     = 0x60",
        "scp_options = 0x70",
        "issuer.scp_options",
        "96 to 96",
    ),
    "a level that the channel does not have": (
        "security_level  = 0x33",
        "security_level = 0x20",
        "issuer.security_level",
        "not 01, 03, 11, 13 or 33",
    ),
    "well-known keys for a card's own": (
        "own_version     = 0x01",
        "own_version = 0xFF",
        "issuer.own_version",
        "that of a blank card",
    ),
    "a PIN form without its lengths": ('"[A-Z0-9]{6,16}"', '"[A-Z0-9]+"', "pin.signature.format", "1 to 16 bytes"),
    "a PIN longer than the card takes": ('"[A-Z0-9]{6,16}"', '"[A-Z0-9]{6,17}"', "signature.format", "1 to 16 bytes"),
    "a PIN form that is no expression": ('"[A-Z0-9]{6,16}"', '"[A-Z"', "pin.signature.format", "regular expression"),
    "a PIN form with a huge count": ('"[A-Z0-9]{6,16}"', '"A{99999999999}"', "signature.format", "regular expression"),
    "a key of another kind": ('"RSA-2048"', '"P-384"', "application.jpki.key.signature.algorithm", "RSA-2048"),
    "an access word": ('read = "free"', 'read = "always"', "application.jpki.file[1].read", '"free", "never"'),
    "an access list of none": ('read = "free"', "read = []", "application.jpki.file[1].read", "a list of PINs"),
    "an access list of lists": ('read = "free"', "read = [[1]]", "application.jpki.file[1].read", "a list of PINs"),
    "a PIN that is not declared": ('read = ["signature"]', 'read = ["seal"]', "jpki.file[0].read", "PINs of this"),
    "a key with an undeclared PIN": (
        'pins      = ["signature"]',
        'pins = ["seal"]',
        "key.signature.pins",
        "not declared",
    ),
    "a key with no list of PINs": (
        'pins      = ["signature"]',
        'pins = "signature"',
        "key.signature.pins",
        "not a list",
    ),
    "a write word": ('write = "issuer"', 'write = "anybody"', "application.jpki.file[1].write", "issuer"),
    "a role's undeclared key": (
        'key                   = "signature"',
        'key = "x"',
        "role.signature.key",
        "not declared",
    ),
    "a role's undeclared PIN": (
        'pin                   = "signature"',
        'pin = "x"',
        "role.signature.pin",
        "not declared",
    ),
    "a role's PIN that does not open its key": (
        'pin                   = "signature"',
        'pin = "authentication"',
        "role.signature.pin",
        "does not open its key",
    ),
    "a role's undeclared file": (
        'certificate           = "0001"',
        'certificate = "0071"',
        "role.signature.cert",
        "not decl",
    ),
    "a role's file that is a key": (
        'certificate           = "0001"',
        'certificate = "001A"',
        "signature.cert",
        "not decl",
    ),
    "a token file that is not declared": ('file         = "0006"', 'file = "0071"', "token.file", "not declared"),
    "a presence file that is a PIN": ('presence = "0008"', 'presence = "001B"', "jpki.presence", "not declared"),
    "a token file that is a PIN": ('file         = "0006"', 'file = "001B"', "token.file", "not declared"),
    "one file twice": ('id = "0009"', 'id = "0001"', "application.jpki", "file 0001 is declared twice"),
    "a file that is a PIN too": ('id = "0009"', 'id = "001B"', "application.jpki", "file 001B is declared twice"),
    "a waiting key at its own place": ('next      = "005A"', 'next = "001A"', "jpki", "file 001A is declared twice"),
    "a role's certificate that waits in its own place": (
        'next_certificate      = "0041"',
        'next_certificate = "0001"',
        "role.signature.certificate",
        "serves another purpose",
    ),
    "two roles with one certificate": (
        'certificate           = "000A"',
        'certificate = "0001"',
        "role.signature.certificate",
        "serves another purpose",
    ),
    "a certificate in the place of its authority's": (
        'authority_certificate = "000B"',
        'authority_certificate = "000A"',
        "role.authentication.certificate",
        "serves another purpose",
    ),
    "a scheme's parameter": ('"05" = "pss-sha256"', '"5" = "pss-sha256"', "application.jpki.schemes.5", "one octet"),
    "a scheme's name": ('"05" = "pss-sha256"', '"05" = "pss"', "application.jpki.schemes.05", "not a signing scheme"),
    "no TOML": ("format = 1", "format = ", "", "not TOML"),
    "a number of 5,000 digits": ("format = 1", f"format = {'9' * 5000}", "", "not TOML"),
    "lists 100,000 deep": ("format = 1", f"format = {'[' * 100_000}", "", "not TOML"),
}


@pytest.mark.parametrize(("old", "new", "where", "problem"), WRONG.values(), ids=WRONG.keys())
def test_each_fault_is_named_with_its_place(tmp_path: Path, old: str, new: str, where: str, problem: str) -> None:
    assert old in GOOD
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new) if old == "application.jpki" else GOOD.replace(old, new, 1), "utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile_file(path)
    assert caught.value.profile == "mine.toml"
    assert caught.value.where.endswith(where) or where in caught.value.where
    assert problem in caught.value.problem
    assert isinstance(caught.value, BadInput)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile_file(tmp_path / "none.toml")
    assert caught.value.profile == "none.toml"
    assert "cannot be read" in caught.value.problem


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sjis.toml"
    path.write_bytes('name = "カード"'.encode("cp932"))
    with pytest.raises(ProfileError) as caught:
        load_profile_file(path)
    assert caught.value.problem == "not UTF-8"


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [place for key, item in items for place in places(item, (*path, key))]


PLACES = places(tomllib.loads(GOOD))
NONSENSE = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), st.text(), st.datetimes(), st.dates(), st.times()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=5,
)


@given(st.sampled_from(PLACES), NONSENSE)
def test_nonsense_in_any_place_is_refused_or_accepted_but_never_a_crash(
    place: tuple[Any, ...],
    nonsense: Any,
) -> None:
    values = tomllib.loads(GOOD)
    inner = values
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = nonsense
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tomllib, "loads", lambda _: values)
        with contextlib.suppress(ProfileError):
            assert _parse("nonsense", "").jpki.aid


@given(st.text())
def test_any_text_is_a_profile_or_is_refused(text: str) -> None:
    with pytest.raises(ProfileError):
        _parse("nonsense", text)
