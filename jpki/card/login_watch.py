"""Which commands leave a card as nobody's: after any other one it is powered off before someone else gets it."""

from __future__ import annotations

__all__ = ["may_log_in"]

_SELECT = 0xA4
_READ_BINARY = 0xB0
_GET_RESPONSE = 0xC0
_VERIFY = 0x20
_HARMLESS = frozenset({_SELECT, _READ_BINARY, _GET_RESPONSE})
_HEADER = 4


def may_log_in(command: bytes) -> bool:
    """Returns whether a command, as bytes, may change what the next user of the card is allowed to do.

    Harmless are only plain SELECT, READ BINARY and GET RESPONSE, and VERIFY without a body, which asks for the tries.
    """
    if len(command) < _HEADER or command[0] != 0x00:
        return True
    instruction = command[1]
    if instruction == _VERIFY:
        return len(command) > _HEADER
    return instruction not in _HARMLESS
