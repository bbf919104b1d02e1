"""The directory that this room's tests write to."""

from __future__ import annotations

from directory_server import directory, make_directory

__all__ = ["directory", "make_directory"]
