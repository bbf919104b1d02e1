"""A card's life: authority, blank card, issue, signature, login, renewal, loss; each step a method that tells facts."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from card_profiles import load_profile
from emulator import EmulatedCard, create_blank
from jpki.accounts import MemoryChallenges
from jpki.ca import Authority, AuthorityFolder, AuthoritySettings, Resident, read_residents
from jpki.card import Encoded, JpkiApplication, LocalConnection, Resolving
from jpki.formats import SERIAL_LENGTH, Certificate, RevocationReason, to_pem
from jpki.issuance import IssuanceDesk, Watch
from jpki.terms import CertificateName, Pin, Role, Secret
from jpki.verify import (
    NONCE_LENGTH,
    Evidence,
    Login,
    LoginResponse,
    SignedDocument,
    Subject,
    Trust,
    Verdict,
    verify,
)

from ..authorities import certificate_row, chain_facts
from ..catalogue import words
from ..facts import attribute_facts, profile_fact
from ..report import Report, as_json
from ..signing import signature_of
from ..values import Word
from .files import DemoFolder
from .steps import STEPS, Told

__all__ = ["ORIGIN", "PINS", "Life"]

ORIGIN = "https://bank.example"
PINS: Mapping[Role, Pin] = {Role.SIGNATURE: Pin("DEMO1234"), Role.AUTHENTICATION: Pin("1234")}
_PROFILE = "mynumber"
_SHOWN = ("holder_name", "holder_name_flags", "address", "birth_date", "sex")
_SIGN, _AUTH = Role.SIGNATURE, Role.AUTHENTICATION


class Life:
    """The people and things of the story. Its steps are the methods named like those of STEPS, called in that order."""

    _authority: Authority
    _card: EmulatedCard
    _resident: Resident
    _trust: Trust
    _first_login: CertificateName

    def __init__(self, folder: DemoFolder, watch: Watch) -> None:
        self._folder = folder
        self._watch = watch
        self._profile = load_profile(_PROFILE)
        self._challenges = MemoryChallenges()
        self._lists: list[bytes] = []

    def close(self) -> None:
        """Lets go of the card and of the authority, as far as they were made."""
        for name in ("_card", "_authority"):
            if (one := getattr(self, name, None)) is not None:
                one.close()

    def authority(self) -> Told:
        """Makes two certification authorities in a folder."""
        passphrase = secrets.token_urlsafe(18)
        self._folder.put("authority-passphrase", passphrase.encode() + b"\n", private=True)
        place = AuthorityFolder(self._folder.authority)
        self._authority = place.create(Secret(passphrase.encode()), AuthoritySettings(), STEPS["authority"])
        own = {role: self._authority.certificates[role] for role in Role}
        for role, certificate in own.items():
            self._folder.put(f"trust/{role.short}-ca.pem", to_pem("CERTIFICATE", certificate.encoded).encode())
        # Relying parties get to know the two roots by some way of their own; here they are handed over.
        self._trust = Trust.test(*(certificate.encoded for certificate in own.values()))
        rows = [{"name": one.name, "not_after": one.not_after} for one in own.values()]
        return Told({"folder": "authority", "authorities": rows}, table="authorities")

    def blank(self) -> Told:
        """Takes a card as it comes from the manufacturer."""
        self._card = create_blank(self._profile, secrets.token_bytes(SERIAL_LENGTH), self._folder.card)
        return Told(
            {"file": "card.jpki", "profile": profile_fact(self._profile), "card_serial": self._card.state.serial}
        )

    def issue(self) -> Told:
        """Makes the card a resident's."""
        self._folder.put_residents()
        (self._resident,) = read_residents(self._folder.residents)
        with LocalConnection(self._card) as connection:
            card = Resolving(Encoded(connection))
            delivered = self._desk.issue(card, self._profile, self._resident, PINS, STEPS["issue"])
        self._hand_out(delivered.certificates)
        self._publish("1-issued", "issue")
        return Told(
            {
                "holder": delivered.holder,
                "certificates": self._named(delivered.certificates),
                "card_expiry": delivered.card_expiry,
            },
            table="certificates",
        )

    def sign(self) -> Told:
        """Has the holder sign a document, behind the password."""
        text = words("demo", "contract").encode()
        self._folder.put("contract.txt", text)
        with _session(self._card) as jpki:
            jpki.verify_pin(_SIGN, PINS[_SIGN])
            signed = signature_of(jpki, _SIGN, hashlib.sha256(text).digest(), None)
        self._folder.put("contract.txt.sig", signed.signature)
        self._folder.put("contract.txt.crt", signed.certificate.raw)
        return Told(
            {
                "document": "contract.txt",
                "signature_file": "contract.txt.sig",
                "certificate_file": "contract.txt.crt",
                "name": signed.certificate.name(_SIGN),
            }
        )

    def verify(self) -> Told:
        """Has a relying party judge the signature."""
        return Told(_facts_of(self._judged(self._signed_document(), "verify")))

    def login(self) -> Told:
        """Logs the holder in to a site, behind the PIN."""
        verdict = self._log_in("login", keep=True)
        if verdict.name is not None:
            self._first_login = verdict.name
        return Told({"origin": ORIGIN, **_facts_of(verdict)})

    def renew(self) -> Told:
        """Renews both certificates on the card, more than four years later."""
        with LocalConnection(self._card) as connection:
            card = Resolving(Encoded(connection))
            delivered = self._desk.renew(card, self._profile, self._resident, PINS, STEPS["renew"])
        self._hand_out(delivered.certificates)
        self._publish("2-renewed", "renew")
        return Told({"certificates": self._named(delivered.certificates)}, table="certificates")

    def recognise(self) -> Told:
        """Logs in with the new certificate; the site finds its customer by the chain of serial numbers."""
        verdict = self._log_in("recognise")
        found = self._authority.chain(self._first_login, STEPS["recognise"])
        report = Report("certificate-chain", chain_facts(found), table="chain")
        self._folder.put("chain.json", as_json(report).encode() + b"\n")
        rows = [certificate_row(one) for one in (*found.predecessors, found.certificate, *found.successors)]
        table = [{name: row[name] for name in ("name", "state", "issued_on", "last_day", "reason")} for row in rows]
        return Told(
            {
                **_facts_of(verdict),
                "known_customer": self._first_login,
                "newest": found.newest.name,
                "chain": table,
                "same_person": verdict.name == found.newest.name,
            },
            table="chain",
        )

    def revoke(self) -> Told:
        """Revokes both certificates: the card was lost."""
        at = STEPS["revoke"]
        newest = self._authority.chain(self._first_login, at).newest
        names = [name for name in (newest.counterpart, newest.name) if name is not None]
        for name in names:
            self._authority.revoke(name, RevocationReason.KEY_COMPROMISE, at)
        self._publish("3-lost", "revoke")
        return Told({"certificates": names, "lists": ["crl/3-lost/sign.crl", "crl/3-lost/auth.crl"]})

    def refuse(self) -> Told:
        """Has whoever found the card try to log in, with the right PIN."""
        return Told({"origin": ORIGIN, **_facts_of(self._log_in("refuse"))})

    def past(self) -> Told:
        """Judges the document of 2026 once more: for its own moment, by the list of its own time."""
        self._lists = [(self._folder.path / "crl" / "1-issued" / f"{role.short}.crl").read_bytes() for role in Role]
        return Told(_facts_of(self._judged(self._signed_document(), "past", at="verify")))

    # --- what several steps do --------------------------------------------------------------------------------------

    @property
    def _desk(self) -> IssuanceDesk:
        return IssuanceDesk(self._authority, secrets.token_bytes, self._watch)

    def _hand_out(self, names: tuple[CertificateName, ...]) -> None:
        for name in names:
            self._folder.put(f"certificates/{_file_name(name)}", self._authority.encoded(name))

    def _publish(self, folder: str, step: str) -> None:
        made = [self._authority.certificate_list(role, STEPS[step]) for role in Role]
        (self._folder.path / "crl" / folder).mkdir()
        for one in made:
            self._folder.put(f"crl/{folder}/{one.role.short}.crl", one.encoded)
        self._lists = [one.encoded for one in made]

    def _named(self, names: tuple[CertificateName, ...]) -> list[dict[str, object]]:
        return [
            {
                "name": name,
                "not_after": Certificate.parse(self._authority.encoded(name)).not_after,
                "file": f"certificates/{_file_name(name)}",
            }
            for name in names
        ]

    def _signed_document(self) -> SignedDocument:
        path = self._folder.document
        signature, certificate = (path.with_name(f"{path.name}.{end}").read_bytes() for end in ("sig", "crt"))
        return SignedDocument(path.read_bytes(), signature, certificate)

    def _log_in(self, step: str, *, keep: bool = False) -> Verdict:
        at = STEPS[step]
        challenge = self._challenges.new(ORIGIN, at, secrets.token_bytes(NONCE_LENGTH))
        with _session(self._card) as jpki:
            jpki.verify_pin(_AUTH, PINS[_AUTH])
            signed = signature_of(jpki, _AUTH, hashlib.sha256(challenge.message).digest(), None)
        response = LoginResponse(challenge.origin, challenge.nonce, signed.signature, signed.certificate.raw)
        if keep:
            for name, facts in (("challenge", challenge.as_facts()), ("response", response.as_facts())):
                self._folder.put(f"login/{name}.json", json.dumps(facts, indent=2).encode() + b"\n")
            self._folder.put("login/message.bin", challenge.message)
            self._folder.put("login/signature.bin", signed.signature)
        return self._judged(Login(response, self._challenges.take(response, at)), step)

    def _judged(self, subject: Subject, step: str, *, at: str | None = None) -> Verdict:
        answer = verify(subject, self._trust, Evidence.of(*self._lists), STEPS[at or step])
        if not isinstance(answer, Verdict):
            raise TypeError("a judgement without its evidence")
        return answer


@contextmanager
def _session(card: EmulatedCard) -> Iterator[JpkiApplication]:
    """Opens a session of the holder's with the card, logged out and without power at its end."""
    with (
        LocalConnection(card) as connection,
        JpkiApplication.select(Resolving(Encoded(connection)), card.profile) as jpki,
    ):
        yield jpki


def _file_name(name: CertificateName) -> str:
    return f"{name.authority.short}-{name.number:08X}.cer"


def _facts_of(verdict: Verdict) -> dict[str, object]:
    failed = [Word(check.name.value, of="check", tone="bad") for check in verdict.failed]
    facts: dict[str, object] = {
        "result": Word(verdict.result.value, of="result", tone="good" if verdict.valid else "bad"),
        "name": verdict.name,
        "checks_passed": sum(check.passed for check in verdict.checks),
        "checks_failed": failed,
    }
    for check in verdict.failed:
        if check.problem is not None:
            facts["problem"] = Word(check.problem.value, of="check-problem", tone="bad")
    if verdict.holder is not None:
        told = attribute_facts(verdict.holder)
        facts["holder_attributes"] = {name: told[name] for name in _SHOWN}
    return facts
