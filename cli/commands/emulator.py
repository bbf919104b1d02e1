"""`jpki emulator`: cards in software, in files and in the virtual reader."""

from __future__ import annotations

from ..frame import group

__all__ = ["emulator"]

emulator = group(
    "emulator",
    {
        "run": ".commands.emulator_run:run",
        "create": ".commands.emulator_card:create",
        "info": ".commands.emulator_card:info",
        "insert": ".commands.emulator_insert:insert",
    },
)
