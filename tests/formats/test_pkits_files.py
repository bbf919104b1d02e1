"""The certificates and lists of NIST's test suite PKITS are read, and those that are broken on purpose are refused."""

from __future__ import annotations

from pathlib import Path

import cryptography_vectors
import pytest

from jpki.formats import Certificate, CertificateList, FormatError

FOLDER = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"
# Signatures damaged so that the bit string is none any more, and the negative number that a certificate may not have.
REFUSED_CERTIFICATES = {"BadSignedCACert", "InvalidDSASignatureTest6EE", "InvalidNegativeSerialNumberTest15EE"}
REFUSED_LISTS = {"BadCRLSignatureCACRL"}


def outcome(file: Path) -> str | None:
    """Returns the problem with a file, or None where all of it is read."""
    try:
        if file.suffix == ".crt":
            Certificate.parse(file.read_bytes()).check_extensions()
        else:
            found = CertificateList.parse(file.read_bytes())
            assert [found.find(entry.serial) for entry in found if not found.is_indirect] == [
                entry for entry in found if not found.is_indirect
            ]
    except FormatError as error:
        return error.problem
    return None


@pytest.mark.parametrize(
    ("pattern", "number", "refused"),
    [("certs/*.crt", 405, REFUSED_CERTIFICATES), ("crls/*.crl", 173, REFUSED_LISTS)],
)
def test_all_files_are_read_but_those_that_are_no_certificate_or_list(
    pattern: str, number: int, refused: set[str]
) -> None:
    outcomes = {file.stem: outcome(file) for file in FOLDER.glob(pattern)}
    assert len(outcomes) == number
    assert {name for name, problem in outcomes.items() if problem} == refused


def test_a_list_names_the_critical_extensions_it_has_that_nothing_reads() -> None:
    entry, whole = (
        CertificateList.parse((FOLDER / "crls" / f"{name}.crl").read_bytes())
        for name in ("UnknownCRLEntryExtensionCACRL", "UnknownCRLExtensionCACRL")
    )
    assert entry.unknown_critical_entry_extensions == ("2.16.840.1.101.2.1.12.2",)
    assert whole.unknown_critical_extensions == ("2.16.840.1.101.2.1.12.2",)


def test_a_list_finds_a_negative_number_and_not_its_positive_look_alike() -> None:
    found = CertificateList.parse((FOLDER / "crls" / "NegativeSerialNumberCACRL.crl").read_bytes())
    certificate = Certificate.parse((FOLDER / "certs" / "ValidNegativeSerialNumberTest14EE.crt").read_bytes())
    assert found.find(-1) is not None
    assert found.find(certificate.serial) is None
