"""The OpenSSL commands that check what the demonstration left, as they are run in its folder."""

from __future__ import annotations

from dataclasses import dataclass

from .steps import STEPS

__all__ = ["Check", "checks_of", "script_of"]


@dataclass(frozen=True, slots=True)
class Check:
    """One command for a POSIX shell, in the demonstration's folder, and what it shows (a key of the catalogue).

    A command that OpenSSL is to refuse stands behind `!`, so that it succeeds where it was refused.
    """

    shows: str
    command: str


def checks_of(first: str, renewed: str) -> tuple[Check, ...]:
    """Returns the commands; `first` and `renewed` are the certificates' numbers, as in their files' names."""
    return (
        Check("key", "openssl x509 -inform DER -in contract.txt.crt -pubkey -noout -out contract.pub"),
        Check("document", "openssl dgst -sha256 -verify contract.pub -signature contract.txt.sig contract.txt"),
        Check("login-key", f"openssl x509 -inform DER -in certificates/auth-{first}.cer -pubkey -noout -out login.pub"),
        Check("login", "openssl dgst -sha256 -verify login.pub -signature login/signature.bin login/message.bin"),
        *(Check("valid", _verify(role, first, "1-issued", "verify")) for role in ("sign", "auth")),
        *(Check("renewed", _verify(role, renewed, "2-renewed", "recognise")) for role in ("sign", "auth")),
        *(Check("superseded", "! " + _verify(role, first, "2-renewed", "recognise")) for role in ("sign", "auth")),
        *(Check("revoked", "! " + _verify(role, renewed, "3-lost", "refuse")) for role in ("sign", "auth")),
    )


def _verify(role: str, number: str, lists: str, step: str) -> str:
    moment = int(STEPS[step].timestamp())
    return (
        f"openssl verify -attime {moment} -crl_check -CAfile trust/{role}-ca.pem"
        f" -CRLfile crl/{lists}/{role}.crl certificates/{role}-{number}.cer"
    )


def script_of(checks: tuple[Check, ...], explained: dict[str, str]) -> str:
    """Returns the commands as a shell script that fails at the first that does not come out as it should."""
    lines = ["#!/bin/sh", 'cd "$(dirname "$0")" || exit 1']
    shown = ""
    for check in checks:
        if check.shows != shown:
            lines += ["", f"# {explained[check.shows]}"]
            shown = check.shows
        lines.append(f"{check.command} || exit 1")
    return "\n".join(lines) + "\n"
