"""What works on this machine, why something does not, and the command that mends it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from emulator import SLOT_PORTS, EmulatedCard, VolatileMemory, blank_state, open_card
from jpki.card import (
    Encoded,
    Limits,
    LocalConnection,
    NoCard,
    NoDaemon,
    NoPermission,
    PcscLibraryMissing,
    Reader,
    Resolving,
    choose_reader,
    daemon_refusal,
    find_application,
    open_reader,
    readers,
    shipped_profiles,
)
from jpki.errors import CardError, JpkiError

from .catalogue import error_words
from .facts import profile_fact
from .language import Language
from .pcsc_daemon import daemon_command
from .settings import Settings
from .values import Word

__all__ = ["Finding", "Surroundings", "diagnose"]

_DRIVERS = (
    Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so"),
    Path("/usr/local/lib/pcsc/drivers/serial/libifdvpcd.so"),
)
_VIRTUAL = "Virtual PCD"
_PROBE = Limits(busy=1.0, answer=10.0)
_LISTENING = "0A"
_RESTART = "sh -c 'kill $(cat /run/pcscd/pcscd.pid); sleep 2; {}'"
_POLKIT = (
    'polkit.addRule(function(action, subject) { if (action.id.indexOf("org.debian.pcsc-lite.") === 0 '
    '&& subject.user === "%s") return polkit.Result.YES; });'
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a diagnosis looks at besides the card layer: the programs, folders and sockets of the machine."""

    which: Callable[[str], str | None]
    installed: Callable[[str], bool]
    has_systemd: bool
    is_root: bool
    user: str
    has_driver: bool
    # What starts the daemon where no service manager does.
    daemon: tuple[str, ...]
    # The Python that runs this program: what is installed for another one is of no use to it.
    python: str
    # The addresses, in the kernel's hexadecimal, on which something listens at each port; None where it is not known.
    listeners: dict[int, tuple[str, ...]] | None
    readers: Callable[[], tuple[Reader, ...]] = readers
    # What the daemon's socket tells where there is no library to ask with.
    daemon_refusal: Callable[[], CardError | None] = daemon_refusal

    @classmethod
    def here(cls) -> Surroundings:
        """Returns the surroundings of this process."""
        path = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/sbin"
        return cls(
            which=lambda program: shutil.which(program, path=path),
            installed=lambda package: find_spec(package) is not None,
            has_systemd=Path("/run/systemd/system").is_dir(),
            is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
            user=os.environ.get("USER") or os.environ.get("LOGNAME") or "",
            has_driver=any(driver.exists() for driver in _DRIVERS),
            daemon=("pcscd", *daemon_command(shutil.which("pcscd", path=path) or "pcscd")[1:]),
            python=sys.executable,
            listeners=_listeners(),
        )

    def as_root(self, command: str) -> str:
        """Returns a command as this user has to type it to have it run as root."""
        return command if self.is_root else f"sudo {command}"

    def restart(self) -> str:
        """Returns the command, to be run as root, that has the daemon begin anew."""
        return "systemctl restart pcscd" if self.has_systemd else _RESTART.format(" ".join(self.daemon))

    def install(self, *packages: str) -> str | None:
        """Returns the command that installs Debian packages, or None where there is no apt."""
        return self.as_root(f"apt-get install {' '.join(packages)}") if self.which("apt-get") else None

    def pip_install(self, *packages: str) -> str:
        """Returns the command that installs Python packages for this program, whichever environment it is in."""
        return f"{shlex.quote(self.python)} -m pip install {' '.join(packages)}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: its `outcome` (works, missing, warning, empty); where it is not well, cause and remedy."""

    check: str
    outcome: str
    found: str | Word | None = None
    cause: Word | None = None
    command: str | None = None

    @property
    def works(self) -> bool:
        """Returns whether all is well."""
        return self.outcome == "works"


def diagnose(settings: Settings, machine: Surroundings) -> list[Finding]:
    """Returns what every check found; the last finding, `card`, says whether a card can be used now."""
    findings = [*_program(machine)]
    listed, reader_findings = _readers(machine)
    findings += reader_findings
    cards = {reader: _card(reader) for reader in listed if reader.has_card}
    findings += cards.values() or ([Finding("card-in-reader", "empty", cause=_cause("no-card"))] if listed else [])
    works = {finding.check for finding in reader_findings if finding.works}
    findings += _virtual_reader(machine, _has_virtual_reader(machine, listed, works))
    findings.append(_usable(settings, listed, cards, asked={"library", "daemon"} <= works))
    return findings


def _cause(word: str) -> Word:
    return Word(word, of="cause")


def _cause_of(error: JpkiError) -> Word:
    said = {language.value: error_words(error, language).what for language in Language}
    return Word(type(error).__name__, said=said)


def _program(machine: Surroundings) -> Iterator[Finding]:
    yield Finding("python", "works", f"Python {'.'.join(map(str, sys.version_info[:3]))}")
    if all(map(machine.installed, ("sqlalchemy", "alembic"))):
        yield Finding("authority", "works")
    else:
        command = machine.pip_install("sqlalchemy", "alembic")
        yield Finding("authority", "warning", cause=_cause("no-authority"), command=command)
    yield _emulation()


def _emulation() -> Finding:
    profile = shipped_profiles()[0]
    blank = EmulatedCard(profile, VolatileMemory(blank_state(profile, bytes(10))))
    with LocalConnection(blank) as connection:
        answer = connection.transmit(b"\x00\xa4\x04\x0c" + bytes((len(profile.jpki.aid),)) + profile.jpki.aid)
    works = answer == b"\x90\x00"
    return Finding("emulation", "works" if works else "missing", cause=None if works else _cause("emulation"))


def _readers(machine: Surroundings) -> tuple[tuple[Reader, ...], list[Finding]]:
    """Lists the readers; what stands in the way is the finding, and what lies behind that is not looked at."""
    library, daemon = Finding("library", "works"), Finding("daemon", "works")
    try:
        found = machine.readers()
    except PcscLibraryMissing as error:
        refusal = machine.daemon_refusal()
        return (), [_library(machine, error), daemon if refusal is None else _daemon(machine, refusal)]
    except CardError as error:
        return (), [library, _daemon(machine, error)]
    if not found:
        return (), [library, daemon, Finding("readers", "empty", cause=_cause("no-reader"))]
    return found, [library, daemon, *(Finding("readers", "works", reader.name) for reader in found)]


def _library(machine: Surroundings, error: PcscLibraryMissing) -> Finding:
    if error.library != "pyscard":
        return Finding("library", "missing", cause=_cause_of(error), command=machine.install("libpcsclite1"))
    packages, command = machine.install("gcc", "python3-dev", "libpcsclite-dev"), machine.pip_install("pyscard")
    command = command if packages is None else f"{packages} && {command}"
    return Finding("library", "missing", cause=_cause_of(error), command=command)


def _daemon(machine: Surroundings, error: CardError) -> Finding:
    match error:
        case NoPermission():
            return _refusing(machine, error)
        case NoDaemon() if machine.which("pcscd") is None:
            cause, command = _cause("daemon-not-installed"), machine.install("pcscd")
        case NoDaemon():
            start = "systemctl start pcscd.socket" if machine.has_systemd else " ".join(machine.daemon)
            cause, command = _cause("daemon-not-running"), machine.as_root(start)
        case _:
            cause, command = _cause_of(error), None
    return Finding("daemon", "missing", cause=cause, command=command)


def _refusing(machine: Surroundings, error: NoPermission) -> Finding:
    if machine.daemon[1:]:
        command = machine.as_root(machine.restart())
        return Finding("daemon", "missing", cause=_cause("polkit-out-of-reach"), command=command)
    rule = shlex.quote(_POLKIT % machine.user)
    command = f"printf '%s\\n' {rule} | {machine.as_root('tee /etc/polkit-1/rules.d/50-pcscd.rules')}"
    return Finding("daemon", "missing", cause=_cause_of(error), command=command)


def _card(reader: Reader) -> Finding:
    if reader.in_use:
        # Selecting an application would take the card out of that program's hands.
        return Finding("card-in-reader", "warning", reader.name, _cause("in-use"))
    try:
        with (
            open_reader(reader.name, _PROBE) as connection,
            find_application(Resolving(Encoded(connection))) as jpki,
        ):
            return Finding("card-in-reader", "works", profile_fact(jpki.profile))
    except JpkiError as error:
        return Finding("card-in-reader", "warning", reader.name, _cause_of(error))


def _has_virtual_reader(machine: Surroundings, found: tuple[Reader, ...], works: set[str]) -> bool | None:
    """Returns whether the daemon knows the virtual reader; None where it does not run, or nothing tells."""
    if "daemon" not in works:
        return None
    if "library" in works:
        return any(_VIRTUAL in reader.name for reader in found)
    return None if machine.listeners is None else any(port in machine.listeners for port in SLOT_PORTS)


def _virtual_reader(machine: Surroundings, known: bool | None) -> Iterator[Finding]:
    if known:
        yield Finding("virtual-reader", "works")
    elif not machine.has_driver:
        driver = machine.install("pcscd", "vsmartcard-vpcd")
        yield Finding("virtual-reader", "warning", cause=_cause("no-driver"), command=driver)
    elif known is False:
        cause, command = _cause("driver-not-loaded"), machine.as_root(machine.restart())
        yield Finding("virtual-reader", "warning", cause=cause, command=command)
    if machine.listeners is not None and any(_is_open(machine.listeners.get(port, ())) for port in SLOT_PORTS):
        ports = f"{SLOT_PORTS[0]}:{SLOT_PORTS[-1]}"
        command = machine.as_root(f"iptables -I INPUT ! -i lo -p tcp --dport {ports} -j REJECT")
        yield Finding("virtual-reader-ports", "warning", cause=_cause("open-ports"), command=command)


def _is_open(addresses: tuple[str, ...]) -> bool:
    return any(not address.strip("0") for address in addresses)


def _usable(settings: Settings, found: tuple[Reader, ...], cards: Mapping[Reader, Finding], *, asked: bool) -> Finding:
    if settings.emulator is not None:
        return _card_file(Path(settings.emulator).expanduser())
    if not asked:
        return Finding("card", "missing", settings.reader, cause=_cause("readers-out-of-reach"))
    if settings.reader is not None:
        try:
            chosen = choose_reader(settings.reader, found)
        except JpkiError as error:
            return Finding("card", "missing", settings.reader, _cause_of(error))
        if chosen not in cards:
            return Finding("card", "missing", chosen.name, _cause_of(NoCard(reader=chosen.name)))
        cards = {chosen: cards[chosen]}
    working = [card.found for card in cards.values() if card.works]
    if working:
        return Finding("card", "works", working[0])
    return Finding("card", "missing", cause=_cause("no-usable-card"), command="jpki emulator run")


def _card_file(path: Path) -> Finding:
    try:
        with open_card(path) as card:
            return Finding("card", "works", profile_fact(card.profile))
    except JpkiError as error:
        return Finding("card", "missing", str(path), _cause_of(error))


def _listeners() -> dict[int, tuple[str, ...]] | None:
    """Reads what the kernel says of listening sockets. Asking a port itself would put a card into the reader."""
    found: dict[int, tuple[str, ...]] = {}
    try:
        tables = [Path(f"/proc/net/{name}").read_text("ascii") for name in ("tcp", "tcp6")]
    except (OSError, ValueError):
        return None
    for line in (line.split() for table in tables for line in table.splitlines()[1:]):
        address, _, port = line[1].partition(":")
        if line[3] == _LISTENING:
            found[int(port, 16)] = (*found.get(int(port, 16), ()), address)
    return found
