"""How the PC/SC daemon is started on a machine where no service manager does it, such as a container."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["daemon_command"]

_SYSTEM_BUS = Path("/run/dbus/system_bus_socket")
_WITHOUT_POLKIT = "--disable-polkit"


def daemon_command(program: str = "pcscd", *, bus: Path = _SYSTEM_BUS) -> tuple[str, ...]:
    """Returns the words that start the daemon so that it lets somebody in.

    A daemon that was built with polkit asks it, over the system's message bus, who may come in; where there is no bus
    it lets in nobody, not even root, unless told not to ask. Source: docs/facts.md, traps of libraries and peers.
    """
    if bus.exists():
        return (program,)
    try:
        told = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    except OSError:
        return (program,)
    return (program, _WITHOUT_POLKIT) if _WITHOUT_POLKIT in told.stdout + told.stderr else (program,)
