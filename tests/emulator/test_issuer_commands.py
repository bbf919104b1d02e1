"""Every command of docs/personalisation.md: it works where it should, and nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from certified_cards import PINS, made_certificate
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from issuing import MASTER, MASTERS, SERIAL, Issuer, counted_random, session_with
from prime_pool import PrimePool

from card_profiles import load_profile
from emulator import EmulatedCard, LifeCycle, RsaKey, VolatileMemory, create_blank
from jpki.card import Card, Encoded, LocalConnection, Resolving, Secured, open_issuer_channel, select_application
from jpki.formats import (
    WELL_KNOWN_KEYS,
    CardKeys,
    Command,
    Response,
    StatusWord,
    check_value,
    digest_info,
    find_tlv,
    put_key_body,
    tlv,
)
from jpki.terms import Role, Secret

PROFILE = load_profile("mynumber")
SIGN_FILE, AUTH_FILE, NEXT_SIGN_FILE = 0x001A, 0x0017, 0x005A
Line = Callable[[str], Response]


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

# Where a command is tried: outside any channel, inside one opened with the well-known keys, inside the card's own
# before and after sealing.
WHEN = {
    GET_STATUS: ("6982", "9000", "9000", "9000"),
    CREATE: ("6982", "6982", "9000", "6985"),
    GENERATE: ("6982", "6982", "9000", "6985"),
    GENERATE_NEXT: ("6982", "6982", "6985", "9000"),
    READ: ("6982", "6982", "9000", "9000"),
    READ_NEXT: ("6982", "6982", "6A88", "6A88"),
    IMPORT: ("6982", "6982", "9000", "6985"),
    INITIAL_PIN: ("6982", "6982", "9000", "6982"),
    NEW_PIN: ("6982", "6982", "6985", "9000"),
    UPDATE: ("6982", "6982", "9000", "9000"),
    UPDATE_CERTIFICATE: ("6982", "6982", "9000", "6982"),
    ACTIVATE: ("6982", "6982", "6985", "6A88"),
    SEAL: ("6982", "6982", "9000", "9000"),
}


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


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(PROFILE)


@pytest.fixture(scope="module")
def finished(issuer: Issuer) -> EmulatedCard:
    """Returns a sealed card; whoever changes a card takes a copy."""
    card = create_blank(PROFILE, SERIAL, keys=PrimePool(5), strict=True)
    with session_with(card, PROFILE) as session:
        issuer.personalise(session)
    return card


def copied(card: EmulatedCard, life_cycle: LifeCycle | None = None) -> EmulatedCard:
    state = card.state if life_cycle is None else replace(card.state, life_cycle=life_cycle)
    return EmulatedCard(PROFILE, VolatileMemory(state), keys=PrimePool(6), strict=True)


@pytest.fixture
def blank() -> Iterator[Bench]:
    """Returns a blank card inside a channel opened with the well-known keys."""
    device = create_blank(PROFILE, SERIAL, keys=PrimePool(6), strict=True)
    with LocalConnection(device) as connection:
        yield Bench(device, connection, WELL_KNOWN_KEYS)


@pytest.fixture
def unsealed(finished: EmulatedCard) -> Iterator[Bench]:
    """Returns a card with everything on it, not sealed, inside its own channel."""
    with LocalConnection(copied(finished, LifeCycle.OWN_KEYS)) as connection:
        yield Bench(connection._device, connection, MASTER.keys_of(SERIAL))


@pytest.fixture
def sealed(finished: EmulatedCard) -> Iterator[Bench]:
    """Returns a sealed card inside its own channel."""
    with LocalConnection(copied(finished)) as connection:
        yield Bench(connection._device, connection, MASTER.keys_of(SERIAL))


@pytest.fixture
def outside(finished: EmulatedCard) -> Iterator[Bench]:
    """Returns a card that is not sealed, outside any channel."""
    with LocalConnection(copied(finished, LifeCycle.OWN_KEYS)) as connection:
        yield Bench(connection._device, connection, None)


@pytest.mark.parametrize("command", WHEN)
@pytest.mark.parametrize(("place", "column"), [("outside", 0), ("blank", 1), ("unsealed", 2), ("sealed", 3)])
def test_a_command_works_where_the_table_says(
    request: pytest.FixtureRequest, command: str, place: str, column: int
) -> None:
    bench: Bench = request.getfixturevalue(place)
    before = bench.device.state
    assert bench.send(command) == WHEN[command][column]
    if WHEN[command][column] != "9000":
        assert bench.device.state == before


@pytest.mark.parametrize("command", [c for c in WHEN if c not in (GET_STATUS, SEAL)])
def test_a_command_for_an_application_needs_one_selected(finished: EmulatedCard, command: str) -> None:
    with LocalConnection(copied(finished, LifeCycle.OWN_KEYS)) as connection:
        bench = Bench(connection._device, connection, None)
        select_application(bench.line, PROFILE.issuer.aid)
        bench.channel = open_issuer_channel(bench.line, PROFILE, MASTER, counted_random()).card
        assert bench.send(command) in {"6986", "6985"}


class TestGetStatus:
    @pytest.mark.parametrize(("place", "state"), [("blank", "01"), ("unsealed", "07"), ("sealed", "0F")])
    def test_tells_how_far_the_card_has_come(self, request: pytest.FixtureRequest, place: str, state: str) -> None:
        answer = request.getfixturevalue(place).inside(GET_STATUS)
        assert answer.data == bytes.fromhex("E30D4F07A00000015100009F7001" + state)

    @pytest.mark.parametrize(("command", "status"), [("80F24002024F0000", "6A86"), ("80F2800200", "6A80")])
    def test_knows_no_other_form(self, unsealed: Bench, command: str, status: str) -> None:
        assert unsealed.send(command) == status


class TestPutKey:
    KEYS = MASTER.keys_of(SERIAL)

    @staticmethod
    def command(old: int, new: int, keys: CardKeys, under: Secret, p2: int = 0x81) -> str:
        return hexadecimal(Command(0x80, 0xD8, old, p2, put_key_body(new, keys, under).reveal(), 256))

    def test_makes_a_blank_card_the_issuers(self, blank: Bench) -> None:
        answer = blank.inside(self.command(0xFF, 0x01, self.KEYS, WELL_KNOWN_KEYS.data))
        assert answer == Response(b"\x01" + b"".join(check_value(key) for key in self.KEYS.in_order))
        assert blank.device.state.life_cycle is LifeCycle.OWN_KEYS
        assert blank.device.state.issuer_keys.enc == self.KEYS.encryption

    def test_works_once_in_the_channel_of_the_well_known_keys(self, blank: Bench) -> None:
        blank.inside(self.command(0xFF, 0x01, self.KEYS, WELL_KNOWN_KEYS.data))
        for old in (0xFF, 0x01):
            other = MASTERS[256].keys_of(SERIAL)
            assert blank.send(self.command(old, 0x01, other, WELL_KNOWN_KEYS.data)) == "6982"
        assert blank.send(GENERATE) == "6982"
        assert blank.device.state.issuer_keys.enc == self.KEYS.encryption

    @pytest.mark.parametrize("place", ["unsealed", "sealed"])
    def test_replaces_the_cards_own_keys(self, request: pytest.FixtureRequest, place: str) -> None:
        bench: Bench = request.getfixturevalue(place)
        before = bench.device.state
        other = MASTERS[256].keys_of(SERIAL)
        assert bench.send(self.command(0x01, 0x01, other, self.KEYS.data)) == "9000"
        after = bench.device.state
        assert after.issuer_keys.dek == other.data
        assert replace(after, issuer_keys=before.issuer_keys) == before

    def test_twice_in_a_channel_goes_under_the_data_key_that_opened_it(self, sealed: Bench) -> None:
        assert sealed.send(self.command(0x01, 0x01, MASTERS[256].keys_of(SERIAL), self.KEYS.data)) == "9000"
        assert sealed.send(self.command(0x01, 0x01, MASTERS[256].keys_of(bytes(10)), self.KEYS.data)) == "9000"

    @pytest.mark.parametrize(
        ("old", "new", "keys", "status"),
        [
            (0x00, 0x01, KEYS, "6A88"),
            (0x02, 0x01, KEYS, "6A88"),
            (0xFF, 0x02, KEYS, "6A80"),
            (0xFF, 0xFF, KEYS, "6A80"),
            (0xFF, 0x01, WELL_KNOWN_KEYS, "6A80"),
            (0xFF, 0x01, replace(KEYS, mac=WELL_KNOWN_KEYS.mac), "6A80"),
            (0xFF, 0x01, replace(KEYS, encryption=WELL_KNOWN_KEYS.mac), "6A80"),
            (0xFF, 0x01, replace(KEYS, data=WELL_KNOWN_KEYS.mac), "6A80"),
            (0xFF, 0x01, CardKeys(*(Secret(bytes(24)) for _ in range(3))), "6A80"),
        ],
    )
    def test_refuses_other_versions_and_keys(
        self, blank: Bench, old: int, new: int, keys: CardKeys, status: str
    ) -> None:
        before = blank.device.state
        assert blank.send(self.command(old, new, keys, WELL_KNOWN_KEYS.data)) == status
        assert blank.device.state == before

    def test_replaces_no_single_key(self, blank: Bench) -> None:
        assert blank.send(self.command(0xFF, 0x01, self.KEYS, WELL_KNOWN_KEYS.data, p2=0x01)) == "6A86"

    def test_refuses_keys_whose_check_value_does_not_fit(self, blank: Bench) -> None:
        assert blank.send(self.command(0xFF, 0x01, self.KEYS, Secret(bytes(16)))) == "6A80"

    def test_is_refused_outside_a_channel(self, outside: Bench) -> None:
        assert outside.send(self.command(0x01, 0x01, self.KEYS, self.KEYS.data)) == "6982"


class TestCreateFile:
    @staticmethod
    def command(file: str, size: str) -> str:
        return f"00E000000A62088302{file}8002{size}"

    def test_makes_a_file_that_reads_as_ff(self, blank: Bench) -> None:
        with session_with(blank.device, PROFILE) as session:
            session.create_file(0x000A)
        assert blank.contents.files == {0x000A: b"\xff" * 4096}

    def test_makes_it_the_current_file(self, unsealed: Bench) -> None:
        assert unsealed.send(self.command("0002", "0800")) == "9000"
        assert unsealed.inside("00B0000004").data == b"\xff" * 4

    def test_empties_a_file_of_the_same_size(self, unsealed: Bench) -> None:
        assert unsealed.send(self.command("0002", "0800")) == "9000"
        assert unsealed.contents.files[0x0002] == b"\xff" * 2048

    @pytest.mark.parametrize(
        ("file", "size", "status"),
        [
            ("0002", "0700", "6A89"),
            ("1234", "0010", "6A80"),
            ("001A", "0010", "6A80"),
            ("0018", "0010", "6A80"),
            ("0002", "0801", "6A80"),
            ("0002", "0000", "6A80"),
        ],
    )
    def test_refuses_any_other(self, unsealed: Bench, file: str, size: str, status: str) -> None:
        before = unsealed.device.state
        assert unsealed.send(self.command(file, size)) == status
        assert unsealed.device.state == before

    @pytest.mark.parametrize("body", ["", "00", "6200", "62068302000280", "620583010280010A", "6204 8302 0002"])
    def test_refuses_nonsense(self, unsealed: Bench, body: str) -> None:
        raw = bytes.fromhex(body)
        assert unsealed.send((b"\x00\xe0\x00\x00" + bytes((len(raw),)) * bool(raw) + raw).hex()) == "6A80"

    def test_a_smaller_file_keeps_its_size(self, blank: Bench) -> None:
        with session_with(blank.device, PROFILE):
            pass
        with LocalConnection(blank.device) as connection:
            bench = Bench(blank.device, connection, MASTER.keys_of(SERIAL))
            assert bench.send(self.command("0009", "0008")) == "9000"
            assert bench.send(self.command("0009", "0010")) == "6A89"
            bench.send(self.command("000B", "0004"))
            assert bench.send("00D60000050102030405") == "6A84"


class TestKeyPairs:
    def test_generating_answers_the_public_key(self, unsealed: Bench) -> None:
        answer = unsealed.inside(GENERATE)
        assert find_tlv(answer.data, 0x7F49, 0x82) == bytes.fromhex("010001")
        modulus = find_tlv(answer.data, 0x7F49, 0x81)
        assert modulus == unsealed.contents.keys[SIGN_FILE].n.to_bytes(256, "big")
        assert unsealed.inside(READ) == answer

    def test_generating_a_successor_leaves_the_key_alone(self, sealed: Bench) -> None:
        before = sealed.contents.keys
        answer = sealed.inside(GENERATE_NEXT)
        after = sealed.contents.keys
        assert {file: after[file] for file in before} == dict(before)
        assert sealed.inside(READ_NEXT) == answer
        assert sealed.inside(READ).data != answer.data

    def test_generating_a_successor_again_replaces_it_and_wipes_its_certificate(self, sealed: Bench) -> None:
        first = sealed.inside(GENERATE_NEXT)
        sealed.inside("00A4020C020041")
        sealed.inside("00D6000003303132")
        assert sealed.contents.files[0x0041].startswith(b"012")
        assert sealed.inside(GENERATE_NEXT).data != first.data
        assert sealed.contents.files[0x0041] == b"\xff" * 4096

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            ("0047820006AC048402001A00", "6A86"),
            ("0047800106AC048402001A00", "6A86"),
            ("0047800006AC048402001B00", "6A88"),
            ("0047800006AC048402123400", "6A88"),
            ("0047800005AC0384011A00", "6A88"),
            ("0047800002AC0000", "6A80"),
            ("00478000020102 00", "6A80"),
            ("0047800000", "6A80"),
        ],
    )
    def test_generating_refuses_anything_else(self, unsealed: Bench, command: str, status: str) -> None:
        before = unsealed.device.state
        assert unsealed.send(command) == status
        assert unsealed.device.state == before

    def test_an_imported_key_is_the_cards(self, unsealed: Bench) -> None:
        assert unsealed.send(IMPORT) == "9000"
        assert find_tlv(unsealed.inside(READ).data, 0x7F49, 0x81) == KEY.n.to_bytes(256, "big")

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (key_body(KEY, e=3), "6A80"),
            (key_body(KEY, q=KEY.p), "6A80"),
            (key_body(KEY, p=KEY.p >> 8), "6A80"),
            (key_body(KEY, p=KEY.p + 1), "6A80"),
            (key_body(KEY, p=1), "6A80"),
            (key_body(KEY, NEXT_SIGN_FILE), "6985"),
            (key_body(KEY, 0x001B), "6A88"),
            (tlv(0x7F48, [tlv(0x84, b"\x00\x1a")]), "6A80"),
            (b"\x7f\x48", "6A80"),
            (b"", "6A80"),
        ],
        ids=[
            "exponent",
            "equal primes",
            "short",
            "no primes",
            "one",
            "successor",
            "no key file",
            "no numbers",
            "cut",
            "empty",
        ],
    )
    def test_importing_refuses_what_is_no_key(self, unsealed: Bench, body: bytes, status: str) -> None:
        before = unsealed.device.state
        assert unsealed.send(hexadecimal(Command(0x00, 0xDB, 0x3F, 0xFF, body))) == status
        assert unsealed.device.state == before

    def test_importing_has_one_form(self, unsealed: Bench) -> None:
        assert unsealed.send(hexadecimal(Command(0x00, 0xDB, 0x3F, 0x00, key_body(KEY)))) == "6A86"

    def test_no_key_can_be_read_as_a_file(self, unsealed: Bench) -> None:
        unsealed.inside(GENERATE)
        assert unsealed.send("00B09A00FF") == "6981"
        unsealed.send("00A4020C02005A")
        assert unsealed.send("00B00000FF") == "6981"


class TestPins:
    def test_an_initial_pin_has_all_its_tries_and_may_be_set_again(self, unsealed: Bench) -> None:
        assert unsealed.send("0020009B06" + b"WRONG1".hex()) == "63C4"
        for _ in range(2):
            assert unsealed.send(INITIAL_PIN) == "9000"
            assert unsealed.send("0020009B") == "63C5"
        assert unsealed.send("0020009B06" + b"NEW123".hex()) == "9000"

    def test_an_initial_pin_has_to_be_verified_like_any(self, unsealed: Bench) -> None:
        unsealed.send("0020009B06" + PINS[Role.SIGNATURE].reveal().hex())
        assert unsealed.send("802A009A040102030400") == "9000"
        assert unsealed.send(INITIAL_PIN) == "9000"
        assert unsealed.send("802A009A040102030400") == "6982"

    def test_on_a_sealed_card_the_same_bytes_are_the_holders_change(self, sealed: Bench) -> None:
        assert sealed.send(INITIAL_PIN) == "6982"
        sealed.send("0020009B06" + PINS[Role.SIGNATURE].reveal().hex())
        assert sealed.send(INITIAL_PIN) == "9000"

    def test_a_new_pin_frees_a_blocked_one(self, sealed: Bench) -> None:
        for _ in range(5):
            sealed.send("0020009B06" + b"WRONG1".hex())
        assert sealed.send("0020009B06" + b"WRONG1".hex()) == "6984"
        assert sealed.send(NEW_PIN) == "9000"
        assert sealed.send("802A009A040102030400") == "6982"
        assert sealed.send("0020009B06" + b"NEW123".hex()) == "9000"

    def test_a_new_pin_leaves_the_other_alone(self, sealed: Bench) -> None:
        sealed.send("00200098" + "0430303030")
        sealed.send(NEW_PIN)
        assert sealed.send("00200098") == "63C2"

    @pytest.mark.parametrize(("place", "start"), [("unsealed", "002401"), ("sealed", "002C02")])
    @pytest.mark.parametrize(
        ("rest", "status"),
        [
            ("9806313233343536", "6A80"),
            ("9804414243 44", "6A80"),
            ("98", "6700"),
            ("9811" + "31" * 17, "6700"),
            ("9A0431323334", "6981"),
            ("990431323334", "6A82"),
            ("000431323334", "6A86"),
            ("800431323334", "6986"),
        ],
    )
    def test_a_pin_of_another_form_or_place_is_refused(
        self, request: pytest.FixtureRequest, place: str, start: str, rest: str, status: str
    ) -> None:
        bench: Bench = request.getfixturevalue(place)
        assert bench.send(start + rest.replace(" ", "")) == status

    @pytest.mark.parametrize(
        ("place", "command"), [("unsealed", "002400980431323334"), ("sealed", "002C00980431323334")]
    )
    def test_no_other_form_of_the_command_is_known(
        self, request: pytest.FixtureRequest, place: str, command: str
    ) -> None:
        assert request.getfixturevalue(place).send(command) == "6A86"

    def test_a_pin_that_was_never_set_cannot_be_reset(self, finished: EmulatedCard) -> None:
        device = copied(finished)
        contents = device.state.applications["jpki"]
        without = replace(contents, pins={name: pin for name, pin in contents.pins.items() if name != "signature"})
        device._memory.write(device.state.with_application("jpki", without))
        with LocalConnection(device) as connection:
            assert Bench(device, connection, MASTER.keys_of(SERIAL)).send(NEW_PIN) == "6A88"


class TestUpdateBinary:
    def test_writes_at_a_short_identifier_and_at_an_offset(self, unsealed: Bench) -> None:
        assert unsealed.send("00D6820002A1A2") == "9000"
        assert unsealed.send("00D6820101B2") == "9000"
        assert unsealed.send("00D607FF01C3") == "9000"
        content = unsealed.contents.files[0x0002]
        assert (content[:2], content[-1:], len(content)) == (b"\xa1\xb2", b"\xc3", 2048)

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            ("00D60000 01 A1", "6986"),
            ("00D69A00 01 A1", "6981"),
            ("00D68300 01 A1", "6A82"),
            ("00D6A200 01 A1", "6A86"),
            ("00D68200", "6700"),
            ("00D68804 01 A1", "6B00"),
            ("00D68802 02 A1A2", "6A84"),
        ],
    )
    def test_refuses_anything_else(self, unsealed: Bench, command: str, status: str) -> None:
        before = unsealed.device.state
        assert unsealed.send(command.replace(" ", "")) == status
        assert unsealed.device.state == before

    def test_takes_a_whole_file_at_once(self, unsealed: Bench) -> None:
        body = bytes(range(256)) * 8
        assert unsealed.channel is not None
        assert unsealed.channel.send(Command(0x00, 0xD6, 0x82, 0x00, body)).status == 0x9000
        assert unsealed.contents.files[0x0002] == body

    def test_no_certificate_file_opens_more_before_sealing_than_after(self, unsealed: Bench) -> None:
        assert unsealed.send("00B0810010") == "6982"
        assert unsealed.send("00A4020C020041") == "9000"
        assert unsealed.send("00B0000010") == "6982"


class TestSigning:
    def test_opening_a_channel_gives_no_right_to_sign(self, unsealed: Bench) -> None:
        assert unsealed.send("802A009A040102030400") == "6982"

    def test_a_successor_signs_inside_the_cards_own_channel_after_verify(self, sealed: Bench) -> None:
        key = find_tlv(sealed.inside(GENERATE_NEXT).data, 0x7F49, 0x81)
        assert key is not None
        info = digest_info("sha256", hashlib.sha256(b"proof").digest())
        sign = hexadecimal(Command(0x80, 0x2A, 0x00, 0x80, info, 256))
        assert sealed.send("00A4020C02005A") == "9000"
        assert sealed.send(sign) == "6982"
        assert sealed.send("0020009B06" + PINS[Role.SIGNATURE].reveal().hex()) == "9000"
        assert sealed.send("00A4020C02005A") == "9000"
        signature = sealed.inside(sign)
        assert signature.status == 0x9000
        public = rsa.RSAPublicNumbers(0x10001, int.from_bytes(key, "big")).public_key()
        public.verify(signature.data, b"proof", padding.PKCS1v15(), SHA256())
        assert sealed.plain("00A4020C02005A").status == 0x9000
        assert sealed.plain(sign).status == 0x6982

    def test_a_key_file_without_a_key_signs_nothing(self, sealed: Bench) -> None:
        sealed.send("0020009B06" + PINS[Role.SIGNATURE].reveal().hex())
        assert sealed.send("00A4020C02005A") == "9000"
        assert sealed.send("802A0080040102030400") == "6A88"


class TestActivate:
    @staticmethod
    def renewed(bench: Bench, issuer: Issuer) -> bytes:
        key = bench.inside(GENERATE_NEXT).data
        modulus = find_tlv(key, 0x7F49, 0x81)
        assert modulus is not None
        public = rsa.RSAPublicNumbers(0x10001, int.from_bytes(modulus, "big")).public_key()
        return made_certificate("new", public, "authority", issuer.authority_key, 1700)

    @staticmethod
    def write(bench: Bench, content: bytes) -> None:
        assert bench.send("00A4020C020041") == "9000"
        assert bench.send(hexadecimal(Command(0x00, 0xD6, 0x00, 0x00, content))) == "9000"

    def test_moves_key_and_certificate_in_one_write(self, sealed: Bench, issuer: Issuer) -> None:
        certificate = self.renewed(sealed, issuer)
        self.write(sealed, certificate)
        waiting = sealed.contents.keys[NEXT_SIGN_FILE]
        writes: list[object] = []
        memory = sealed.device._memory
        keep = memory.write
        memory.write = lambda state: (writes.append(state), keep(state))  # type: ignore[method-assign]
        assert sealed.send(ACTIVATE) == "9000"
        assert len(writes) == 1
        assert sealed.contents.keys[SIGN_FILE] == waiting
        assert sealed.contents.files[0x0001] == certificate.ljust(4096, b"\xff")
        assert NEXT_SIGN_FILE not in sealed.contents.keys
        assert sealed.contents.files[0x0041] == b"\xff" * 4096

    def test_needs_the_certificate(self, sealed: Bench, issuer: Issuer) -> None:
        self.renewed(sealed, issuer)
        assert sealed.send(ACTIVATE) == "6985"

    @pytest.mark.parametrize("spoil", ["another key", "cut short", "nonsense"])
    def test_needs_the_certificate_of_the_waiting_key(self, sealed: Bench, issuer: Issuer, spoil: str) -> None:
        certificate = self.renewed(sealed, issuer)
        other = issuer.issued[Role.SIGNATURE]
        self.write(sealed, {"another key": other, "cut short": certificate[:900], "nonsense": b"\x30\x03abc"}[spoil])
        before = sealed.device.state
        assert sealed.send(ACTIVATE) == "6985"
        assert sealed.device.state == before

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            ("00440000048402001A", "6A88"),
            ("00440000048402001B", "6A88"),
            ("00440100048402005A", "6A86"),
            ("004400000101", "6A80"),
            ("00440000", "6A80"),
        ],
    )
    def test_refuses_anything_else(self, sealed: Bench, command: str, status: str) -> None:
        sealed.inside(GENERATE_NEXT)
        assert sealed.send(command) == status


class TestSeal:
    def test_a_card_without_certificates_can_be_sealed(self, blank: Bench) -> None:
        with session_with(blank.device, PROFILE) as session:
            session.seal()
        assert blank.device.state.life_cycle is LifeCycle.SEALED

    @pytest.mark.parametrize("missing", ["key", "pin", "right key"])
    def test_every_certificate_needs_its_key_and_its_pin(self, unsealed: Bench, missing: str) -> None:
        device = unsealed.device
        contents = device.state.applications["jpki"]
        if missing == "key":
            contents = contents.with_key(SIGN_FILE, None)
        elif missing == "right key":
            contents = contents.with_key(SIGN_FILE, KEY)
        else:
            contents = replace(contents, pins={"authentication": contents.pins["authentication"]})
        device._memory.write(device.state.with_application("jpki", contents))
        assert unsealed.send(SEAL) == "6985"
        assert device.state.life_cycle is LifeCycle.OWN_KEYS

    def test_nothing_stands_in_for_a_certificate(self, unsealed: Bench) -> None:
        assert unsealed.send("00D68A00020000") == "9000"
        assert unsealed.send(SEAL) == "6985"

    @pytest.mark.parametrize("command", ["80F08007", "80F04007", "80F08001", "80F0807F"])
    def test_no_other_state_can_be_set(self, unsealed: Bench, sealed: Bench, command: str) -> None:
        assert unsealed.send(command) == "6A86"
        assert sealed.send(command) == "6A86"

    def test_a_refused_seal_can_be_made_good(self, unsealed: Bench) -> None:
        unsealed.inside(GENERATE)
        assert unsealed.send(SEAL) == "6985"
        assert unsealed.send("00E000000A62088302000180021000") == "9000"
        assert unsealed.send(SEAL) == "9000"


def test_an_unknown_command_inside_the_channel_is_judged_as_outside(unsealed: Bench) -> None:
    assert unsealed.send("00FE0000") == "6D00"
    assert unsealed.inside("0084000008").status == StatusWord(0x9000)
    assert len(unsealed.inside("0084000008").data) == 8
