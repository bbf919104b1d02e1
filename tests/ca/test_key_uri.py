"""Where a key is kept, written as a URI: what each attribute means, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpki.ca import BadKeyUri, FilePlace, PinInKeyUri, TokenPlace, read_key_place

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
LEAST = f"pkcs11:token=T;object=k?module-path={MODULE}"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("sign-2.key", "sign-2.key"),
        ("/srv/keys/sign 2.key", "/srv/keys/sign 2.key"),
        ("./a:b", "./a:b"),
        ("file:/srv/sign-2.key", "/srv/sign-2.key"),
        ("file:///srv/sign%202.key", "/srv/sign 2.key"),
        ("file://localhost/srv/k", "/srv/k"),
        ("FILE:/srv/k", "/srv/k"),
        ("file:sign-2.key", "sign-2.key"),
        ("file:/srv/%E9%8D%B5", "/srv/鍵"),
        ("file:/srv/鍵", "/srv/鍵"),
    ],
)
def test_a_path_and_a_file_uri_name_a_sealed_file(written: str, path: str) -> None:
    assert read_key_place(written) == FilePlace(Path(path))


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "empty"),
        ("file:", "empty"),
        ("file://", "empty"),
        ("a\x00b", "a zero character"),
        ("file://elsewhere/srv/k", "a file of another host"),
        ("file:/srv/%", "a character that has to be written as %XX"),
        ("file:/srv/a b", "a character that has to be written as %XX"),
        ("file:/srv/k?x=y", "a character that has to be written as %XX"),
        ("file:/srv/%FF", "not UTF-8"),
        ("file:/srv/%00", "a control character"),
        ("https://example/k", "neither file: nor pkcs11:"),
        ("pkcs12:object=k", "neither file: nor pkcs11:"),
    ],
)
def test_another_path_is_refused(written: str, problem: str) -> None:
    with pytest.raises(BadKeyUri) as caught:
        read_key_place(written)
    assert caught.value.problem == problem


PATH_ATTRIBUTES = [
    ("token=JPKI%20CA", {"token": "JPKI CA"}),
    ("token=%E9%8D%B5", {"token": "鍵"}),
    ("manufacturer=Some;token=T", {"manufacturer": "Some", "token": "T"}),
    ("serial=0123%2F4", {"serial": "0123/4"}),
    ("model=M(1)+[2]&x;token=T", {"model": "M(1)+[2]&x", "token": "T"}),
    ("slot-id=0", {"slot_id": 0}),
    ("slot-id=434235443", {"slot_id": 434235443}),
    ("token=T;type=private", {"token": "T"}),
    ("token=a%3Bb%25", {"token": "a;b%"}),
]


@pytest.mark.parametrize(("written", "meant"), PATH_ATTRIBUTES)
def test_every_attribute_of_the_path_is_read(written: str, meant: dict[str, object]) -> None:
    expected = TokenPlace(module_path=MODULE, label="k", **meant)  # type: ignore[arg-type]
    assert read_key_place(f"pkcs11:{written};object=k?module-path={MODULE}") == expected


def test_the_key_is_named_by_object_or_id_or_both() -> None:
    assert read_key_place(f"pkcs11:token=T;id=%01%fF%3b?module-path={MODULE}") == TokenPlace(
        module_path=MODULE, token="T", key_id=b"\x01\xff;"
    )
    assert read_key_place(f"pkcs11:id=ab;object=%E9%8D%B5;token=T?module-path={MODULE}") == TokenPlace(
        module_path=MODULE, token="T", key_id=b"ab", label="鍵"
    )


def test_the_query_names_the_module_and_the_file_with_the_pin() -> None:
    place = read_key_place(f"pkcs11:token=T;object=k?pin-source=file:/run/pin%2520a&module-path={MODULE}")
    assert isinstance(place, TokenPlace)
    assert (place.module_path, place.module_name, place.pin_source) == (MODULE, "", Path("/run/pin a"))
    named = read_key_place("pkcs11:token=T;object=k?module-name=softhsm2&pin-source=file:///run/pin")
    assert isinstance(named, TokenPlace)
    assert (named.module_path, named.module_name, named.pin_source) == ("", "softhsm2", Path("/run/pin"))


REFUSED = {
    "pkcs11:": ("object", "neither object nor id"),
    f"pkcs11:token=T?module-path={MODULE}": ("object", "neither object nor id"),
    f"pkcs11:object=k?module-path={MODULE}": ("token", "neither token nor serial nor slot-id"),
    f"pkcs11:object=k;model=M?module-path={MODULE}": ("token", "neither token nor serial nor slot-id"),
    "pkcs11:token=T;object=k": ("module-path", "neither module-path nor module-name"),
    f"{LEAST}&module-name=x": ("module-name", "module-path is there too"),
    "pkcs11:token=T;object=k?": ("", "nothing behind the question mark"),
    f"pkcs11:token={'x' * 33};object=k?module-path={MODULE}": ("token", "longer than any token's name"),
    f"pkcs11:token=;object=k?module-path={MODULE}": ("token", "empty"),
    f"pkcs11:token;object=k?module-path={MODULE}": ("token", "empty"),
    f"pkcs11:token=T;token=U;object=k?module-path={MODULE}": ("token", "written twice"),
    f"{LEAST}&module-path={MODULE}": ("module-path", "written twice"),
    f"pkcs11:token=T;object=k;?module-path={MODULE}": ("", "an unknown attribute"),
    f"pkcs11:token=T;objekt=k?module-path={MODULE}": ("", "an unknown attribute"),
    f"pkcs11:token=T;object=k;x-own=1?module-path={MODULE}": ("", "an unknown attribute"),
    f"pkcs11:Token=T;object=k?module-path={MODULE}": ("", "an unknown attribute"),
    f"{LEAST}&x-own=1": ("", "an unknown attribute"),
    f"{LEAST}&object=k": ("", "an unknown attribute"),
    f"pkcs11:token=T;object=k;module-path={MODULE}": ("", "an unknown attribute"),
    f"pkcs11:token=T;object=k;library-version=2?module-path={MODULE}": (
        "library-version",
        "an attribute that is not looked at",
    ),
    f"pkcs11:token=T;object=k;type=public?module-path={MODULE}": ("type", "not private"),
    f"pkcs11:slot-id=-1;object=k?module-path={MODULE}": ("slot-id", "not a whole number"),
    f"pkcs11:slot-id=0x1;object=k?module-path={MODULE}": ("slot-id", "not a whole number"),
    f"pkcs11:slot-id=18446744073709551616;object=k?module-path={MODULE}": ("slot-id", "not a whole number"),
    f"pkcs11:token=a b;object=k?module-path={MODULE}": ("token", "a character that has to be written as %XX"),
    f"pkcs11:token=a/b;object=k?module-path={MODULE}": ("token", "a character that has to be written as %XX"),
    f"pkcs11:token=鍵;object=k?module-path={MODULE}": ("token", "a character that has to be written as %XX"),
    f"pkcs11:token=%4;object=k?module-path={MODULE}": ("token", "a character that has to be written as %XX"),
    f"pkcs11:token=%FF;object=k?module-path={MODULE}": ("token", "not UTF-8"),
    f"pkcs11:token=%00;object=k?module-path={MODULE}": ("token", "a control character"),
    "pkcs11:token=T;object=k?module-path=relative.so": ("module-path", "not an absolute path"),
    "pkcs11:token=T;object=k?module-name=/etc/x.so": ("module-name", "not a name"),
    f"{LEAST}&pin-source=/run/pin": ("pin-source", "not a file: URI"),
    f"{LEAST}&pin-source=%7Ccat%20/run/pin": ("pin-source", "not a file: URI"),
    f"{LEAST}&pin-source=https://example/pin": ("pin-source", "not a file: URI"),
    f"{LEAST}&pin-source=file:pin": ("pin-source", "not an absolute path"),
    f"{LEAST}&pin-source=file://elsewhere/pin": ("pin-source", "a file of another host"),
}


@pytest.mark.parametrize("written", REFUSED)
def test_what_is_not_written_as_it_should_be_is_refused_and_named(written: str) -> None:
    with pytest.raises(BadKeyUri) as caught:
        read_key_place(written)
    assert (caught.value.attribute, caught.value.problem) == REFUSED[written]


@pytest.mark.parametrize(
    "written",
    [
        f"{LEAST}&pin-value=1234",
        f"pkcs11:token=T;object=k?pin-value=1234&module-path={MODULE}",
        f"pkcs11:token=T;object=k;pin-value=1234?module-path={MODULE}",
        "pkcs11:pin-value=1234",
        "pkcs11:?pin-value",
        f"pkcs11:token=a b;object=k?module-path={MODULE}&pin-value=1234",
    ],
)
def test_a_pin_in_the_uri_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(PinInKeyUri) as caught:
        read_key_place(written)
    assert "1234" not in str(caught.value)
    assert "1234" not in repr(caught.value.facts)


def test_what_is_refused_is_never_repeated_because_it_may_be_a_pin() -> None:
    with pytest.raises(BadKeyUri) as caught:
        read_key_place(f"{LEAST}&4711")
    assert "4711" not in str(caught.value)


def test_a_place_told_to_people_says_nothing_of_module_and_pin() -> None:
    assert str(read_key_place(f"{LEAST}&pin-source=file:/run/pin")) == "pkcs11:token=T;object=k"


TEXT = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\x7f"), min_size=1)


@given(
    st.builds(
        TokenPlace,
        module_path=st.just("/opt/a&b c/p11.so"),
        token=TEXT.filter(lambda text: len(text.encode()) <= 32),
        serial=TEXT,
        label=TEXT,
        key_id=st.binary(max_size=20),
        slot_id=st.none() | st.integers(0, 2**64 - 1),
        pin_source=TEXT.map(lambda text: Path("/run") / text.replace("/", "_")),
    )
)
def test_a_place_written_as_a_uri_is_read_as_the_same_place(place: TokenPlace) -> None:
    again = read_key_place(place.uri)
    assert again == place
    assert isinstance(again, TokenPlace)
    assert again.pin_source == place.pin_source


@given(st.text())
def test_nonsense_is_an_error_and_nothing_else(text: str) -> None:
    for written in (text, f"pkcs11:{text}", f"{LEAST}&{text}", f"file:{text}"):
        try:
            read_key_place(written)
        except BadKeyUri:
            continue
