"""`jpki verify challenge` and `login`: what a site says of a login, and what it ends with."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from command_line import Done, Invoke, Program
from offices import BY_VARIABLES, Office
from schemas import assert_follows_its_schema
from told import differences

from cli.catalogue import words
from cli.language import Language
from jpki.terms import JST
from jpki.verify import Challenge

ORIGIN = "https://bank.example"
TRUST = ("--trust", "ca/certificates")
LISTS = ("--crl", "crl")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
AUTH = "auth:01000002"
GATHERED = ("problem", "given", "source", "time")


def challenge(invoke: Invoke, *more: object) -> Done:
    return invoke("verify", "challenge", "--origin", ORIGIN, "--store", "site.db", "--out", "ask.json", *more)


def answer(invoke: Invoke, name: str = "answer.json") -> Done:
    pin = {"JPKI_AUTH_PIN": BY_VARIABLES["JPKI_AUTH_PIN"]}
    return invoke("card", "auth", "--challenge", "ask.json", "-e", "card.jpki", "--out", name, "--force", **pin)


def login(invoke: Invoke, *more: object, name: str = "answer.json") -> Done:
    return invoke("verify", "login", name, "--store", "site.db", *TRUST, *LISTS, "--json", *more)


@pytest.mark.usefixtures("signed")
def test_a_login_is_valid_once_across_processes(jpki: Program) -> None:
    made = challenge(jpki, "--json")
    assert_follows_its_schema(made.json)
    assert_follows_its_schema(json.loads((jpki.home / "ask.json").read_text()))
    pin = {"JPKI_AUTH_PIN": BY_VARIABLES["JPKI_AUTH_PIN"]}
    arguments = ("card", "auth", "--challenge", "ask.json", "-e", "card.jpki", "--out", "answer.json")
    assert jpki(*arguments, env=pin).code == 0
    first, second = login(jpki), login(jpki)
    assert first.code == 0, first.told
    assert_follows_its_schema(first.json)
    assert (first.json["name"], first.json["holder_attributes"]) == (AUTH, None)
    assert (second.code, second.error["error"]) == (9, "NoSuchChallenge")


def test_a_challenge_says_how_to_go_on(invoke: Invoke) -> None:
    made = challenge(invoke)
    assert "jpki card auth --challenge ask.json --out response.json" in made.told
    assert "jpki verify login response.json --store site.db" in made.told
    assert challenge(invoke, "--force", "--json").told == ""


@pytest.mark.usefixtures("signed")
@LANGUAGES
def test_a_login_says_the_same_as_text(invoke: Invoke, tmp_path: Path, language: str) -> None:
    challenge(invoke)
    answer(invoke)
    shutil.copy(tmp_path / "site.db", tmp_path / "again.db")
    report = login(invoke).json
    assert (report["result"], report["judged"]["origin"]) == ("valid", ORIGIN)
    text = invoke("verify", "login", "answer.json", "--store", "again.db", *TRUST, *LISTS, "--lang", language).out
    # The second of the two is judged a moment later than the first.
    first = datetime.fromisoformat(report["at"]).astimezone(JST)
    (second,) = re.findall(rf"^{words('labels', 'at', Language(language))}: (.*) JST$", text, re.MULTILINE)
    text = text.replace(second, f"{first:%Y-%m-%d %H:%M:%S}")
    assert differences(text, report, table="checks", gathered=GATHERED, japanese=language == "ja") == []


@pytest.mark.usefixtures("signed")
def test_a_challenge_goes_to_standard_output_without_a_file(invoke: Invoke) -> None:
    made = invoke("verify", "challenge", "--origin", ORIGIN, "--store", "site.db")
    assert_follows_its_schema(made.json)
    assert made.json["origin"] == ORIGIN


@LANGUAGES
def test_a_challenge_that_was_made_says_the_same_as_text(invoke: Invoke, tmp_path: Path, language: str) -> None:
    report = challenge(invoke, "--json").json
    text = challenge(invoke, "--force", "--lang", language).out
    # The second of the two ends a moment later than the first.
    second = Challenge.from_facts(json.loads((tmp_path / "ask.json").read_text()))
    report["expires_at"] = f"{second.expires_at:%Y-%m-%dT%H:%M:%SZ}"
    assert differences(text, report, japanese=language == "ja") == []


def test_a_challenge_of_another_site_is_refused(invoke: Invoke, signed: Office) -> None:
    challenge(invoke)
    answer(invoke)
    told = json.loads((signed.path / "answer.json").read_text())
    (signed.path / "answer.json").write_text(json.dumps(told | {"origin": "https://other.example"}))
    done = login(invoke)
    assert done.code == 9
    assert {"origin", "signature"} <= {one["check"] for one in done.json["checks_failed"]}


def test_a_lost_card_logs_in_no_more(invoke: Invoke, signed: Office) -> None:
    signed.revoke(AUTH)
    challenge(invoke)
    answer(invoke)
    assert login(invoke).code == 10


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(
    "origin", ["bank.example", "https://bank.example/path", "HTTPS://BANK", "", "https://" + "a" * 400]
)
def test_an_origin_that_is_none_is_refused(invoke: Invoke, origin: str) -> None:
    done = invoke("verify", "challenge", "--origin", origin, "--store", "site.db", "--json")
    assert (done.code, done.error["error"], done.error["facts"]["parameter"]) == (2, "BadValue", "--origin")


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"kind": "login-response", "version": 1}', "nonsense", "[" * 20_000]
)
def test_an_answer_that_is_none_is_an_error(invoke: Invoke, tmp_path: Path, content: str) -> None:
    (tmp_path / "answer.json").write_text(content)
    done = login(invoke)
    assert (done.code, done.error["error"], done.error["facts"]["path"]) == (2, "WrongFile", "answer.json")
    assert "Traceback" not in done.told


@pytest.mark.usefixtures("signed")
def test_an_answer_with_no_certificate_in_it_is_named_and_uses_no_challenge_up(invoke: Invoke, tmp_path: Path) -> None:
    challenge(invoke)
    answer(invoke)
    told = json.loads((tmp_path / "answer.json").read_text())
    (tmp_path / "bad.json").write_text(json.dumps(told | {"certificate": "AAAA"}))
    done = login(invoke, name="bad.json")
    assert (done.code, done.error["error"], done.error["facts"]["path"]) == (2, "WrongFile", "bad.json")
    assert login(invoke).code == 0


@pytest.mark.usefixtures("signed")
def test_an_answer_without_the_database_of_its_challenge_is_to_none_and_makes_no_database(
    invoke: Invoke, tmp_path: Path
) -> None:
    challenge(invoke)
    answer(invoke)
    done = invoke("verify", "login", "answer.json", "--store", "other.db", *TRUST, *LISTS, "--json")
    assert (done.code, done.error["error"]) == (9, "NoSuchChallenge")
    assert not (tmp_path / "other.db").exists()


def test_a_database_of_something_else_is_refused(invoke: Invoke, office: Office) -> None:
    arguments = ("verify", "challenge", "--origin", ORIGIN, "--store", "ca/authority.sqlite3", "--json")
    assert invoke(*arguments).error["error"] == "ForeignStore"
    assert office.ca.exists()
