"""`jpki card`: everything about the card that is in a reader, or emulated."""

from __future__ import annotations

from ..frame import group

__all__ = ["card"]

card = group(
    "card",
    {
        "info": ".commands.card_info:info",
        "pin-status": ".commands.card_info:pin_status",
        "cert": ".commands.card_certificate:cert",
        "sign": ".commands.card_sign:sign",
        "auth": ".commands.card_auth:auth",
        "pin-change": ".commands.card_pin_change:pin_change",
        "pin-reset": ".commands.card_pin_reset:pin_reset",
        "apdu": ".commands.card_apdu:apdu",
    },
)
