"""Key ceremonies: held once, taken up where they were interrupted, and told of in a record that the new keys sign."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from authorities import BOTH, NOW, Applicants, PoolKeys, issue_one, new_authority
from openssl_program import openssl
from prime_pool import PrimePool
from soft_tokens import PIN, SoftToken, chosen_soft_token

from jpki.ca import (
    AuthorityFolder,
    AuthoritySettings,
    Ceremony,
    CeremonyChanged,
    CeremonyFileFailed,
    CeremonyHeld,
    CeremonyKey,
    CeremonyOutOfTurn,
    HeldCeremony,
    KeyAlreadyThere,
    Witness,
    WordsDiffer,
    hold_ceremony,
    read_ceremony,
    rehearse_ceremony,
    witness_words,
)
from jpki.formats import Certificate
from jpki.terms import Role, Secret

LATER = NOW + timedelta(days=4 * 365)
PASSPHRASE = Secret(b"for the master key")
TEXT = """
title = "第2世代の認証局鍵の生成"

[[key]]
role = "sign"
generation = 2
place = "{sign}"

[[key]]
role = "auth"
generation = 2
place = "{auth}"

[[witness]]
name = "山田　太郎"
part = "鍵管理者"

[[witness]]
name = "Suzuki Hanako"

[[step]]
say = "Check the seal of the module: number 4711."

[[step]]
make = "auth"

[[step]]
say = "Photograph the display."

[[step]]
make = "sign"
"""


class Stopped(BaseException):
    """Stands for a process that is killed."""


class People:
    """People who do what they are told, and note it; `stop_at` kills the program at that question."""

    def __init__(self, stop_at: int = 0, mistype: str = "") -> None:
        self.stop_at, self.mistype = stop_at, mistype
        self.told: list[str] = []
        self.found_done: tuple[str, ...] | None = None

    def _next(self, what: str) -> None:
        self.told.append(what)
        if len(self.told) == self.stop_at:
            raise Stopped

    def taken_up(self, begun_at: datetime, done: tuple[str, ...]) -> None:
        assert begun_at >= LATER
        self.found_done = done

    def do(self, text: str) -> None:
        self._next(text)

    def made(self, key: CeremonyKey, place: str, public_key: bytes) -> None:
        assert "pin" not in place
        assert len(public_key) == 32
        self._next(f"{key.role.short}-{key.generation}")

    def type_words(self, witness: Witness, words: str) -> str:
        self._next(witness.name)
        return "other words" if witness.name == self.mistype else words.upper().replace(" ", "\u3000 ")


class Clock:
    """A second later at every look."""

    def __init__(self) -> None:
        self._at = LATER

    def __call__(self) -> datetime:
        self._at += timedelta(seconds=1)
        return self._at


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftToken]:
    monkeypatch.setattr("jpki.ca.sealing._SCRYPT_N", 16)
    monkeypatch.setattr("jpki.ca.sealing._PBKDF2_ROUNDS", 1000)
    yield from chosen_soft_token(tmp_path / "hsm", monkeypatch)


@pytest.fixture
def folder(token: SoftToken, tmp_path: Path) -> AuthorityFolder:
    pool = PrimePool(5150)
    made = AuthorityFolder(tmp_path / "ca")
    made.create(PASSPHRASE, AuthoritySettings(), NOW, make_key=lambda: pool.generate().private_key).close()
    return made


@pytest.fixture
def ceremony(token: SoftToken) -> Ceremony:
    text = TEXT.format(sign=token.uri("sign-2"), auth=token.uri("auth-2"))
    return read_ceremony(text.encode())


@pytest.fixture
def hold(folder: AuthorityFolder, ceremony: Ceremony, tmp_path: Path) -> Callable[..., HeldCeremony]:
    clock = Clock()

    def held(people: People, ceremony: Ceremony = ceremony, record: str = "record.json") -> HeldCeremony:
        with folder.open() as authority:
            hand_out = lambda: folder.hand_out(authority)  # noqa: E731 - one expression
            return hold_ceremony(
                ceremony, authority, people, tmp_path / record, clock=clock, tool="jpki 0", hand_out=hand_out
            )

    return held


QUESTIONS = [
    "Check the seal of the module: number 4711.",
    "auth-2",
    "Photograph the display.",
    "sign-2",
    "山田　太郎",
    "Suzuki Hanako",
]


def test_a_ceremony_is_held_in_its_order_and_leaves_two_generations(
    hold: Callable[..., HeldCeremony], folder: AuthorityFolder, applicants: Applicants
) -> None:
    people = People()
    held = hold(people)
    assert people.told == QUESTIONS
    assert people.found_done is None
    assert [(one.name.authority, one.generation) for one in held.generations] == [(role, 2) for role in BOTH]
    with folder.open() as authority:
        assert [len(authority.generations[role]) for role in BOTH] == [2, 2]
        issue_one(authority, applicants.asks(), LATER + timedelta(hours=1))
        assert authority.certificate_list(Role.SIGNATURE, LATER + timedelta(hours=1)).entries == 0


def test_the_record_tells_what_was_made_and_who_saw_it(
    hold: Callable[..., HeldCeremony], ceremony: Ceremony, folder: AuthorityFolder
) -> None:
    held = hold(People())
    told = json.loads(held.record.read_bytes())
    assert (told["kind"], told["version"], told["rehearsal"], told["tool"]) == ("key-ceremony", 1, False, "jpki 0")
    assert told["title"] == "第2世代の認証局鍵の生成"
    assert told["ceremony_sha256"] == ceremony.digest.hex()
    hashes = []
    for key, role in zip(told["keys"], BOTH, strict=True):
        own = Certificate.parse(folder.certificate(role, 2).read_bytes())
        assert (key["role"], key["generation"]) == (role.short, 2)
        assert key["public_key_sha256"] == sha256(own.public_key_info).hexdigest()
        assert key["certificate_sha256"] == sha256(own.raw).hexdigest()
        assert key["certificate"] == str(own.name(role))
        hashes.append(sha256(own.public_key_info).digest())
    assert [step["say"] for step in told["steps"]] == [QUESTIONS[0], QUESTIONS[2]]
    for witness, name in zip(told["witnesses"], ("山田　太郎", "Suzuki Hanako"), strict=True):
        words = witness_words(ceremony.digest, tuple(hashes), name)
        assert (witness["name"], witness["shown"], witness["typed"]) == (name, words, words)
    moments = [one["at"] for one in (*told["steps"], *told["witnesses"])]
    assert [told["begun_at"], *moments, told["ended_at"]] == sorted([told["begun_at"], *moments, told["ended_at"]])
    text = held.record.read_text("utf-8")
    assert PIN not in text
    assert "pin-source" not in text


@pytest.mark.parametrize("role", BOTH)
def test_openssl_verifies_the_record_by_each_new_certificate(
    hold: Callable[..., HeldCeremony], folder: AuthorityFolder, tmp_path: Path, role: Role
) -> None:
    held = hold(People())
    public = openssl("x509", "-inform", "DER", "-in", folder.certificate(role, 2), "-noout", "-pubkey").stdout
    (tmp_path / "key.pem").write_text(public)
    words = ("dgst", "-sha256", "-verify", tmp_path / "key.pem", "-signature", held.signatures[role])
    assert openssl(*words, held.record).stdout == "Verified OK\n"
    (tmp_path / "altered").write_bytes(held.record.read_bytes().replace(b"4711", b"4712"))
    assert openssl(*words, tmp_path / "altered").returncode != 0


def test_what_was_held_is_not_held_again(hold: Callable[..., HeldCeremony], folder: AuthorityFolder) -> None:
    before = hold(People()).record.read_bytes()
    people = People()
    with pytest.raises(CeremonyHeld) as caught:
        hold(people)
    assert people.told == []
    assert Path(caught.value.record).read_bytes() == before
    with pytest.raises(CeremonyOutOfTurn) as turned:
        hold(People(), record="another.json")
    assert (turned.value.role, turned.value.expected) == (Role.SIGNATURE, 3)
    with folder.open() as authority:
        assert [len(authority.generations[role]) for role in BOTH] == [2, 2]


@pytest.mark.parametrize("stop_at", range(1, len(QUESTIONS) + 1))
def test_an_interrupted_ceremony_goes_on_where_it_stood_and_does_nothing_twice(
    hold: Callable[..., HeldCeremony], folder: AuthorityFolder, stop_at: int
) -> None:
    with pytest.raises(Stopped):
        hold(People(stop_at=stop_at))
    people = People()
    held = hold(people)
    # A key that was made is shown once, also where the program was killed while it showed it.
    shown = stop_at if QUESTIONS[stop_at - 1] in {"auth-2", "sign-2"} else stop_at - 1
    assert people.told == QUESTIONS[shown:]
    assert people.found_done == tuple(QUESTIONS[:shown])
    with folder.open() as authority:
        assert [len(authority.generations[role]) for role in BOTH] == [2, 2]
    assert json.loads(held.record.read_bytes())["begun_at"] < "2030-11-21T00:00:03Z"
    assert [file.name for file in held.record.parent.glob("*.journal")] == []


PLACES = [
    "jpki.ca.custody.ceremony_journal.write_new_file",
    "jpki.ca.keys._token_key",
    "jpki.ca.custody.token_key._make",
    "jpki.ca.authority.add_generation",
    "jpki.ca.folder.AuthorityFolder.hand_out",
    "jpki.ca.custody.ceremony.replace_file",
    "jpki.ca.custody.ceremony.write_new_file",
    "jpki.ca.custody.ceremony_journal.CeremonyJournal.end",
]


@pytest.mark.parametrize("when", [f"{when} {place}" for place in PLACES for when in ("before", "after")])
def test_a_ceremony_killed_at_any_place_is_finished_by_the_same_command(
    hold: Callable[..., HeldCeremony],
    folder: AuthorityFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    place = when.split()[1]
    module, _, name = place.rpartition(".")
    owner: object = pkgutil.resolve_name(module)
    original = getattr(owner, name)

    def stop(*words: object, **named: object) -> None:
        if when.startswith("after"):
            original(*words, **named)
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, stop)
        with pytest.raises(Stopped):
            hold(People())
    record = tmp_path / "record.json"
    if record.exists():  # it is written last: what it tells of is done
        with pytest.raises(CeremonyHeld):
            hold(People())
    else:
        hold(People())
    for role in BOTH:
        public = openssl("x509", "-inform", "DER", "-in", folder.certificate(role, 2), "-noout", "-pubkey").stdout
        (tmp_path / "key.pem").write_text(public)
        signature = tmp_path / f"record.json.{role.short}-2.sig"
        words = ("dgst", "-sha256", "-verify", tmp_path / "key.pem", "-signature", signature, record)
        assert openssl(*words).stdout == "Verified OK\n"
    with folder.open() as authority:
        assert [len(authority.generations[role]) for role in BOTH] == [2, 2]


def test_other_words_are_refused_and_can_be_typed_again(hold: Callable[..., HeldCeremony]) -> None:
    with pytest.raises(WordsDiffer) as caught:
        hold(People(mistype="Suzuki Hanako"))
    assert caught.value.witness == "Suzuki Hanako"
    people = People()
    hold(people)
    assert people.told == ["Suzuki Hanako"]


def test_an_interrupted_ceremony_is_not_taken_up_with_another_file(
    hold: Callable[..., HeldCeremony], token: SoftToken
) -> None:
    with pytest.raises(Stopped):
        hold(People(stop_at=3))
    text = TEXT.replace("4711", "4712").format(sign=token.uri("sign-2"), auth=token.uri("auth-2"))
    with pytest.raises(CeremonyChanged):
        hold(People(), ceremony=read_ceremony(text.encode()))


def test_nor_in_another_authority(hold: Callable[..., HeldCeremony], ceremony: Ceremony, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        hold(People(stop_at=3))
    (tmp_path / "other").mkdir()
    with new_authority(tmp_path / "other", PoolKeys()) as other, pytest.raises(CeremonyChanged):
        hold_ceremony(ceremony, other, People(), tmp_path / "record.json", clock=Clock(), tool="jpki 0")


def test_a_key_that_is_there_beforehand_is_not_taken_for_a_new_one(
    hold: Callable[..., HeldCeremony], folder: AuthorityFolder, token: SoftToken
) -> None:
    with folder.open() as authority:
        authority.make_key(Role.SIGNATURE, 2, token.uri("sign-2"))
    with pytest.raises(KeyAlreadyThere) as caught:
        hold(People())
    assert caught.value.file == f"pkcs11:token={token.label};object=sign-2"


def test_nor_one_that_came_there_in_between(
    hold: Callable[..., HeldCeremony], folder: AuthorityFolder, token: SoftToken
) -> None:
    with pytest.raises(Stopped):
        hold(People(stop_at=3))
    with folder.open() as authority:
        authority.make_key(Role.SIGNATURE, 2, token.uri("sign-2"))
    with pytest.raises(KeyAlreadyThere):
        hold(People())


@pytest.mark.parametrize("content", [b"\xff", b"nonsense", b"[]\n", b'{"a": 1}\n'])
def test_a_journal_that_is_none_is_an_error(hold: Callable[..., HeldCeremony], tmp_path: Path, content: bytes) -> None:
    (tmp_path / "record.json.journal").write_bytes(content)
    with pytest.raises(CeremonyFileFailed):
        hold(People())


def test_keys_in_sealed_files_can_be_made_in_a_ceremony_too(folder: AuthorityFolder, tmp_path: Path) -> None:
    text = 'title = "t"\n[[key]]\nrole = "auth"\ngeneration = 2\n[[witness]]\nname = "A"\n'
    with folder.open(PASSPHRASE) as authority:
        held = hold_ceremony(
            read_ceremony(text.encode()), authority, People(), tmp_path / "r.json", clock=Clock(), tool="jpki 0"
        )
    assert (folder.keys / "auth-2.key").exists()
    assert json.loads(held.record.read_bytes())["keys"][0]["place"] == str(folder.keys / "auth-2.key")


# --- rehearsing -------------------------------------------------------------------------------------------------------


def test_a_rehearsal_holds_the_whole_ceremony_on_a_token_of_its_own(
    token: SoftToken, ceremony: Ceremony, folder: AuthorityFolder, tmp_path: Path
) -> None:
    (tmp_path / "rehearsed").mkdir()
    people = People()
    held, authority = rehearse_ceremony(
        ceremony, people, tmp_path / "rehearsed", clock=Clock(), tool="jpki 0", module=token.module
    )
    with authority:
        assert people.told == QUESTIONS
        told = json.loads(held.record.read_bytes())
        assert told["rehearsal"] is True
        assert [key["place"] for key in told["keys"]] == [f"pkcs11:token=rehearsal;object={r.short}-2" for r in BOTH]
        (tmp_path / "key.der").write_bytes(authority.certificates[Role.SIGNATURE].encoded)
    with folder.open() as real:
        assert [len(real.generations[role]) for role in BOTH] == [1, 1]
        assert not real.holds_key(Role.SIGNATURE, 2, token.uri("sign-2"))


def test_a_rehearsal_of_a_later_generation_has_those_before_it(token: SoftToken, tmp_path: Path) -> None:
    text = 'title = "t"\n[[key]]\nrole = "auth"\ngeneration = 4\n[[witness]]\nname = "A"\n'
    _, authority = rehearse_ceremony(
        read_ceremony(text.encode()), People(), tmp_path, clock=Clock(), tool="jpki 0", module=token.module
    )
    with authority:
        assert len(authority.generations[Role.AUTHENTICATION]) == 4
