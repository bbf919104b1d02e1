"""Certificates are read strictly, and what is odd but allowed is kept."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

import pytest
from issued import AUTHORITY_KEY, DAY, HANAKO, HOLDER_KEY, holder, key

from jpki.formats import (
    SHA256_WITH_RSA,
    AuthorityKeyId,
    BasicConstraints,
    Certificate,
    FormatError,
    Name,
    signature_algorithm_name,
    signed,
)
from jpki.formats.der import (
    OCTET_STRING,
    SEQUENCE,
    encode,
    encode_bits,
    encode_integer,
    encode_oid,
    encode_text,
    encode_time,
)
from jpki.formats.extensions import encode_extension, encode_policy
from jpki.formats.names import GeneralName, OtherName
from jpki.terms import CertificateName, Role

NAME = Name.of(("C", "JP"), ("O", "JPKI-TEST"))
VERSION_3 = bytes.fromhex("A003020102")
KEY_USAGE = encode_extension("2.5.29.15", bytes.fromhex("03020780"), critical=True)
FIELDS = {
    "version": VERSION_3,
    "serial": encode_integer(5),
    "algorithm": SHA256_WITH_RSA,
    "issuer": NAME.raw,
    "validity": encode(SEQUENCE, encode_time(DAY), encode_time(DAY)),
    "subject": NAME.raw,
    "key": key(HOLDER_KEY).public_key_info,
    "unique": b"",
    "extensions": encode(0xA3, encode(SEQUENCE, KEY_USAGE)),
}


def made_of(algorithm_outside: bytes = SHA256_WITH_RSA, **different: bytes) -> bytes:
    """Returns a certificate of the fields above, some of them replaced, under a signature that nobody checks here."""
    return signed(encode(SEQUENCE, *(FIELDS | different).values()), bytes(256), algorithm_outside)


def with_extensions(*extensions: bytes) -> Certificate:
    return Certificate.parse(made_of(extensions=encode(0xA3, encode(SEQUENCE, *extensions))))


def test_the_parts_of_a_certificate_are_kept_as_they_were_written() -> None:
    certificate = holder(Role.AUTHENTICATION)
    assert certificate.raw == signed(certificate.tbs, certificate.signature)
    assert certificate.signature_algorithm == SHA256_WITH_RSA
    assert certificate.public_key_info == key(HOLDER_KEY).public_key_info
    assert certificate.signature == key(AUTHORITY_KEY).sign(certificate.tbs)
    assert certificate.version == 3
    assert all(extension.raw in certificate.tbs for extension in certificate.extensions)


def test_a_certificate_is_named_by_authority_and_number() -> None:
    assert holder(Role.SIGNATURE).name(Role.SIGNATURE) == CertificateName(Role.SIGNATURE, 0x06D18006)


def test_two_certificates_are_equal_where_their_octets_are() -> None:
    one, same = holder(Role.SIGNATURE), Certificate.parse(holder(Role.SIGNATURE).raw)
    assert one == same
    assert hash(one) == hash(same)
    assert one != holder(Role.SIGNATURE, serial=7)


def test_neither_a_certificate_nor_its_extensions_show_the_holder() -> None:
    certificate = holder(Role.SIGNATURE)
    shown = repr((certificate, certificate.extensions, certificate.subject_alternative_names, certificate.attributes))
    for secret in (HANAKO.name, HANAKO.address, HANAKO.birth_date.raw, HANAKO.name.encode().hex(), "Chiyoda"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("different", "problem"),
    [
        ({"version": bytes.fromhex("A003020100")}, "version"),
        ({"version": bytes.fromhex("A003020103")}, "version"),
        ({"version": b""}, "extensions before version 3"),
        ({"version": bytes.fromhex("A003020101")}, "extensions before version 3"),
        ({"serial": encode_integer(0)}, "serial"),
        ({"serial": encode_integer(-1)}, "serial"),
        ({"serial": encode_integer(1 << 159)}, "serial"),
        ({"serial": bytes.fromhex("02020005")}, "shortest"),
        ({"serial": b""}, "tag"),
        ({"algorithm": SHA256_WITH_RSA[:-2].replace(b"\x30\x0d", b"\x30\x0b")}, "two signature algorithms"),
        ({"issuer": encode(SEQUENCE, encode(0x31))}, "missing"),
        ({"validity": encode(SEQUENCE, encode_time(DAY))}, "missing"),
        ({"validity": encode(SEQUENCE, encode_time(DAY), encode_time(DAY), encode_time(DAY))}, "left over"),
        ({"key": encode(SEQUENCE, SHA256_WITH_RSA)}, "missing"),
        ({"key": encode(SEQUENCE, SHA256_WITH_RSA, bytes.fromhex("03020780"))}, "bit string"),
        ({"unique": encode(0x81, b"\x00\x01"), "version": b"", "extensions": b""}, "unique"),
        ({"extensions": encode(0xA3, encode(SEQUENCE))}, "without one"),
        ({"extensions": encode(0xA3, encode(SEQUENCE, KEY_USAGE, KEY_USAGE))}, "twice"),
        ({"extensions": encode(0xA3, encode(SEQUENCE, KEY_USAGE)) + b"\x05\x00"}, "left over"),
        ({"extensions": encode(0xA3, encode(SEQUENCE, KEY_USAGE), b"\x05\x00")}, "left over"),
        (
            {"extensions": encode(0xA3, encode(SEQUENCE, KEY_USAGE.replace(b"\x01\x01\xff", b"\x01\x01\x00")))},
            "default",
        ),
        (
            {"extensions": encode(0xA3, encode(SEQUENCE, KEY_USAGE.replace(b"\x01\x01\xff", b"\x01\x01\x01")))},
            "boolean",
        ),
        ({"extensions": encode(0xA3, encode(SEQUENCE, encode(SEQUENCE, encode_oid("1.2.3"))))}, "missing"),
    ],
)
def test_a_certificate_that_is_none_is_refused(different: dict[str, bytes], problem: str) -> None:
    with pytest.raises(FormatError) as caught:
        Certificate.parse(made_of(**different))
    assert problem in caught.value.problem


def test_the_certificate_that_the_refused_ones_vary_is_good() -> None:
    assert Certificate.parse(made_of()).serial == 5


def test_two_signature_algorithms_are_refused() -> None:
    other = encode(SEQUENCE, encode_oid("1.2.840.113549.1.1.12"), b"\x05\x00")
    with pytest.raises(FormatError):
        Certificate.parse(made_of(other))


def test_another_signature_algorithm_is_kept_as_its_identifier() -> None:
    other = encode(SEQUENCE, encode_oid("1.2.840.10045.4.3.3"))
    certificate = Certificate.parse(made_of(other, algorithm=other))
    assert certificate.signature_algorithm == other
    assert signature_algorithm_name(certificate.signature_algorithm) == "1.2.840.10045.4.3.3"
    assert signature_algorithm_name(SHA256_WITH_RSA) == "sha256WithRSAEncryption"


def test_sha256_with_rsa_without_its_null_is_another_algorithm() -> None:
    bare = encode(SEQUENCE, encode_oid("1.2.840.113549.1.1.11"))
    assert signature_algorithm_name(bare) == "1.2.840.113549.1.1.11"


@pytest.mark.parametrize(
    ("version", "fields"),
    [(1, {"version": b""}), (2, {"version": bytes.fromhex("A003020101"), "unique": b"\x81\x02\0\1"})],
)
def test_certificates_of_earlier_versions_are_read(version: int, fields: dict[str, bytes]) -> None:
    certificate = Certificate.parse(made_of(**fields, extensions=b""))
    assert (certificate.version, certificate.extensions) == (version, ())


def test_a_key_that_is_not_rsa_is_kept_and_refused_as_rsa() -> None:
    curve = encode(SEQUENCE, encode_oid("1.2.840.10045.2.1"), encode_oid("1.3.132.0.34"))
    certificate = Certificate.parse(made_of(key=encode(SEQUENCE, curve, encode_bits(b"\x04" + bytes(96)))))
    with pytest.raises(FormatError) as caught:
        _ = certificate.public_key
    assert caught.value.problem == "a key that is not RSA"


def test_generalized_times_are_read_also_before_2050() -> None:
    validity = encode(SEQUENCE, b"\x18\x0f20020101120100Z", b"\x18\x0f99991231235959Z")
    certificate = Certificate.parse(made_of(validity=validity))
    assert certificate.not_before == datetime(2002, 1, 1, 12, 1, tzinfo=UTC)
    assert certificate.not_after == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_absent_extensions_say_nothing() -> None:
    certificate = Certificate.parse(made_of(extensions=b""))
    assert certificate.key_usage is None
    assert certificate.extended_key_usage is None
    assert certificate.basic_constraints is None
    assert certificate.authority_key_id is None
    assert certificate.subject_key_id is None
    assert certificate.policies == certificate.ocsp_urls == certificate.distribution_points == ()
    assert certificate.attributes is None
    assert certificate.attribute_problems == ()


def test_critical_extensions_that_nothing_here_reads_are_listed() -> None:
    certificate = with_extensions(
        KEY_USAGE,
        encode_extension("2.5.29.36", encode(SEQUENCE), critical=True),
        encode_extension("1.2.3.4", b"anything", critical=True),
        encode_extension("1.2.3.5", b"anything"),
    )
    certificate.check_extensions()
    assert certificate.unknown_critical_extensions == ("2.5.29.36", "1.2.3.4")


BAD_VALUES = [
    ("2.5.29.15", "", "key_usage"),
    ("2.5.29.15", "0302078000", "key_usage"),
    ("2.5.29.15", "0304060000C0", "key_usage"),
    ("2.5.29.37", "3000", "extended_key_usage"),
    ("2.5.29.37", "30020500", "extended_key_usage"),
    ("2.5.29.32", "3000", "policies"),
    ("2.5.29.32", "300E" + "3005" + "06032A0304" + "3005" + "06032A0304", "policies"),
    ("2.5.29.19", "3003010100", "basic_constraints"),
    ("2.5.29.19", "30060101FF0201FF", "basic_constraints"),
    ("2.5.29.35", "3003820105", "authority_key_id"),
    ("2.5.29.35", "3002A100", "authority_key_id"),
    ("2.5.29.14", "0402AA", "subject_key_id"),
    ("2.5.29.14", "0401AA00", "subject_key_id"),
    ("2.5.29.31", "3000", "distribution_points"),
    ("2.5.29.31", "30023000", "distribution_points"),
    ("2.5.29.31", "300430028100", "distribution_points"),
    ("2.5.29.31", "30063004A002A000", "distribution_points"),
    ("1.3.6.1.5.5.7.1.1", "3000", "ocsp_urls"),
    ("1.3.6.1.5.5.7.1.1", "300B300906032A03048602C3A9", "ocsp_urls"),
    ("2.5.29.17", "3000", "subject_alternative_names"),
    ("2.5.29.17", "30028900", "subject_alternative_names"),
    ("2.5.29.17", "30028400", "subject_alternative_names"),
    ("2.5.29.17", "30028701", "subject_alternative_names"),
    ("2.5.29.18", "3001", "issuer_alternative_names"),
]


@pytest.mark.parametrize(("oid", "value", "view"), BAD_VALUES)
def test_a_bad_value_of_an_extension_is_refused_when_it_is_asked_for(oid: str, value: str, view: str) -> None:
    certificate = with_extensions(encode_extension(oid, bytes.fromhex(value)))
    with pytest.raises(FormatError):
        getattr(certificate, view)
    with pytest.raises(FormatError):
        certificate.check_extensions()


def test_every_bit_of_the_key_usage_has_its_name() -> None:
    certificate = with_extensions(encode_extension("2.5.29.15", bytes.fromhex("030307FF80")))
    assert certificate.key_usage == {
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    }


def test_a_path_length_is_read() -> None:
    value = BasicConstraints(ca=True, path_length=0).encode()
    assert value == bytes.fromhex("30060101FF020100")
    assert with_extensions(encode_extension("2.5.29.19", value)).basic_constraints == BasicConstraints(True, 0)


def test_constraints_without_the_word_authority_are_none() -> None:
    assert with_extensions(encode_extension("2.5.29.19", b"\x30\x00")).basic_constraints == BasicConstraints(ca=False)


def test_an_authority_key_identifier_may_hold_the_identifier_alone() -> None:
    extension = encode_extension("2.5.29.35", AuthorityKeyId(b"\xaa" * 20).encode())
    assert with_extensions(extension).authority_key_id == AuthorityKeyId(b"\xaa" * 20, None, None)


def test_policy_qualifiers_other_than_addresses_are_passed_over() -> None:
    notice = encode(SEQUENCE, encode_oid("1.3.6.1.5.5.7.2.2"), encode(SEQUENCE, encode_text("notice")))
    policy = encode(SEQUENCE, encode_oid("2.5.29.32.0"), encode(SEQUENCE, notice))
    certificate = with_extensions(encode_extension("2.5.29.32", encode(SEQUENCE, policy)))
    assert (certificate.policies, certificate.cps_urls) == (("2.5.29.32.0",), ())


def test_several_policies_are_read_in_their_order() -> None:
    one, two = encode_policy("1.2.3", "http://a.example")[2:], encode_policy("1.2.4", "http://b.example")[2:]
    certificate = with_extensions(encode_extension("2.5.29.32", encode(SEQUENCE, one, two)))
    assert certificate.policies == ("1.2.3", "1.2.4")
    assert certificate.cps_urls == ("http://a.example", "http://b.example")


def alternative_names(*names: bytes) -> Certificate:
    return with_extensions(encode_extension("2.5.29.17", encode(SEQUENCE, *names)))


def test_other_names_of_unknown_kinds_are_kept() -> None:
    furigana = OtherName.encode("1.2.392.200149.8.5.5.7", "コウテキ　ハナコ")
    binary = encode(0xA0, encode_oid("1.2.3"), encode(0xA0, encode(OCTET_STRING, b"\x01")))
    certificate = alternative_names(OtherName.encode("1.2.392.200149.8.5.5.3", "3"), furigana, binary)
    certificate.check_extensions()
    assert [(name.oid, name.text) for name in certificate.other_names[1:]] == [
        ("1.2.392.200149.8.5.5.7", "コウテキ　ハナコ"),
        ("1.2.3", None),
    ]
    assert [name.raw for name in certificate.other_names[1:]] == [furigana, binary]


def test_alternative_names_of_every_kind_are_read() -> None:
    certificate = alternative_names(
        b"\x81\x05a@b.c",
        b"\x82\x03a.b",
        b"\xa3\x00",
        GeneralName.directory(NAME).raw,
        b"\xa5\x02\x05\x00",
        GeneralName.uri("http://a.example").raw,
        b"\x87\x04\x7f\x00\x00\x01",
        b"\x88\x02\x2a\x03",
    )
    names = certificate.subject_alternative_names
    assert [name.tag for name in names] == [0x81, 0x82, 0xA3, 0xA4, 0xA5, 0x86, 0x87, 0x88]
    assert [name.text for name in names] == ["a@b.c", "a.b", None, None, None, "http://a.example", None, None]
    assert names[3].directory_name == NAME
    assert [name.uri_text for name in names if name.uri_text] == ["http://a.example"]


def test_an_attribute_twice_is_refused() -> None:
    certificate = alternative_names(
        OtherName.encode("1.2.392.200149.8.5.5.1", "甲"), OtherName.encode("1.2.392.200149.8.5.5.1", "乙")
    )
    with pytest.raises(FormatError) as caught:
        _ = certificate.attributes
    assert caught.value.problem == "attribute name twice"


def test_an_attribute_of_another_string_type_is_refused() -> None:
    certificate = alternative_names(
        encode(0xA0, encode_oid("1.2.392.200149.8.5.5.3"), encode(0xA0, encode_text("1", 0x13)))
    )
    with pytest.raises(FormatError):
        _ = certificate.attributes


@pytest.mark.parametrize(
    ("different", "problems"),
    [
        ({"1": None}, {"name: missing", "name_flags: length"}),
        ({"1": "公的　花", "2": "00001"}, {"name_flags: length"}),
        ({"2": None}, {"name_flags: length"}),
        ({"2": "0000２"}, {"name_flags: form"}),
        ({"3": None}, {"sex: missing"}),
        ({"3": "9"}, set()),
        ({"3": "3"}, set()),
        ({"3": "0"}, {"sex: unknown"}),
        ({"4": None}, {"birth_date: missing"}),
        ({"4": "319890230"}, {"birth_date: form"}),
        ({"4": "118991201"}, set()),
        ({"5": "所" * 200, "6": "0" * 200}, set()),
        ({"5": "所" * 201, "6": "0" * 201}, {"address: length"}),
        ({"6": "0"}, {"address_flags: length"}),
    ],
)
def test_odd_attributes_are_given_out_and_their_problems_named(
    different: dict[str, str | None], problems: set[str]
) -> None:
    texts = {"1": "公的　花子", "4": "319890107", "3": "2", "5": "東京都", "2": "00000", "6": "000"} | different
    certificate = alternative_names(
        *(OtherName.encode(f"1.2.392.200149.8.5.5.{last}", text) for last, text in texts.items() if text is not None)
    )
    assert set(certificate.attribute_problems) == problems
    assert certificate.attributes is not None
    assert certificate.attributes.name == (texts["1"] or "")
    assert certificate.attributes.sex.raw == (texts["3"] or "")


def test_oversized_input_is_refused() -> None:
    with pytest.raises(FormatError):
        Certificate.parse(made_of(unique=encode(0x81, b"\x00" * 70_000)))


def test_a_signature_that_ends_within_an_octet_is_refused() -> None:
    der = holder(Role.AUTHENTICATION).raw
    with pytest.raises(FormatError):
        Certificate.parse(der[:-257] + b"\x01" + der[-256:])


def test_what_certificates_of_strangers_hold_is_not_kept_in_memory() -> None:
    def read(number: int) -> None:
        names = b"".join(GeneralName.uri(f"{number:06d}").raw for _ in range(1700))
        point = encode(SEQUENCE, encode(0xA0, encode(0xA0, names)))
        long_issuer = encode(SEQUENCE, *(Name.of(("OU", f"{number:03d}")).raw[2:] for _ in range(900)))
        points = encode_extension("2.5.29.31", encode(SEQUENCE, point))
        extensions = encode(0xA3, encode(SEQUENCE, points))
        assert len(Certificate.parse(made_of(extensions=extensions, issuer=long_issuer)).distribution_points) == 1

    read(0)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(1, 21):
            read(number)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 500_000
