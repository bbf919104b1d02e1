"""The authority of a command: which folder it is in, its passphrase, and what reports say of its certificates."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jpki.terms import Role, Secret, day_in_japan

from .catalogue import words
from .errors import MissingParameter, PassphraseTooShort
from .frame import frame_of, option
from .language import Language
from .pins import SecretSource, ask_new_secret, ask_secret, passphrase_options, refuse_without_terminal
from .values import Word

if TYPE_CHECKING:
    from jpki.ca import Authority, CertificateStatus, Chain, Notice, Reason
    from jpki.formats import RevocationReason

__all__ = [
    "FOLDER",
    "AuthorityChoice",
    "authority_option",
    "certificate_row",
    "chain_facts",
    "known_card_expiry",
    "left_out_facts",
    "notice_facts",
    "reason_word",
    "signing_options",
    "state_word",
]

FOLDER = click.Path(path_type=Path, file_okay=False)
# NIST SP 800-63B asks for as many of a secret that a person chooses.
_LEAST_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class AuthorityChoice:
    """Which authority is meant, and where its passphrase is read from when nobody is to be asked."""

    folder: Path
    passphrase: SecretSource
    # Whether --ca named it, so that a command to copy has to name it too.
    named: bool = True

    def command(self, words: str) -> str:
        """Returns a command of this authority as it can be typed now."""
        return f"{words} --ca {shlex.quote(str(self.folder))}" if self.named else words

    def answering(self) -> Authority:
        """Opens the authority without its keys: it answers, and revokes."""
        from jpki.ca import AuthorityFolder

        return AuthorityFolder(self.folder).open()

    def signing(self) -> Authority:
        """Opens the authority with its passphrase, which is asked for only where there is an authority.

        A wrong passphrase is told now, before anything else is asked or done: WrongPassphrase.
        """
        return self.signing_with(self.asked_passphrase())

    def asked_passphrase(self) -> Secret:
        """Returns the passphrase as it was given or typed; it is asked for only where there is an authority."""
        from jpki.ca import AuthorityFolder

        AuthorityFolder(self.folder).open().close()
        return self._asked()

    def signing_with(self, passphrase: Secret) -> Authority:
        """Opens the authority with a passphrase that was asked for already; raises WrongPassphrase."""
        from jpki.ca import AuthorityFolder, WrongPassphrase

        place = AuthorityFolder(self.folder)
        opened = place.open(passphrase)
        try:
            opened.issuer_master_key()
        except WrongPassphrase:
            opened.close()
            # All keys are under one passphrase: which of them was tried first is nothing to a person.
            raise WrongPassphrase(file=str(place.keys)) from None
        except BaseException:
            opened.close()
            raise
        return opened

    def new_passphrase(self) -> Secret:
        """Returns the passphrase of an authority that is to be made, typed twice; raises PassphraseTooShort.

        Where an interrupted run left keys it is the one that they are under, however short that is.
        """
        from jpki.ca import AuthorityFolder

        what = words("prompts", "passphrase.new")
        refuse_without_terminal(self.passphrase, what)
        given = ask_new_secret(self.passphrase, words("prompts", "passphrase.ask", what=what), what)
        characters = len(given.reveal().decode("utf-8", "replace"))
        if characters < _LEAST_CHARACTERS and not any(AuthorityFolder(self.folder).keys.glob("*.key")):
            raise PassphraseTooShort(least=_LEAST_CHARACTERS)
        return given

    def _asked(self) -> Secret:
        what = words("prompts", "passphrase")
        return ask_secret(self.passphrase, words("prompts", "passphrase.ask", what=what), what)


def authority_option(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds `--ca`; the function gets an AuthorityChoice as its first argument. Raises MissingParameter."""
    return _with_choice(function, signing=False)


def signing_options(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds `--ca` and `--passphrase-fd`; the function gets an AuthorityChoice as its first argument."""
    return _with_choice(function, signing=True)


def _with_choice(function: Callable[..., Any], *, signing: bool) -> Any:  # noqa: ANN401 - as its two callers
    @functools.wraps(function)
    def with_choice(*before: object, ca: Path | None, passphrase_fd: int | None = None, **others: object) -> object:
        settings = frame_of(click.get_current_context()).settings
        folder = ca or (Path(settings.ca).expanduser() if settings.ca else None)
        if folder is None:
            raise MissingParameter(parameter="--ca")
        source = SecretSource("JPKI_CA_PASSPHRASE", passphrase_fd, options=("--passphrase-fd", ""))
        return function(AuthorityChoice(folder, source, named=ca is not None), *before, **others)

    decorated: Any = passphrase_options(with_choice) if signing else with_choice
    return option("--ca", type=FOLDER, metavar="FOLDER")(decorated)


def state_word(status: CertificateStatus) -> Word:
    """Returns what a certificate is, in words of the catalogue."""
    return Word(status.state.value, of="certificate-state")


def reason_word(reason: RevocationReason) -> Word:
    """Returns why a certificate was revoked: RFC 5280's word in JSON, words of the catalogue in text."""
    said = {language.value: words("values", f"RevocationReason.{reason.name}", language) for language in Language}
    return Word(reason.text, said=said)


def certificate_row(status: CertificateStatus) -> dict[str, object]:
    """Returns a certificate as one row of a table; days are Japan's."""
    revocation = status.revocation
    return {
        "name": status.name,
        "holder": status.holder,
        "state": state_word(status),
        "issued_on": day_in_japan(status.not_before),
        "last_day": day_in_japan(status.not_after),
        "revoked_on": None if revocation is None else day_in_japan(revocation.revoked_at),
        "reason": None if revocation is None else reason_word(revocation.reason),
        "successor": status.successor,
        "counterpart": status.counterpart,
    }


def chain_facts(found: Chain) -> dict[str, object]:
    """Returns what the authority answers about a certificate: what was before and after it, and its counterpart."""
    status = found.certificate
    revocation = status.revocation
    return {
        "name": status.name,
        "holder": status.holder,
        "state": state_word(status),
        "municipality_code": status.municipality,
        "not_before": status.not_before,
        "not_after": status.not_after,
        "confirmed_at": status.confirmed_at,
        "revocation": None
        if revocation is None
        else {
            "reason": reason_word(revocation.reason),
            "revoked_at": revocation.revoked_at,
            "noted_at": revocation.noted_at,
        },
        "predecessor": status.predecessor,
        "successor": status.successor,
        "newest": found.newest.name,
        "counterpart": status.counterpart,
        "chain": [certificate_row(one) for one in (*found.predecessors, status, *found.successors)],
    }


def left_out_facts(left_out: Mapping[Role, tuple[Reason, ...]]) -> list[dict[str, object]]:
    """Returns which certificates the rules do not give, and why."""
    return [{"role": role, "reasons": reasons} for role, reasons in left_out.items()]


def notice_facts(notices: tuple[Notice, ...]) -> list[dict[str, object]]:
    """Returns what the desk should know of a record; no character of the person is in it."""
    return [{"notice": one.kind, "position": one.position} for one in notices]


def known_card_expiry(authority: Authority, holder: str, at: datetime) -> date | None:
    """Returns the last day of the holder's only card that is not over; None where the ledger cannot say."""
    today = day_in_japan(at)
    with authority.store.snapshot() as view:
        days = {card.expires_on for card in view.cards_of(holder) if card.expires_on >= today}
    return days.pop() if len(days) == 1 else None
