"""Reading transparent files in as few exchanges as a card allows."""

from __future__ import annotations

from card_profiles import Application, Dialect, TransparentFile
from jpki.formats import MAX_SHORT_LE, Command, Response, StatusWord

from .channel import Card
from .errors import BadCardFile, CardRefused

__all__ = ["declared_file", "read_der", "read_fixed", "select_file"]

_READ_BINARY = 0xB0
_SHORT_ID = 0x80
_SEQUENCE = 0x30
_FILLER = (0x00, 0xFF)
_HEADER = 4  # of a DER object of 128 to 65,535 bytes; there is no shorter certificate
# Data that come with these are good: the file, or what was asked of it, ends here.
_WITH_DATA = (StatusWord(0x9000), StatusWord(0x6282))


def declared_file(application: Application, file: int) -> TransparentFile:
    """Returns what a profile declares under the identifier of a transparent file; KeyError where it has none."""
    for declared in application.files:
        if declared.id == file:
            return declared
    raise KeyError(file)


def select_file(card: Card, file: int) -> None:
    """Makes a file current, for cards that give it no short identifier; raises CardRefused."""
    status = card.send(Command(0x00, 0xA4, 0x02, 0x0C, file.to_bytes(2, "big"))).status
    if not status.ok:
        raise CardRefused(command="SELECT FILE", status=status)


def read_der(card: Card, file: TransparentFile, dialect: Dialect) -> bytes | None:
    """Returns the DER object at the start of a file, or None where the file is not there or nothing was written to it.

    Blocks of 256 bytes: the first one tells the length, so no exchange is spent on it, and what fills the file up after
    the object is not read. Raises BadCardFile, and CardRefused where the card does not give the file out.
    """
    try:
        data = _first(card, file, MAX_SHORT_LE)
    except CardRefused as refused:
        if refused.status in (dialect.no_file, dialect.offset):  # not there, or of no bytes at all
            return None
        raise
    if not data or data[0] in _FILLER:
        return None
    total = _length(data, file)
    while len(data) < total:
        block = _block(card, len(data), min(MAX_SHORT_LE, total - len(data)))
        if block.status == dialect.offset or (block.status in _WITH_DATA and not block.data):
            raise BadCardFile(file=file.id, problem="cut short")
        data += _taken(block)
    return data[:total]


def read_fixed(card: Card, file: TransparentFile) -> bytes:
    """Returns the first bytes of a file, up to its size and at most 256; raises CardRefused."""
    return _first(card, file, min(MAX_SHORT_LE, file.size))


def _length(data: bytes, file: TransparentFile) -> int:
    count = data[1] & 0x7F if len(data) >= _HEADER else 0
    if data[0] != _SEQUENCE or not data[1:2] > b"\x80" or not 1 <= count <= 2:
        raise BadCardFile(file=file.id, problem="no certificate")
    total = 2 + count + int.from_bytes(data[2 : 2 + count], "big")
    if total > file.size:
        raise BadCardFile(file=file.id, problem="a certificate longer than its file")
    return total


def _first(card: Card, file: TransparentFile, length: int) -> bytes:
    if file.short_id is None:
        select_file(card, file.id)
        return _taken(card.send(Command(0x00, _READ_BINARY, 0x00, 0x00, le=length)))
    return _taken(card.send(Command(0x00, _READ_BINARY, _SHORT_ID | file.short_id, 0x00, le=length)))


def _block(card: Card, offset: int, length: int) -> Response:
    return card.send(Command(0x00, _READ_BINARY, offset >> 8, offset & 0xFF, le=length))


def _taken(response: Response) -> bytes:
    if response.status not in _WITH_DATA:
        raise CardRefused(command="READ BINARY", status=response.status)
    return response.data
