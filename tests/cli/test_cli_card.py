"""`jpki card info`, `pin-status` and `cert`: what a card tells."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cards_in_files import card_file_of, with_tries
from certified_cards import BOTH, certified_state
from command_line import Invoke, Program

from emulator import ApplicationState
from jpki.formats import Certificate
from jpki.terms import Role
from jpki.verify import Challenge

SIGN_PIN = {"JPKI_SIGN_PIN": "ABC123"}


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    return card_file_of(tmp_path / "blank.jpki", certified_state().with_application("jpki", ApplicationState()))


def test_a_card_tells_what_it_is_without_a_pin(invoke: Invoke, card: Path) -> None:
    told = invoke("card", "info", "--emulator", card, "--json").json
    assert told["profile"] == "mynumber"
    assert told["token"]["token_label"] == "JPKIAPICCTOKEN2"
    assert told["certificates"] == ["sign", "auth"]
    assert [(pin["role"], pin["tries_left"]) for pin in told["pins"]] == [("sign", 5), ("auth", 3)]


def test_a_phone_is_told_from_a_card(invoke: Invoke, tmp_path: Path) -> None:
    phone = card_file_of(tmp_path / "phone.jpki", certified_state("android"))
    assert invoke("card", "info", "-e", phone, "--json").json["profile"] == "android"


@pytest.mark.parametrize("role", BOTH)
def test_a_card_with_one_certificate_is_no_error(invoke: Invoke, tmp_path: Path, role: Role) -> None:
    path = card_file_of(tmp_path / "one.jpki", certified_state(roles=(role,)))
    told = invoke("card", "info", "-e", path, "--json").json
    assert told["certificates"] == [role.short]
    assert [pin["role"] for pin in told["pins"]] == [role.short]


@pytest.mark.parametrize("role", BOTH)
def test_every_command_works_with_a_card_with_one_certificate(invoke: Invoke, tmp_path: Path, role: Role) -> None:
    path = card_file_of(tmp_path / "one.jpki", certified_state(roles=(role,)))
    (tmp_path / "document").write_text("text")
    asked = Challenge(bytes(32), "https://bank.example", datetime(2026, 11, 22, tzinfo=UTC))
    (tmp_path / "ask").write_text(json.dumps(asked.as_facts()))
    pins = {"JPKI_SIGN_PIN": "ABC123", "JPKI_AUTH_PIN": "1234"}
    pins |= {"JPKI_NEW_SIGN_PIN": "ABC123", "JPKI_NEW_AUTH_PIN": "1234"}
    works = {Role.SIGNATURE: ("sign", "document"), Role.AUTHENTICATION: ("auth", "--challenge", "ask")}
    short = role.short
    for words in (("info",), ("pin-status",), ("apdu", "00A4040C0AD392F000260100000001"), ("cert", short),
                  ("cert", f"ca-{short}"), ("pin-change", short), works[role]):  # fmt: skip
        assert invoke("card", *words, "-e", path, **pins).code == 0, words
    for words in (("cert", role.other.short), ("pin-change", role.other.short), works[role.other]):
        done = invoke("card", *words, "-e", path, "--json", **pins)
        assert done.code == 4, words
        assert json.loads(done.told[done.told.index("{") :])["error"] == "NoCertificate"  # the site is told before it
    left = invoke("card", "pin-status", "-e", path, "--json").json["pins"]
    assert [(pin["role"], pin["tries_left"] == pin["tries"]) for pin in left] == [(short, True)]


@pytest.mark.parametrize("role", BOTH)
def test_what_a_card_with_one_certificate_lacks_is_said_by_name(invoke: Invoke, tmp_path: Path, role: Role) -> None:
    path = card_file_of(tmp_path / "one.jpki", certified_state(roles=(role.other,)))
    pins = {"JPKI_SIGN_PIN": "ABC123", "JPKI_AUTH_PIN": "1234"}
    done = invoke("card", "cert", role.short, "-e", path, "--json", **pins)
    assert (done.code, done.error["error"]) == (4, "NoCertificate")


def test_a_card_that_is_not_issued_yet_shows_no_certificates_and_no_pins(invoke: Invoke, blank: Path) -> None:
    told = invoke("card", "info", "-e", blank, "--json").json
    assert (told["certificates"], told["pins"]) == ([], [])
    assert invoke("card", "pin-status", "-e", blank, "--json").json["pins"] == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_card_that_is_not_issued_yet_is_not_called_blocked(
    invoke: Invoke, blank: Path, tmp_path: Path, language: str
) -> None:
    document = tmp_path / "document.txt"
    document.write_text("signed by nobody")
    arguments = ("card", "sign", document, "-e", blank, "--lang", language)
    done = invoke(*arguments, **SIGN_PIN)
    assert done.code == 4
    assert "jpki issue" in done.told


def test_the_state_of_a_blocked_pin_is_a_fact_and_no_failure(invoke: Invoke, tmp_path: Path) -> None:
    path = card_file_of(tmp_path / "blocked.jpki", with_tries(certified_state(), "signature", 0))
    done = invoke("card", "pin-status", "-e", path, "--json")
    assert done.code == 0
    assert [(pin["tries_left"], pin["blocked"]) for pin in done.json["pins"]] == [(0, True), (3, False)]


@pytest.mark.parametrize("command", ["info", "pin-status"])
def test_what_helps_a_blocked_pin_is_said_behind_the_facts(invoke: Invoke, tmp_path: Path, command: str) -> None:
    path = card_file_of(tmp_path / "blocked.jpki", with_tries(certified_state(), "signature", 0))
    done = invoke("card", command, "-e", path)
    assert done.told.endswith(f"    jpki card pin-reset sign --ca FOLDER --emulator {path}\n")
    assert invoke("card", command, "-e", path, "--json").told == ""


@pytest.mark.parametrize("command", ["info", "pin-status"])
def test_how_a_card_is_issued_is_said_behind_the_facts(invoke: Invoke, blank: Path, command: str) -> None:
    told = invoke("card", command, "-e", blank, JPKI_CA="ca").told
    assert told.endswith(f"    jpki issue RESIDENTS.csv --id ID --emulator {blank}\n")


def test_asking_for_the_tries_costs_none(invoke: Invoke, card: Path) -> None:
    tries = [invoke("card", "pin-status", "-e", card, "--json").json["pins"] for _ in range(2)]
    assert tries[0] == tries[1]


@pytest.mark.parametrize(
    ("which", "pins", "subject"),
    [("auth", {}, "CN=authentication"), ("sign", SIGN_PIN, "L=Chiyoda-ku"), ("ca-auth", {}, "CN=authority")],
)
def test_a_certificate_tells_its_facts(
    invoke: Invoke, card: Path, which: str, pins: dict[str, str], subject: str
) -> None:
    told = invoke("card", "cert", which, "-e", card, "--json", **pins).json
    assert told["certificate"] == which
    assert subject in told["subject"]


def test_only_the_signature_certificate_tells_who_its_holder_is(invoke: Invoke, card: Path) -> None:
    signature = invoke("card", "cert", "sign", "-e", card, "--json", **SIGN_PIN).json
    authentication = invoke("card", "cert", "auth", "-e", card, "--json").json
    assert signature["attributes"]["holder_name"] == "公的　花子"
    assert signature["attributes"]["birth_date"] == "1989-01-07"
    assert "attributes" not in authentication


def test_the_signature_certificate_needs_its_password(invoke: Invoke, card: Path) -> None:
    done = invoke("card", "cert", "sign", "-e", card, "--json")
    assert (done.code, done.error["error"]) == (2, "NoSecret")


def test_a_phone_asks_for_the_pin_of_its_authentication_certificate(invoke: Invoke, tmp_path: Path) -> None:
    phone = card_file_of(tmp_path / "phone.jpki", certified_state("android"))
    assert invoke("card", "cert", "auth", "-e", phone, "--json").error["error"] == "NoSecret"
    assert invoke("card", "cert", "auth", "-e", phone, "--json", JPKI_AUTH_PIN="1234").code == 0


def test_a_certificate_goes_to_another_program_as_der(jpki: Program, card: Path) -> None:
    done = jpki("card", "cert", "auth", "-e", card)
    assert Certificate.parse(done.data).serial == 0x06D18006
    assert done.told == ""


def test_a_certificate_goes_to_another_program_as_pem(jpki: Program, card: Path) -> None:
    line = f"jpki card cert auth --pem -e {card} | openssl x509 -noout -serial"
    assert jpki.shell(line).out.strip() == "serial=06D18006"


def test_a_certificate_goes_to_a_file(invoke: Invoke, card: Path, tmp_path: Path) -> None:
    done = invoke("card", "cert", "auth", "-e", card, "--out", "auth.crt", "--json")
    assert done.json["file"] == "auth.crt"
    assert Certificate.parse((tmp_path / "auth.crt").read_bytes()).serial == 0x06D18006


def test_a_file_that_is_there_stays_as_it_is(invoke: Invoke, card: Path, tmp_path: Path) -> None:
    (tmp_path / "auth.crt").write_text("mine")
    done = invoke("card", "cert", "auth", "-e", card, "--out", "auth.crt", "--json")
    assert (done.code, done.error["error"]) == (2, "FileInTheWay")
    assert (tmp_path / "auth.crt").read_text() == "mine"


def test_a_file_that_is_there_is_overwritten_when_that_is_said(invoke: Invoke, card: Path, tmp_path: Path) -> None:
    (tmp_path / "auth.crt").write_text("mine")
    assert invoke("card", "cert", "auth", "-e", card, "--out", "auth.crt", "--force").code == 0
    assert (tmp_path / "auth.crt").read_bytes()[0] == 0x30


def test_a_device_is_written_to_and_not_replaced(invoke: Invoke, card: Path) -> None:
    assert invoke("card", "cert", "auth", "-e", card, "--out", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_openssl_agrees_with_what_is_told(jpki: Program, card: Path) -> None:
    told: dict[str, Any] = jpki("card", "cert", "sign", "-e", card, "--json", env=SIGN_PIN).json
    der = jpki("card", "cert", "sign", "-e", card, env=SIGN_PIN).data
    shown = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-fingerprint", "-sha256", "-serial"],
        input=der,
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert told["sha256"] in shown.replace(":", "")
    assert told["serial"] in shown


def test_every_exchange_can_be_watched(invoke: Invoke, card: Path) -> None:
    done = invoke("card", "cert", "sign", "-e", card, "--json", "--trace", **SIGN_PIN)
    lines = done.told.splitlines()
    assert "00A4040C" in lines[0]
    assert any("0020009B •••" in line for line in lines)
    assert "414243313233" not in done.told
