"""READ BINARY: the content of a transparent file, by offset, under its access condition."""

from __future__ import annotations

from card_profiles import TransparentFile
from jpki.formats import Command, Response

from .session import Refusal, Session

__all__ = ["read_binary", "transparent_file"]


def read_binary(session: Session, command: Command) -> Response:
    """Answers READ BINARY (00 B0): 15-bit offset in the current EF, or short identifier and 8-bit offset.

    The answer is as long as Le allows and the file goes, with 9000 either way. Source: docs/facts.md, commands.
    """
    status = session.profile.status
    if command.le is None or command.data:
        raise Refusal(status.length)
    declared, offset = transparent_file(session, command)
    if not declared.read.free and session.verified.isdisjoint(declared.read.pins):
        raise Refusal(status.not_allowed)
    content = session.contents.files[declared.id]
    if offset >= len(content):
        raise Refusal(status.offset)
    return Response(content[offset : offset + command.le])


def transparent_file(session: Session, command: Command) -> tuple[TransparentFile, int]:
    """Returns the file and the offset that P1 and P2 of READ and UPDATE BINARY name, and makes it the current EF.

    It refuses a file that is not there and one that is not transparent. Source: ISO/IEC 7816-4, 7.2.2.
    """
    status = session.profile.status
    if command.p1 & 0x80:
        if command.p1 & 0x60:
            raise Refusal(status.parameters)
        file, offset = command.p1 & 0x1F, command.p2
        if not 1 <= file <= 0x1E:
            raise Refusal(status.parameters)
    elif session.file is None:
        raise Refusal(status.no_current)
    else:
        file, offset = session.file, command.p1 << 8 | command.p2
    declared = session.find(file)
    session.file = file
    if not isinstance(declared, TransparentFile):
        raise Refusal(status.internal)
    return declared, offset
