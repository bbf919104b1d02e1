"""The whole life of one card, on a clock of its own: what `jpki demo` does, step by step, and leaves in a folder."""

from .files import DemoFolder
from .life import PINS, Life
from .openssl import Check, checks_of, script_of
from .steps import STEPS, Told

__all__ = ["PINS", "STEPS", "Check", "DemoFolder", "Life", "Told", "checks_of", "script_of"]
