"""What an operator decides once, when an authority is made; it stays with the store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jpki.formats import Hosts
from jpki.terms import Role

from .errors import BadSetting
from .life import LifePolicy

__all__ = ["HIGHEST_NUMBER", "AuthoritySettings"]

_COUNTER = re.compile("[0-9A-Z]{4}")
_LOWEST_NUMBER = 0x0080_0000  # the first, and
HIGHEST_NUMBER = 0x7FFF_FFFF  # the last that DER writes in four octets
_FLAGS = ("authentication_hold_can_end", "signature_hold_can_end", "deltas")
_WORDS = {True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class AuthoritySettings:
    """The settings of a new authority; raises BadSetting, and BadHost for a host that cannot be or is not ours.

    Hosts are names with or without a port. `counter` is the office (four characters) that common names end with;
    `first_number` starts both authorities' serial numbers, four octets each. The `…_hold_can_end` say of which
    certificates a hold can end with the certificate valid again; sources differ (docs/life-events.md). `deltas` says
    whether complete revocation lists tell where deltas to them are, and deltas may be made.
    """

    ocsp_sign_host: str = "ocspsign.jpki-test.example"
    ocsp_auth_host: str = "ocspauth.jpki-test.example"
    cps_host: str = "www.jpki-test.example"
    counter: str = "0001"
    first_number: int = 0x0100_0001
    authentication_hold_can_end: bool = True
    signature_hold_can_end: bool = False
    deltas: bool = True

    def __post_init__(self) -> None:
        for role in Role:
            self.hosts(role)
        if not _COUNTER.fullmatch(self.counter):
            raise BadSetting(setting="counter", problem="not four of 0 to 9 and A to Z")
        if not _LOWEST_NUMBER <= self.first_number <= HIGHEST_NUMBER:
            raise BadSetting(setting="first_number", problem="not four octets as a positive number")

    def hosts(self, role: Role) -> Hosts:
        """Returns the hosts that stand in the certificates of one authority."""
        ocsp = self.ocsp_sign_host if role is Role.SIGNATURE else self.ocsp_auth_host
        return Hosts(ocsp=ocsp, cps=self.cps_host)

    @property
    def life_policy(self) -> LifePolicy:
        """Returns of which certificates a hold can end."""
        return LifePolicy(self.authentication_hold_can_end, self.signature_hold_can_end)

    def as_texts(self) -> dict[str, str]:
        """Returns the settings as the store keeps them."""
        return {
            "ocsp_sign_host": self.ocsp_sign_host,
            "ocsp_auth_host": self.ocsp_auth_host,
            "cps_host": self.cps_host,
            "counter": self.counter,
            "first_number": f"{self.first_number:08X}",
            "authentication_hold_can_end": _WORDS[self.authentication_hold_can_end],
            "signature_hold_can_end": _WORDS[self.signature_hold_can_end],
            "deltas": _WORDS[self.deltas],
        }

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> AuthoritySettings:
        """Reads what `as_texts` wrote; raises BadSetting, BadHost."""
        usual = cls().as_texts()
        # Stores of before there was one of these choices have no word of it.
        texts = {name: usual[name] for name in _FLAGS} | dict(texts)
        missing = sorted(usual.keys() - texts.keys())
        if missing:
            raise BadSetting(setting=missing[0], problem="missing")
        number = texts["first_number"]
        if not re.fullmatch("[0-9A-F]{8}", number):
            raise BadSetting(setting="first_number", problem="not eight hexadecimal digits")
        return cls(
            ocsp_sign_host=texts["ocsp_sign_host"],
            ocsp_auth_host=texts["ocsp_auth_host"],
            cps_host=texts["cps_host"],
            counter=texts["counter"],
            first_number=int(number, 16),
            **{name: _flag(name, texts[name]) for name in _FLAGS},
        )


def _flag(name: str, text: str) -> bool:
    if text not in _WORDS.values():
        raise BadSetting(setting=name, problem="neither yes nor no")
    return text == _WORDS[True]
