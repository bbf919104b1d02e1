"""What a transport asks for between a command and its whole response (ISO/IEC 7816-4, 5.1 and 5.3)."""

from __future__ import annotations

from dataclasses import replace

from jpki.formats import MAX_SHORT_DATA, MAX_SHORT_LE, Command, Response
from jpki.terms import Secret

from .channel import Card, Wrapped
from .errors import BadAnswer

__all__ = ["Chaining", "Completing", "Resolving"]

_CHAINING = 0x10
_GET_RESPONSE = 0xC0
# CLA bits that GET RESPONSE and the parts of a chain keep: the logical channel, not secure messaging.
_CHANNEL = 0x03
_LONGEST_ANSWER = 65_536
# A byte at a time of the longest file that a profile has; a reader takes some 10 ms for each.
_MOST_PARTS = 4_096


class Completing(Wrapped):
    """Fetches the rest of an answer (61xx: GET RESPONSE) and repeats a command with the Le that the card asks for.

    A command that asks for nothing, as VERIFY does, is never sent twice.
    """

    def send(self, command: Command) -> Response:
        """Brings the whole response; raises BadAnswer where it does not end."""
        response = self._card.send(command)
        right_le = response.status.right_le
        if right_le is not None and command.le is not None and right_le != command.le:
            response = self._card.send(replace(command, le=right_le))
        data, parts = response.data, 1
        while (more := response.status.more) is not None:
            response = self._fetch(Command(command.cla & _CHANNEL, _GET_RESPONSE, le=more))
            data, parts = data + response.data, parts + 1
            endless = len(data) > _LONGEST_ANSWER or parts > _MOST_PARTS
            if endless or (response.status.more is not None and not response.data):
                raise BadAnswer(problem="an answer without end")
        return Response(data, response.status)

    def _fetch(self, command: Command) -> Response:
        response = self._card.send(command)
        right_le = response.status.right_le
        return response if right_le is None else self._card.send(replace(command, le=right_le))


class Chaining(Wrapped):
    """Sends a body of more than 255 bytes as a chain of commands, and asks for no more than 256 bytes at a time."""

    def send(self, command: Command) -> Response:
        """Brings the response to the last part, or to the first that the card refuses."""
        if not command.extended:
            return self._card.send(command)
        body = command.body
        le = None if command.le is None else min(command.le, MAX_SHORT_LE)
        last = max(0, (len(body) - 1) // MAX_SHORT_DATA * MAX_SHORT_DATA)
        for start in range(0, last, MAX_SHORT_DATA):
            part = _like(command, body[start : start + MAX_SHORT_DATA])
            response = self._card.send(replace(command, cla=command.cla | _CHAINING, data=part, le=None))
            if not response.ok:
                return response
        return self._card.send(replace(command, data=_like(command, body[last:]), le=le))


class Resolving(Wrapped):
    """Brings whole responses to commands of any length over short length fields: Chaining, and Completing on it.

    A card that takes extended length fields can do without the chaining: Completing(Encoded(connection)).
    """

    def __init__(self, card: Card) -> None:
        super().__init__(Completing(Chaining(card)))


def _like(command: Command, part: bytes) -> bytes | Secret:
    return Secret(part) if command.secret else part
