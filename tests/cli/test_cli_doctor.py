"""`jpki doctor`: what does not work, why, and the command that mends it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Program
from jsonschema import Draft202012Validator
from told import differences

from cli.diagnosis import Finding, Surroundings, diagnose
from cli.pcsc_daemon import daemon_command
from cli.settings import Settings
from emulator import SLOT_PORTS
from jpki.card import NoDaemon, NoPermission, PcscFailure, PcscLibraryMissing, Reader
from jpki.errors import JpkiError

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "doctor.json").read_text("utf-8"))
EMPTY, PRESENT, IN_USE = 0x10, 0x20, 0x100


def raising(error: JpkiError) -> Callable[[], tuple[Reader, ...]]:
    def readers() -> tuple[Reader, ...]:
        raise error

    return readers


def having(*found: Reader) -> Callable[[], tuple[Reader, ...]]:
    return lambda: found


DEBIAN = Surroundings(
    which=lambda program: f"/usr/sbin/{program}",
    installed=lambda package: True,
    has_systemd=True,
    is_root=False,
    user="hanako",
    has_driver=True,
    daemon=("pcscd",),
    python="/the/environment/bin/python",
    listeners={},
    readers=having(),
    daemon_refusal=lambda: None,
)
NO_PYSCARD = replace(DEBIAN, readers=raising(PcscLibraryMissing(library="pyscard")))


def found(machine: Surroundings, settings: Settings | None = None) -> dict[str, Finding]:
    return {finding.check: finding for finding in diagnose(settings or Settings(), machine)}


@pytest.mark.parametrize(
    ("machine", "check", "cause", "command"),
    [
        (replace(DEBIAN, readers=raising(NoDaemon())), "daemon", "daemon-not-running",
         "sudo systemctl start pcscd.socket"),
        (replace(DEBIAN, readers=raising(NoDaemon()), has_systemd=False), "daemon", "daemon-not-running", "sudo pcscd"),
        (replace(DEBIAN, readers=raising(NoDaemon()), has_systemd=False, is_root=True), "daemon",
         "daemon-not-running", "pcscd"),
        (replace(DEBIAN, readers=raising(NoDaemon()), has_systemd=False, daemon=("pcscd", "--disable-polkit")),
         "daemon", "daemon-not-running", "sudo pcscd --disable-polkit"),
        (replace(DEBIAN, readers=raising(NoPermission()), has_systemd=False, daemon=("pcscd", "--disable-polkit")),
         "daemon", "polkit-out-of-reach",
         "sudo sh -c 'kill $(cat /run/pcscd/pcscd.pid); sleep 2; pcscd --disable-polkit'"),
        (replace(DEBIAN, readers=raising(NoDaemon()), which=lambda name: name if name == "apt-get" else None), "daemon",
         "daemon-not-installed", "sudo apt-get install pcscd"),
        (replace(DEBIAN, readers=raising(NoDaemon()), which=lambda name: None), "daemon", "daemon-not-installed", None),
        (NO_PYSCARD, "library", "PcscLibraryMissing",
         "sudo apt-get install gcc python3-dev libpcsclite-dev && /the/environment/bin/python -m pip install pyscard"),
        (replace(NO_PYSCARD, which=lambda name: None, python="/my env/bin/python"), "library", "PcscLibraryMissing",
         "'/my env/bin/python' -m pip install pyscard"),
        (replace(NO_PYSCARD, daemon_refusal=NoDaemon), "daemon", "daemon-not-running",
         "sudo systemctl start pcscd.socket"),
        (replace(NO_PYSCARD, daemon_refusal=NoPermission, daemon=("pcscd", "--disable-polkit")), "daemon",
         "polkit-out-of-reach", "sudo systemctl restart pcscd"),
        (NO_PYSCARD, "virtual-reader", "driver-not-loaded", "sudo systemctl restart pcscd"),
        (replace(NO_PYSCARD, has_driver=False, daemon_refusal=NoDaemon), "virtual-reader", "no-driver",
         "sudo apt-get install pcscd vsmartcard-vpcd"),
        (NO_PYSCARD, "card", "readers-out-of-reach", None),
        (replace(DEBIAN, readers=raising(NoDaemon())), "card", "readers-out-of-reach", None),
        (replace(DEBIAN, readers=raising(PcscLibraryMissing(library="libpcsclite.so.1"))), "library",
         "PcscLibraryMissing", "sudo apt-get install libpcsclite1"),
        (replace(DEBIAN, readers=raising(PcscFailure(operation="SCardListReaders", code=1))), "daemon", "PcscFailure",
         None),
        (DEBIAN, "readers", "no-reader", None),
        (replace(DEBIAN, has_driver=False), "virtual-reader", "no-driver",
         "sudo apt-get install pcscd vsmartcard-vpcd"),
        (DEBIAN, "virtual-reader", "driver-not-loaded", "sudo systemctl restart pcscd"),
        (replace(DEBIAN, readers=having(Reader(0, "Virtual PCD 00 00", EMPTY, b""))), "card-in-reader", "no-card",
         None),
        (replace(DEBIAN, readers=having(Reader(0, "A reader", PRESENT | IN_USE, b""))), "card-in-reader", "in-use",
         None),
        (replace(DEBIAN, listeners={SLOT_PORTS[0]: ("00000000",)}), "virtual-reader-ports", "open-ports",
         "sudo iptables -I INPUT ! -i lo -p tcp --dport 35963:35964 -j REJECT"),
        (replace(DEBIAN, installed=lambda package: False), "authority", "no-authority",
         "/the/environment/bin/python -m pip install sqlalchemy alembic"),
    ],
)  # fmt: skip
def test_what_does_not_work_has_its_cause_and_its_remedy(
    machine: Surroundings, check: str, cause: str, command: str | None
) -> None:
    finding = found(machine)[check]
    assert not finding.works
    assert (finding.cause, finding.command) == (cause, command)


def test_without_pyscard_the_rest_is_looked_at_all_the_same() -> None:
    checks = found(replace(NO_PYSCARD, listeners={SLOT_PORTS[0]: ("00000000",)}))
    assert {name for name, finding in checks.items() if finding.works} >= {"daemon", "virtual-reader"}
    assert checks["virtual-reader-ports"].cause == "open-ports"


def test_whether_the_driver_is_loaded_is_not_guessed_at() -> None:
    assert "virtual-reader" not in found(replace(NO_PYSCARD, listeners=None))
    assert "virtual-reader" not in found(replace(NO_PYSCARD, daemon_refusal=NoDaemon))


def test_a_user_the_daemon_refuses_is_given_a_rule_that_names_them() -> None:
    finding = found(replace(DEBIAN, readers=raising(NoPermission())))["daemon"]
    assert finding.command is not None
    assert 'subject.user === "hanako"' in finding.command
    assert finding.command.endswith("| sudo tee /etc/polkit-1/rules.d/50-pcscd.rules")


@pytest.mark.parametrize(
    ("help_page", "has_bus", "options"),
    [
        ("--disable-polkit\tdisable polkit support", False, ("--disable-polkit",)),
        ("--disable-polkit\tdisable polkit support", True, ()),
        ("-x, --auto-exit", False, ()),
    ],
)
def test_a_daemon_that_could_not_ask_polkit_is_started_so_that_it_does_not_ask(
    tmp_path: Path, help_page: str, has_bus: bool, options: tuple[str, ...]
) -> None:
    pcscd, bus = tmp_path / "pcscd", tmp_path / "bus"
    pcscd.write_text(f"#!/bin/sh\necho '{help_page}'\n")
    pcscd.chmod(0o755)
    if has_bus:
        bus.touch()
    assert daemon_command(str(pcscd), bus=bus) == (str(pcscd), *options)


def test_where_there_is_no_daemon_its_name_is_what_would_start_it(tmp_path: Path) -> None:
    assert daemon_command(str(tmp_path / "pcscd"), bus=tmp_path / "bus") == (str(tmp_path / "pcscd"),)


def test_what_lies_behind_a_broken_part_is_not_looked_at() -> None:
    checks = found(replace(DEBIAN, readers=raising(NoDaemon())))
    assert {"readers", "card-in-reader", "virtual-reader"} & set(checks) == set()


@pytest.mark.parametrize("address", ["0100007F", "00000000000000000000000001000000"])
def test_a_port_on_the_loopback_address_alone_is_no_matter(address: str) -> None:
    assert "virtual-reader-ports" not in found(replace(DEBIAN, listeners={SLOT_PORTS[0]: (address,)}))


def test_an_open_port_of_another_program_is_no_matter() -> None:
    assert "virtual-reader-ports" not in found(replace(DEBIAN, listeners={22: ("00000000",)}))


def test_an_emulated_card_that_was_chosen_is_looked_at_in_its_file(card: Path) -> None:
    assert found(DEBIAN, Settings(emulator=str(card)))["card"].works
    missing = found(DEBIAN, Settings(emulator=f"{card}.missing"))["card"]
    assert (missing.works, missing.cause) == (False, "NoCardFile")


def test_a_reader_that_was_chosen_and_is_not_there_is_named() -> None:
    machine = replace(DEBIAN, readers=having(Reader(0, "Virtual PCD 00 00", EMPTY, b"")))
    finding = found(machine, Settings(reader="mine"))["card"]
    assert (finding.found, finding.cause) == ("mine", "NoSuchReader")


def test_a_card_elsewhere_does_not_stand_in_for_that_of_the_chosen_reader() -> None:
    busy, empty = Reader(0, "busy", PRESENT | IN_USE, b""), Reader(1, "mine", EMPTY, b"")
    finding = found(replace(DEBIAN, readers=having(busy, empty)), Settings(reader="mine"))["card"]
    assert (finding.works, finding.found, finding.cause) == (False, "mine", "NoCard")


def test_the_doctor_ends_with_0_if_a_card_can_be_used_and_else_with_3(jpki: Program, card: Path) -> None:
    env = {"PCSCLITE_CSOCK_NAME": "/no/such/socket"}
    assert jpki("doctor", env=env).code == 3
    assert jpki("doctor", env=env | {"JPKI_EMULATOR": str(card)}).code == 0


@pytest.mark.parametrize("japanese", [False, True], ids=["English", "Japanese"])
def test_the_doctor_says_the_same_in_text_and_json(jpki: Program, japanese: bool) -> None:
    env = {"PCSCLITE_CSOCK_NAME": "/no/such/socket", "JPKI_LANG": "ja" if japanese else "en"}
    report = jpki("doctor", "--json", env=env).json
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(report)] == []
    assert differences(jpki("doctor", env=env).out, report, table="checks", japanese=japanese) == []


def test_no_daemon_is_said_by_every_command_that_needs_one(jpki: Program) -> None:
    for arguments in (("readers",), ("card", "info"), ("card", "info", "-r", "0")):
        done = jpki(*arguments, "--json", env={"PCSCLITE_CSOCK_NAME": "/no/such/socket"})
        assert (done.code, done.error["error"]) == (3, "NoDaemon")


def test_without_pyscard_it_is_said_what_to_install(jpki: Program, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['smartcard'] = None\n")
    env = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    done = jpki("readers", "--json", env=env)
    assert (done.code, done.error["facts"]) == (3, {"library": "pyscard"})
    missing, daemon = jpki("doctor", "--json", env=env | {"PCSCLITE_CSOCK_NAME": "/no/such/socket"}).json["problems"][
        :2
    ]
    assert (missing["cause"], daemon["check"]) == ("PcscLibraryMissing", "daemon")
    assert missing["command"].endswith(f"{sys.executable} -m pip install pyscard")
