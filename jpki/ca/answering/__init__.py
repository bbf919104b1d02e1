"""Answers about certificates (OCSP): who gives them, what they say, and those that are made before anybody asks."""

from .answer import OcspAnswer, OcspPolicy
from .errors import ResponderMissing
from .responders import OcspResponders, ResponderState

__all__ = ["OcspAnswer", "OcspPolicy", "OcspResponders", "ResponderMissing", "ResponderState"]
