"""The card's commands by class and instruction: which handler answers what.

`ANYWHERE` holds the commands that every reader may send. `INSIDE` holds those of the secure channel: they are tried
first for a command that came through one, and refused as "access condition not met" for a command that did not and
that `ANYWHERE` does not know either. Keys are CLA * 256 + INS, CLA without logical channel, chaining and secure
messaging; 84 82 keeps its bit.
"""

from __future__ import annotations

from .challenge import get_challenge
from .key_pairs import activate_file, generate_key_pair, import_key
from .personalisation import (
    create_file,
    get_status,
    put_key,
    reset_retry_counter,
    set_initial_pin,
    set_status,
    update_binary,
)
from .pins import change_reference_data, verify
from .reading import read_binary
from .secure_channel import external_authenticate, initialize_update
from .selection import select
from .session import Handler
from .signing import compute_signature

__all__ = ["ANYWHERE", "INSIDE"]

ANYWHERE: dict[int, Handler] = {
    0x0020: verify,
    0x0024: change_reference_data,
    0x0084: get_challenge,
    0x00A4: select,
    0x00B0: read_binary,
    0x802A: compute_signature,
    0x8050: initialize_update,
    0x8482: external_authenticate,
}
INSIDE: dict[int, Handler] = {
    0x0024: set_initial_pin,
    0x002C: reset_retry_counter,
    0x0044: activate_file,
    0x0047: generate_key_pair,
    0x00D6: update_binary,
    0x00DB: import_key,
    0x00E0: create_file,
    0x80D8: put_key,
    0x80F0: set_status,
    0x80F2: get_status,
}
