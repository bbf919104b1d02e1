"""Bytes to values and back: commands, data objects, certificates, revocation lists. No I/O, no clock."""

from .apdu import MAX_EXTENDED, MAX_SHORT_DATA, MAX_SHORT_LE, Command, Response, StatusWord
from .card_keys import (
    SERIAL_LENGTH,
    WELL_KNOWN_KEYS,
    CardKeys,
    IssuerMasterKey,
    check_value,
    counter_mode_kdf,
    put_key_body,
    read_put_key_body,
)
from .certificate import Certificate
from .certificate_list import CertificateList, certificate_list_tbs
from .certificate_profile import CertificateProfile
from .certificate_profile_file import certificate_profile_names, load_certificate_profile
from .certificate_rules import ProfileKind
from .certificate_template import CertificateTemplate, Hosts, Municipality
from .der import DerReader
from .digest_info import digest_info
from .distribution_points import DistributionPoint, DistributionPointName, IssuingDistributionPoint
from .errors import BadHost, FormatError, NoSuchProfile, ProfileError
from .extensions import AuthorityKeyId, BasicConstraints, Extension
from .four_attributes import attribute_problems
from .list_frame import ListFrame
from .list_scan import ScannedList, scan_certificate_list
from .names import GeneralName, Name, NameAttribute, OtherName
from .object_identifiers import (
    AUTHENTICATION_POLICY,
    CLIENT_AUTHENTICATION,
    OCSP_SIGNING,
    PHONE_SIGNATURE_POLICY,
    SHA1,
    SHA256,
    SIGNATURE_POLICY,
    TEST_AUTHENTICATION_POLICY,
    TEST_RESPONDER_POLICY,
    TEST_SIGNATURE_POLICY,
)
from .ocsp_cert_id import CertId, cert_id_issuer, cert_id_issuers
from .ocsp_extensions import MAX_NONCE_OCTETS
from .ocsp_request import MAX_CERT_IDS, MAX_OCSP_REQUEST_OCTETS, OcspRequest, ocsp_request
from .ocsp_response import (
    CERT_GOOD,
    CERT_UNKNOWN,
    BasicOcspResponse,
    CertState,
    CertStatus,
    OcspResponse,
    OcspResponseStatus,
    SingleResponse,
)
from .ocsp_template import (
    OCSP_INTERNAL_ERROR,
    OCSP_MALFORMED_REQUEST,
    OCSP_TRY_LATER,
    OCSP_UNAUTHORIZED,
    OcspTemplate,
    encode_single_response,
)
from .pem import from_pem, to_pem
from .presence import encode_presence, parse_presence
from .profile_table import ProfileTable
from .public_key import RsaPublicKey, key_identifier, rsa_public_key_info
from .request import CertificateRequest, certificate_request
from .revocation_reason import RevocationReason
from .revoked_entries import RevokedEntry, encode_revoked, encode_revoked_line, encode_revoked_lines
from .scp03 import (
    CHALLENGE_LENGTH,
    EXTERNAL_AUTHENTICATE,
    INITIALIZE_UPDATE,
    CardSession,
    Handshake,
    HostSession,
    InitializeUpdateAnswer,
    SecurityLevel,
    SessionKeys,
)
from .signed import SHA256_WITH_RSA, signature_algorithm_name, signed
from .tlv import Tlv, encode_length, find_tlv, parse_tlvs, tlv
from .token_info import TOKEN_INFO_LENGTH, TokenInfo, token_label

__all__ = [
    "AUTHENTICATION_POLICY",
    "CERT_GOOD",
    "CERT_UNKNOWN",
    "CHALLENGE_LENGTH",
    "CLIENT_AUTHENTICATION",
    "EXTERNAL_AUTHENTICATE",
    "INITIALIZE_UPDATE",
    "MAX_CERT_IDS",
    "MAX_EXTENDED",
    "MAX_NONCE_OCTETS",
    "MAX_OCSP_REQUEST_OCTETS",
    "MAX_SHORT_DATA",
    "MAX_SHORT_LE",
    "OCSP_INTERNAL_ERROR",
    "OCSP_MALFORMED_REQUEST",
    "OCSP_SIGNING",
    "OCSP_TRY_LATER",
    "OCSP_UNAUTHORIZED",
    "PHONE_SIGNATURE_POLICY",
    "SERIAL_LENGTH",
    "SHA1",
    "SHA256",
    "SHA256_WITH_RSA",
    "SIGNATURE_POLICY",
    "TEST_AUTHENTICATION_POLICY",
    "TEST_RESPONDER_POLICY",
    "TEST_SIGNATURE_POLICY",
    "TOKEN_INFO_LENGTH",
    "WELL_KNOWN_KEYS",
    "AuthorityKeyId",
    "BadHost",
    "BasicConstraints",
    "BasicOcspResponse",
    "CardKeys",
    "CardSession",
    "CertId",
    "CertState",
    "CertStatus",
    "Certificate",
    "CertificateList",
    "CertificateProfile",
    "CertificateRequest",
    "CertificateTemplate",
    "Command",
    "DerReader",
    "DistributionPoint",
    "DistributionPointName",
    "Extension",
    "FormatError",
    "GeneralName",
    "Handshake",
    "HostSession",
    "Hosts",
    "InitializeUpdateAnswer",
    "IssuerMasterKey",
    "IssuingDistributionPoint",
    "ListFrame",
    "Municipality",
    "Name",
    "NameAttribute",
    "NoSuchProfile",
    "OcspRequest",
    "OcspResponse",
    "OcspResponseStatus",
    "OcspTemplate",
    "OtherName",
    "ProfileError",
    "ProfileKind",
    "ProfileTable",
    "Response",
    "RevocationReason",
    "RevokedEntry",
    "RsaPublicKey",
    "ScannedList",
    "SecurityLevel",
    "SessionKeys",
    "SingleResponse",
    "StatusWord",
    "Tlv",
    "TokenInfo",
    "attribute_problems",
    "cert_id_issuer",
    "cert_id_issuers",
    "certificate_list_tbs",
    "certificate_profile_names",
    "certificate_request",
    "check_value",
    "counter_mode_kdf",
    "digest_info",
    "encode_length",
    "encode_presence",
    "encode_revoked",
    "encode_revoked_line",
    "encode_revoked_lines",
    "encode_single_response",
    "find_tlv",
    "from_pem",
    "key_identifier",
    "load_certificate_profile",
    "ocsp_request",
    "parse_presence",
    "parse_tlvs",
    "put_key_body",
    "read_put_key_body",
    "rsa_public_key_info",
    "scan_certificate_list",
    "signature_algorithm_name",
    "signed",
    "tlv",
    "to_pem",
    "token_label",
]
