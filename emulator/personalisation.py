"""The issuer's commands inside the secure channel: card keys, files, PINs, life cycle.

Source of every byte: docs/personalisation.md, "Commands inside the channel". Key pairs are in `key_pairs`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from card_profiles import LONGEST_PIN, PinPolicy, RoleFiles, TransparentFile, Write
from jpki.formats import (
    WELL_KNOWN_KEYS,
    CardKeys,
    Command,
    FormatError,
    Response,
    StatusWord,
    check_value,
    find_tlv,
    read_put_key_body,
    tlv,
)
from jpki.terms import Secret

from .issuing import require_own, require_personalising, require_sealed
from .key_pairs import certificate_in, certified_modulus
from .pins import change_reference_data, pin_policy
from .reading import transparent_file
from .secure_channel import OpenChannel
from .session import Refusal, Session
from .state import KEY_LENGTHS, ApplicationState, IssuerKeys, LifeCycle, PinState

__all__ = [
    "create_file",
    "get_status",
    "put_key",
    "reset_retry_counter",
    "set_initial_pin",
    "set_status",
    "update_binary",
]

_BAD_DATA = StatusWord(0x6A80)
_NO_ROOM = StatusWord(0x6A84)
_NOT_FOUND = StatusWord(0x6A88)
_FILE_EXISTS = StatusWord(0x6A89)
_DONE = Response()

_ISSUER_DOMAIN, _AS_TLV = 0x80, 0x02
_EVERY_NAME = bytes.fromhex("4F00")
_ALL_THREE_KEYS = 0x81
_NEW_VALUE_ONLY, _NEW_PIN = 0x01, 0x02


def get_status(session: Session, command: Command) -> Response:
    """Answers GET STATUS (80 F2 80 02): the issuer domain's AID, and how far the card has come."""
    if (command.p1, command.p2) != (_ISSUER_DOMAIN, _AS_TLV):
        raise Refusal(session.profile.status.parameters)
    if command.body != _EVERY_NAME:
        raise Refusal(_BAD_DATA)
    life_cycle = bytes((session.state.life_cycle,))
    return Response(tlv(0xE3, [tlv(0x4F, session.profile.issuer.aid), tlv(0x9F70, life_cycle)]))


def put_key(session: Session, command: Command) -> Response:
    """Answers PUT KEY (80 D8): the whole key set is replaced; the well-known keys never come back."""
    state, issuer = session.state, session.profile.issuer
    channel = session.channel
    if not isinstance(channel, OpenChannel) or not (channel.own or state.life_cycle is LifeCycle.BLANK):
        raise Refusal(session.profile.status.not_allowed)
    if command.p2 != _ALL_THREE_KEYS:
        raise Refusal(session.profile.status.parameters)
    if command.p1 != state.issuer_keys.version:
        raise Refusal(_NOT_FOUND)
    try:
        version, keys = read_put_key_body(command.body, channel.data_key)
    except FormatError:
        raise Refusal(_BAD_DATA) from None
    # Not one of the three: whoever knows the MAC key opens a channel, whatever the others are.
    if version != issuer.own_version or keys.length not in KEY_LENGTHS or WELL_KNOWN_KEYS.mac in keys.in_order:
        raise Refusal(_BAD_DATA)
    session.commit(
        replace(state, issuer_keys=_stored(version, keys), life_cycle=max(state.life_cycle, LifeCycle.OWN_KEYS))
    )
    return Response(bytes((version,)) + b"".join(check_value(key) for key in keys.in_order))


def _stored(version: int, keys: CardKeys) -> IssuerKeys:
    return IssuerKeys(version, enc=keys.encryption, mac=keys.mac, dek=keys.data)


def create_file(session: Session, command: Command) -> Response:
    """Answers CREATE FILE (00 E0): an empty transparent file of the profile; one that is there is emptied."""
    require_personalising(session)
    if command.p1 or command.p2:
        raise Refusal(session.profile.status.parameters)
    identifier, size = _file_to_create(command.body)
    declared = session.selected.by_id.get(identifier)
    if not isinstance(declared, TransparentFile) or not 1 <= size <= declared.size:
        raise Refusal(_BAD_DATA)
    present = session.contents.files.get(identifier)
    if present is not None and len(present) != size:
        raise Refusal(_FILE_EXISTS)
    session.commit_contents(session.contents.with_file(identifier, b"\xff" * size))
    session.file = identifier
    return _DONE


def _file_to_create(body: bytes) -> tuple[int, int]:
    try:
        identifier, size = (find_tlv(body, 0x62, tag) for tag in (0x83, 0x80))
    except FormatError:
        raise Refusal(_BAD_DATA) from None
    if identifier is None or size is None or len(identifier) != 2 or len(size) != 2:
        raise Refusal(_BAD_DATA)
    return int.from_bytes(identifier, "big"), int.from_bytes(size, "big")


def update_binary(session: Session, command: Command) -> Response:
    """Answers UPDATE BINARY (00 D6): 15-bit offset in the current EF, or short identifier and 8-bit offset."""
    status = session.profile.status
    require_own(session)
    declared, offset = transparent_file(session, command)
    if declared.write is Write.PERSONALISATION and session.state.life_cycle is LifeCycle.SEALED:
        raise Refusal(status.not_allowed)
    if not command.body:
        raise Refusal(status.length)
    present = session.contents.files[declared.id]
    end = offset + len(command.body)
    if offset >= len(present):
        raise Refusal(status.offset)
    if end > len(present):
        raise Refusal(_NO_ROOM)
    written = present[:offset] + command.body + present[end:]
    session.commit_contents(session.contents.with_file(declared.id, written))
    return _DONE


def set_initial_pin(session: Session, command: Command) -> Response:
    """Answers CHANGE REFERENCE DATA (00 24 01) before sealing; everywhere else it is the holder's command."""
    if not session.own or session.state.life_cycle is LifeCycle.SEALED:
        return change_reference_data(session, command)
    if command.p1 != _NEW_VALUE_ONLY:
        raise Refusal(session.profile.status.parameters)
    return _set_pin(session, pin_policy(session, command.p2), command.body)


def reset_retry_counter(session: Session, command: Command) -> Response:
    """Answers RESET RETRY COUNTER (00 2C 02): a new PIN and all its tries, on a sealed card."""
    require_sealed(session)
    if command.p1 != _NEW_PIN:
        raise Refusal(session.profile.status.parameters)
    policy = pin_policy(session, command.p2)
    if policy.name not in session.contents.pins:
        raise Refusal(_NOT_FOUND)
    return _set_pin(session, policy, command.body)


def _set_pin(session: Session, policy: PinPolicy, value: bytes) -> Response:
    if not 1 <= len(value) <= LONGEST_PIN:
        raise Refusal(session.profile.status.length)
    if re.fullmatch(policy.format.encode(), value) is None:
        raise Refusal(_BAD_DATA)
    session.commit_contents(session.contents.with_pin(policy.name, PinState(Secret(value), policy.tries)))
    session.verified.discard(policy.name)
    return _DONE


def set_status(session: Session, command: Command) -> Response:
    """Answers SET STATUS (80 F0 80 0F), the seal: every certificate that is present needs its key and its PIN."""
    require_own(session)
    if (command.p1, command.p2) != (_ISSUER_DOMAIN, LifeCycle.SEALED):
        raise Refusal(session.profile.status.parameters)
    state = session.state
    if state.life_cycle is LifeCycle.SEALED:
        return _DONE
    for application in session.profile.applications:
        contents = state.applications[application.name]
        if not all(_complete(contents, role) for role in application.roles.values()):
            raise Refusal(session.profile.status.conditions)
    session.commit(replace(state, life_cycle=LifeCycle.SEALED))
    return _DONE


def _complete(contents: ApplicationState, role: RoleFiles) -> bool:
    content = contents.files.get(role.certificate.id, b"")
    if not content.strip(b"\xff"):
        return True
    key = contents.keys.get(role.key.file)
    return key is not None and role.pin.name in contents.pins and certified_modulus(certificate_in(content)) == key.n
