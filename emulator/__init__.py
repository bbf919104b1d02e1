"""A card in software: card file, file system, PINs, keys and commands, as the card profile has them."""

from .bridge import LOOPBACK, SLOT_PORTS, Bridge, InsertableCard, insert_where_free
from .card import EmulatedCard, create_blank, open_card
from .card_file import CardFile
from .errors import (
    CardFileBusy,
    CardFileDamaged,
    CardFileExists,
    CardFileExposed,
    CardFileNotWritten,
    NoCardFile,
    NoVirtualReader,
    ReaderSlotTaken,
)
from .keys import GeneratedKeys, KeySource
from .memory import VolatileMemory
from .session import CardMemory
from .state import (
    ApplicationState,
    CardState,
    IssuerKeys,
    LifeCycle,
    PinState,
    RsaKey,
    blank_state,
)

__all__ = [
    "LOOPBACK",
    "SLOT_PORTS",
    "ApplicationState",
    "Bridge",
    "CardFile",
    "CardFileBusy",
    "CardFileDamaged",
    "CardFileExists",
    "CardFileExposed",
    "CardFileNotWritten",
    "CardMemory",
    "CardState",
    "EmulatedCard",
    "GeneratedKeys",
    "InsertableCard",
    "IssuerKeys",
    "KeySource",
    "LifeCycle",
    "NoCardFile",
    "NoVirtualReader",
    "PinState",
    "ReaderSlotTaken",
    "RsaKey",
    "VolatileMemory",
    "blank_state",
    "create_blank",
    "insert_where_free",
    "open_card",
]
