"""Distinguished names: written as Japan's public PKIs write them, read as anybody does."""

from __future__ import annotations

import pytest
from asn1crypto import x509 as asn1_x509
from hypothesis import given
from hypothesis import strategies as st

from jpki.formats import FormatError, Name, NameAttribute
from jpki.formats.der import OCTET_STRING, SEQUENCE, SET, encode, encode_oid, encode_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)


@given(st.lists(st.tuples(st.sampled_from(["O", "OU", "L", "CN", "1.2.3.4"]), TEXTS), max_size=6))
def test_a_name_is_read_back_attribute_by_attribute(attributes: list[tuple[str, str]]) -> None:
    name = Name.of(("C", "JP"), *attributes)
    read = Name.parse(name.raw)
    assert read == name
    assert read.rdns == name.rdns
    assert [attribute.text for attribute in read.attributes] == ["JP", *(text for _, text in attributes)]


def test_another_library_reads_the_same_name() -> None:
    name = Name.of(("C", "JP"), ("O", "公的個人認証サービス（テスト）"), ("CN", "x" * 300))
    read = asn1_x509.Name.load(name.raw, strict=True)
    assert read.native == {
        "country_name": "JP",
        "organization_name": "公的個人認証サービス（テスト）",
        "common_name": "x" * 300,
    }


def test_a_country_that_is_not_printable_is_not_written() -> None:
    with pytest.raises(FormatError):
        Name.of(("C", "日本"))


@pytest.mark.parametrize("word", ["", "XX", "1"])
def test_an_attribute_type_without_a_meaning_is_not_written(word: str) -> None:
    with pytest.raises(FormatError):
        Name.of((word, "x"))


def relative(*attributes: bytes) -> bytes:
    return encode(SEQUENCE, encode(SET, *attributes))


def attribute(oid: str, text: str, tag: int = 0x0C) -> bytes:
    return encode(SEQUENCE, encode_oid(oid), encode_text(text, tag))


def test_a_relative_name_of_several_attributes_is_kept_together() -> None:
    name = Name.parse(relative(attribute("2.5.4.3", "a"), attribute("2.5.4.5", "7", 0x13)))
    assert name.rdns == ((NameAttribute("2.5.4.3", 0x0C, "a"), NameAttribute("2.5.4.5", 0x13, "7")),)
    assert str(name) == "CN=a+serialNumber=7"


def test_a_set_out_of_order_is_refused() -> None:
    with pytest.raises(FormatError):
        Name.parse(relative(attribute("2.5.4.5", "7"), attribute("2.5.4.3", "a")))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x30\x00\x00",
        b"\x31\x00",
        relative(),
        encode(SEQUENCE, attribute("2.5.4.3", "a")),
        relative(encode(SEQUENCE, encode_oid("2.5.4.3"))),
        relative(encode(SEQUENCE, encode_oid("2.5.4.3"), encode_text("a"), encode_text("b"))),
        relative(encode(SEQUENCE, b"\x06\x03\x55\x80\x03", encode_text("a"))),
        relative(encode(SEQUENCE, encode_oid("2.5.4.3"), b"\x0c\x01\xff")),
        relative(encode(SEQUENCE, encode_oid("2.5.4.6"), b"\x13\x02J_")),
        relative(encode(SEQUENCE, encode_oid("2.5.4.3"), b"\x0c\x81\x01a")),
        relative(encode(SEQUENCE, encode_oid("2.5.4.3"), b"\x30\x02\x04\x05")),
    ],
)
def test_what_is_no_name_is_refused(raw: bytes) -> None:
    with pytest.raises(FormatError):
        Name.parse(raw)


def test_a_value_that_is_no_text_shows_its_octets() -> None:
    name = Name.parse(relative(encode(SEQUENCE, encode_oid("1.2.3"), encode(OCTET_STRING, b"\xaa"))))
    assert str(name) == "1.2.3=#0401aa"


def test_an_empty_name_is_one() -> None:
    name = Name.parse(b"\x30\x00")
    assert (name.rdns, name.common_name, str(name)) == ((), None, "")


def test_characters_with_a_meaning_are_escaped_when_shown() -> None:
    assert str(Name.of(("CN", "a, b+c\\"), ("OU", "#x"), ("O", " y"))) == "CN=a\\, b\\+c\\\\, OU=\\#x, O=\\ y"


def test_texts_of_one_type_are_given_in_order_and_the_last_common_name() -> None:
    name = Name.of(("OU", "a"), ("OU", "b"), ("CN", "c"), ("CN", "d"))
    assert name.texts("OU") == ("a", "b")
    assert name.texts("2.5.4.3") == ("c", "d")
    assert name.common_name == "d"
    assert name.texts("L") == ()


def test_names_of_the_same_text_in_another_type_are_not_equal() -> None:
    assert Name.parse(relative(attribute("2.5.4.3", "a"))) != Name.parse(relative(attribute("2.5.4.3", "a", 0x13)))
