"""`jpki demo`: the story is told, its files are there, and the commands it prints check them as printed."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from command_line import PATIENCE, AtTerminal, Invoke, Program
from schemas import assert_follows_its_schema
from told import differences

from cli.catalogue import keys
from cli.demonstration import STEPS
from cli.foreign import cells
from jpki.terms import JST
from jpki.verify import Evidence, FolderFetcher, SignedDocument, Trust, verify_with

TOLD = pytest.mark.parametrize("language", ["en", "ja"])
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
COMMAND = re.compile(r"^  ((?:! )?openssl .*|cd .*)$", re.MULTILINE)


# One process tells the story once for most of these tests.
pytestmark = pytest.mark.xdist_group("demo")


@dataclass(frozen=True)
class Story:
    """The story as it was told, and the folder it left: tests that change anything there work on a copy."""

    home: Path
    told: str

    @property
    def folder(self) -> Path:
        return self.home / "jpki-demo"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Has the story told where there is neither a reader's library nor a daemon: who asks for one gets an error."""
    home = tmp_path_factory.mktemp("demo")
    (home / "smartcard.py").write_text("raise ImportError('no pyscard here')")
    done = Program(home)("demo", "--lang", "ja", env={"PYTHONPATH": f"{home}:{Path(__file__).parents[2]}"})
    assert (done.code, done.told) == (0, "")
    return Story(home, done.out)


def sh(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False)


@TOLD
def test_the_story_fits_a_narrow_terminal(at_terminal: AtTerminal, language: str) -> None:
    terminal = at_terminal("demo", "--lang", language, columns=64)
    assert terminal.end() == 0
    headings = re.findall(r"━━ .*━", terminal.shown)
    assert len(headings) >= len(STEPS)
    assert all(cells(one) <= 64 for one in headings)


def test_every_printed_command_holds_as_it_stands(story: Story) -> None:
    commands = COMMAND.findall(story.told)
    assert commands[0] == "cd jpki-demo"
    assert sum("-attime" in command for command in commands) == 8
    shown = [sh(command, story.folder) for command in commands[1:]]
    assert [one.returncode for one in shown] == [0] * len(shown), [one.stderr for one in shown]
    assert [one.stdout.strip() for one in shown].count("Verified OK") == 2
    assert sum(": OK" in one.stdout for one in shown) == 4
    assert sum("certificate revoked" in one.stderr for one in shown) == 4


@TOLD
def test_every_step_is_told_in_the_readers_language(invoke: Invoke, story: Story, language: str) -> None:
    told = story.told if language == "ja" else invoke("demo", "--lang", language).out
    headings = [line for line in told.splitlines() if line.startswith("━━ ")]
    assert len(headings) == len(STEPS) + 2
    assert all(bool(JAPANESE.search(line)) == (language == "ja") for line in headings)
    assert all(f"{number}/{len(STEPS)}" in headings[number - 1] for number in range(1, len(STEPS) + 1))


@TOLD
def test_text_and_json_say_the_same(invoke: Invoke, story: Story, language: str) -> None:
    told = story.told if language == "ja" else invoke("demo", "--lang", language).out
    report = invoke("demo", "--json", "--lang", language).json
    headings = re.findall(r"^━━ .*$", told, re.MULTILINE)
    blocks = re.split(r"^━━ .*\n", told, flags=re.MULTILINE)[1:]
    for number, step in enumerate(report["steps"]):
        begins = datetime.fromisoformat(step["at"]).astimezone(JST)
        assert headings[number].endswith(f"━ {begins:%Y-%m-%d %H:%M} JST")
        facts = step["facts"]
        if "card_serial" in facts:  # each story has a card of its own
            (facts["card_serial"],) = re.findall(r"\b[0-9A-F]{20}\b", blocks[number])
        table = next((name for name, value in facts.items() if value and isinstance(value, list)
                      and isinstance(value[0], dict)), None)  # fmt: skip
        lines = blocks[number].strip().splitlines()
        rests = ["\n".join(lines[start:]) for start in range(len(lines))]
        assert facts
        assert any(not differences(rest, facts, table=table, japanese=language == "ja") for rest in rests), step["step"]
    assert [one["command"] for one in report["commands"]] == COMMAND.findall(told)[1:]
    shows = re.findall(r"^  # (.*)$", told, re.MULTILINE)
    assert list(dict.fromkeys(one["shows"] for one in report["commands"])) == shows
    assert report["folder"] in told


def test_every_step_has_its_words() -> None:
    assert {*STEPS, *(f"{name}.title" for name in STEPS)} <= keys("demo")


def test_the_script_that_is_left_holds_the_same_commands(story: Story, tmp_path: Path) -> None:
    script = (story.folder / "check.sh").read_text()
    printed = [f"{command} || exit 1" for command in COMMAND.findall(story.told)[1:]]
    assert printed == re.findall(r"^(?:! )?openssl .*", script, re.MULTILINE)
    shutil.copytree(story.folder, tmp_path / "here it is")
    assert sh("sh 'here it is/check.sh'", tmp_path).returncode == 0
    (tmp_path / "here it is" / "contract.txt").write_text("another contract")
    assert sh("sh 'here it is/check.sh'", tmp_path).returncode == 1


def test_the_facts_of_the_story_are_those_of_a_life(jpki: Program) -> None:
    done = jpki("demo", "--json")
    assert (done.code, done.told) == (0, "")
    assert_follows_its_schema(done.json)
    facts = {step["step"]: step["facts"] for step in done.json["steps"]}
    assert list(facts) == list(STEPS)
    results = [facts[name]["result"] for name in ("verify", "login", "recognise", "refuse", "past")]
    assert results == ["valid", "valid", "valid", "invalid", "valid"]
    assert facts["verify"]["holder_attributes"]["holder_name"] == "高橋　見本"
    assert "holder_attributes" not in facts["login"]
    assert (facts["recognise"]["known_customer"], facts["recognise"]["name"]) == ("auth:01000002", "auth:01000003")
    assert facts["recognise"]["same_person"] is True
    assert (facts["refuse"]["checks_failed"], facts["refuse"]["problem"]) == (["revocation"], "revoked")
    folder = jpki.home / done.json["folder"]
    assert all((folder / name).is_file() for name in done.json["files"])
    chain = json.loads((folder / "chain.json").read_text())
    assert_follows_its_schema(chain)
    assert chain["newest"] == "auth:01000003"
    for one in done.json["commands"]:
        assert sh(one["command"], folder).returncode == 0


def test_what_is_said_to_go_on_with_can_be_run(story: Story) -> None:
    commands = re.findall(r"^  (jpki .*)$", story.told, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        done = Program(story.home).shell(command)
        assert done.code == 0, (command, done.told)


def test_told_a_second_time_it_fills_its_folder_anew(invoke: Invoke, story: Story, tmp_path: Path) -> None:
    folder = tmp_path / "jpki-demo"
    shutil.copytree(story.folder, folder)
    (folder / "mine.txt").write_text("a file of the user's")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert invoke("demo").code == 0
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert set(after) == set(before) - {"contract.pub", "login.pub"}
    assert after["mine.txt"] == before["mine.txt"]
    assert after["contract.txt.crt"] != before["contract.txt.crt"]


def test_a_folder_of_somebody_elses_is_left_alone(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "jpki-demo").mkdir()
    (tmp_path / "jpki-demo" / "contract.txt").write_text("a real one")
    done = invoke("demo", "--json")
    assert (done.code, done.error["error"]) == (2, "ForeignFolder")
    assert [path.name for path in (tmp_path / "jpki-demo").iterdir()] == ["contract.txt"]


def test_a_folder_that_cannot_be_made_is_named(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = invoke("demo", "--out", "file/demo")
    assert done.code == 2
    assert "file/demo" in done.told


def test_a_reader_who_goes_away_ends_it_without_a_traceback(jpki: Program) -> None:
    done = jpki.shell("jpki demo | head -1; exit ${PIPESTATUS[0]}")
    assert done.code == 1
    assert "Traceback" not in done.told


@TOLD
def test_told_half_way_it_says_how_to_hear_it_again_and_nothing_of_a_card(jpki: Program, language: str) -> None:
    telling = jpki.start("demo", "--lang", language)
    assert telling.stdout is not None
    telling.stdout.readline()
    telling.send_signal(signal.SIGINT)
    said = telling.communicate(timeout=PATIENCE)[1].decode()
    assert telling.returncode == 130
    assert ("最初から" if language == "ja" else "begins anew") in said
    assert "カード" not in said
    assert "card" not in said


def test_the_secrets_of_the_folder_are_its_owners_alone(story: Story) -> None:
    for name in ("card.jpki", "authority-passphrase", "authority/keys/card-issuer.key", "authority/authority.sqlite3"):
        assert (story.folder / name).stat().st_mode & 0o077 == 0


def test_the_library_judges_the_files_as_the_story_does(story: Story) -> None:
    names = (f"contract.txt{end}" for end in ("", ".sig", ".crt"))
    subject = SignedDocument(*((story.folder / name).read_bytes() for name in names))
    trust = Trust.test(*(path.read_bytes() for path in (story.folder / "trust").iterdir()))
    lists = FolderFetcher(story.folder / "crl" / "1-issued")
    assert verify_with(lists, subject, trust, Evidence(), STEPS["verify"]).valid
