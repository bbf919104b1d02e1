"""A card on a bench, and the issuer's commands that are tried on it."""

from __future__ import annotations

from dataclasses import replace

from issuing import counted_random
from prime_pool import PrimePool

from card_profiles import load_profile
from emulator import EmulatedCard, LifeCycle, RsaKey, VolatileMemory
from jpki.card import Card, Encoded, LocalConnection, Resolving, Secured, open_issuer_channel, select_application
from jpki.formats import CardKeys, Command, Response, tlv

PROFILE = load_profile("mynumber")
SIGN_FILE, NEXT_SIGN_FILE = 0x001A, 0x005A


def key_body(key: RsaKey, file: int = SIGN_FILE, **other: int) -> bytes:
    numbers = {"e": key.e, "p": key.p, "q": key.q} | other
    tags = {"e": 0x91, "p": 0x92, "q": 0x93}
    parts = [tlv(tags[name], number.to_bytes(256, "big").lstrip(b"\x00")) for name, number in numbers.items()]
    return tlv(0x7F48, [tlv(0x84, file.to_bytes(2, "big")), *parts])


def hexadecimal(command: Command) -> str:
    return command.encode().hex().upper()


KEY = PrimePool(70).generate()
IMPORT = hexadecimal(Command(0x00, 0xDB, 0x3F, 0xFF, key_body(KEY)))
GET_STATUS = "80F28002024F0000"
CREATE = "00E000000A62088302000280020800"
GENERATE = "0047800006AC048402001A00"
GENERATE_NEXT = "0047800006AC048402005A00"
READ = "0047810006AC048402001A00"
READ_NEXT = "0047810006AC048402005A00"
INITIAL_PIN = "0024019B06" + b"NEW123".hex()
NEW_PIN = "002C029B06" + b"NEW123".hex()
UPDATE = "00D6820003A1A2A3"
UPDATE_CERTIFICATE = "00D68A0003A1A2A3"
ACTIVATE = "00440000048402005A"
SEAL = "80F0800F"


class Bench:
    """A card on a bench: `plain` sends bytes outside the channel, `inside` within it."""

    def __init__(self, device: EmulatedCard, connection: LocalConnection, keys: CardKeys | None) -> None:
        self.device = device
        self.line: Card = Resolving(Encoded(connection))
        select_application(self.line, device.profile.jpki.aid)
        self.channel: Secured | None = None
        if keys is not None:
            self.channel = open_issuer_channel(self.line, device.profile, keys, counted_random()).card

    def plain(self, command: str) -> Response:
        return self.line.send(Command.decode(bytes.fromhex(command)))

    def inside(self, command: str) -> Response:
        assert self.channel is not None
        return self.channel.send(Command.decode(bytes.fromhex(command)))

    def send(self, command: str) -> str:
        return str((self.plain if self.channel is None else self.inside)(command).status)

    @property
    def contents(self) -> object:
        return self.device.state.applications["jpki"]


def copied(card: EmulatedCard, life_cycle: LifeCycle | None = None) -> EmulatedCard:
    state = card.state if life_cycle is None else replace(card.state, life_cycle=life_cycle)
    return EmulatedCard(PROFILE, VolatileMemory(state), keys=PrimePool(6), strict=True)
