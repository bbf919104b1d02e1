"""The issuer's commands for key pairs: generated on the card or imported, read, and at a renewal made the current ones.

Source of every byte: docs/personalisation.md, "Commands inside the channel".
"""

from __future__ import annotations

from card_profiles import Application, Key, RoleFiles
from jpki.formats import Certificate, Command, DerReader, FormatError, Response, StatusWord, find_tlv, tlv

from .issuing import require_own, require_personalising, require_sealed
from .session import Refusal, Session
from .state import EXPONENT, MODULUS_BITS, ApplicationState, LifeCycle, RsaKey

__all__ = ["activate_file", "certificate_in", "certified_modulus", "generate_key_pair", "import_key"]

_BAD_DATA = StatusWord(0x6A80)
_NOT_FOUND = StatusWord(0x6A88)
_DONE = Response()

_GENERATE, _READ = 0x80, 0x81
_EXTENDED_HEADER_LIST = (0x3F, 0xFF)
_SEQUENCE = 0x30


def generate_key_pair(session: Session, command: Command) -> Response:
    """Answers GENERATE ASYMMETRIC KEY PAIR (00 47): a fresh key (P1 80), or the public key that is there (P1 81).

    On a sealed card a fresh key waits beside the old one, and a certificate that waited for an earlier one is wiped.
    """
    require_own(session)
    if command.p1 not in (_GENERATE, _READ) or command.p2:
        raise Refusal(session.profile.status.parameters)
    key, file = _named_key(session, _value(command.body, 0xAC, 0x84))
    if command.p1 == _READ:
        present = session.contents.keys.get(file)
        if present is None:
            raise Refusal(_NOT_FOUND)
        return _public(present)
    sealed = session.state.life_cycle is LifeCycle.SEALED
    if file != (key.next_file if sealed else key.file):
        raise Refusal(session.profile.status.conditions)
    fresh = session.keys.generate()
    contents = session.contents.with_key(file, fresh)
    if sealed:
        contents = _without_waiting_certificate(contents, _role_of(session.selected, key))
    session.commit_contents(contents)
    return _public(fresh)


def _public(key: RsaKey) -> Response:
    exponent = key.e.to_bytes((key.e.bit_length() + 7) // 8, "big")
    return Response(tlv(0x7F49, [tlv(0x81, key.n.to_bytes(MODULUS_BITS // 8, "big")), tlv(0x82, exponent)]))


def import_key(session: Session, command: Command) -> Response:
    """Answers IMPORT KEY (00 DB 3F FF): two primes and the exponent 65,537, before sealing."""
    require_personalising(session)
    if (command.p1, command.p2) != _EXTENDED_HEADER_LIST:
        raise Refusal(session.profile.status.parameters)
    declared, file = _named_key(session, _value(command.body, 0x7F48, 0x84))
    if file != declared.file:
        raise Refusal(session.profile.status.conditions)
    e, p, q = (int.from_bytes(_value(command.body, 0x7F48, tag), "big") for tag in (0x91, 0x92, 0x93))
    key = RsaKey(p=p, q=q, e=e)
    if e != EXPONENT or key.n.bit_length() != MODULUS_BITS or not _usable(key):
        raise Refusal(_BAD_DATA)
    session.commit_contents(session.contents.with_key(file, key))
    return _DONE


def _usable(key: RsaKey) -> bool:
    if key.p == key.q or min(key.p, key.q) < 3:
        return False
    try:
        key.private_key  # noqa: B018 - made here, so that it cannot fail when the card is to sign
    except ValueError:
        return False
    return True


def activate_file(session: Session, command: Command) -> Response:
    """Answers ACTIVATE FILE (00 44): the waiting key and certificate take the old ones' places, in one write."""
    require_sealed(session)
    status = session.profile.status
    if command.p1 or command.p2:
        raise Refusal(status.parameters)
    key, file = _named_key(session, _value(command.body, 0x84))
    waiting = session.contents.keys.get(file)
    if file != key.next_file or waiting is None:
        raise Refusal(_NOT_FOUND)
    contents = session.contents
    role = _role_of(session.selected, key)
    old = contents.files.get(role.certificate.id) if role else None
    certificate = certificate_in(contents.files.get(role.next_certificate.id, b"")) if role else None
    if role is None or old is None or certificate is None or len(certificate) > len(old):
        raise Refusal(status.conditions)
    if certified_modulus(certificate) != waiting.n:
        raise Refusal(status.conditions)
    contents = contents.with_key(key.file, waiting).with_key(key.next_file, None)
    contents = contents.with_file(role.certificate.id, certificate.ljust(len(old), b"\xff"))
    session.commit_contents(_without_waiting_certificate(contents, role))
    return _DONE


def _without_waiting_certificate(contents: ApplicationState, role: RoleFiles | None) -> ApplicationState:
    file = role.next_certificate.id if role else None
    if file is None or file not in contents.files:
        return contents
    return contents.with_file(file, b"\xff" * len(contents.files[file]))


def certificate_in(content: bytes) -> bytes | None:
    """Returns the certificate at the beginning of a file, without the FF behind it, or None where there is none."""
    try:
        return DerReader(content, "certificate").element(_SEQUENCE)
    except FormatError:
        return None


def certified_modulus(certificate: bytes | None) -> int | None:
    """Returns the modulus of the RSA key that a certificate certifies, or None where it cannot be read."""
    if certificate is None:
        return None
    try:
        return Certificate.parse(certificate).public_key.modulus
    except FormatError:
        return None


def _named_key(session: Session, file: bytes) -> tuple[Key, int]:
    identifier = int.from_bytes(file, "big")
    declared = session.selected.by_id.get(identifier)
    if len(file) != 2 or not isinstance(declared, Key):
        raise Refusal(_NOT_FOUND)
    return declared, identifier


def _role_of(application: Application, key: Key) -> RoleFiles | None:
    return next((role for role in application.roles.values() if role.key == key), None)


def _value(body: bytes, *path: int) -> bytes:
    try:
        value = find_tlv(body, *path)
    except FormatError:
        value = None
    if value is None:
        raise Refusal(_BAD_DATA)
    return value
