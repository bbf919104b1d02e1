"""A corner of the machine, in which no PC/SC daemon runs: `python corner.py COMMAND …` runs a command in it.

It has a network of its own, so that the virtual reader's ports are free, and an empty /run. A daemon that the command
leaves running is ended. `a_corner()` gives the words that go before that.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

_BRING_UP = 0x8914  # SIOCSIFFLAGS


def new_namespaces() -> list[str] | None:
    """Returns the command that gives a program mounts and a network of its own, where that is allowed."""
    command = ["unshare", "--mount", "--net"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    if shutil.which("unshare") is None:
        return None
    mount = [*command, "mount", "-t", "tmpfs", "none", "/run"]
    return command if subprocess.run(mount, capture_output=True, check=False).returncode == 0 else None


def a_corner() -> list[str]:
    """Returns the words that have a command run in a corner; none where that is not allowed, so on the machine."""
    command = new_namespaces()
    return [] if command is None else [*command, sys.executable, __file__]


def furnish() -> None:
    """Empties /run, and brings the loopback interface up, which is down in a new network."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _BRING_UP, struct.pack("16sh", b"lo", 0x1 | 0x40))


def main(command: list[str]) -> int:
    furnish()
    done = subprocess.run(command, check=False)
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(Path("/run/pcscd/pcscd.pid").read_text("ascii").strip("\n\0")), signal.SIGTERM)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
