"""Fixtures of tests with the real PC/SC daemon; another folder's tests get them by the same line."""

from virtual_reader import pcsc_daemon, pcscd

__all__ = ["pcsc_daemon", "pcscd"]
