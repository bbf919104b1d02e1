"""The published roots of Japan's authorities, and what is known of the generations."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from jpki.formats import from_pem
from jpki.terms import CertificateName, Role

from .errors import FingerprintMismatch
from .policies import Realm
from .roots import Root

__all__ = ["generation_of", "published_roots"]

# SHA-256 of each published certificate, compared at every load. Source: docs/relying-party.md, trust.
_FINGERPRINTS = {
    (Role.SIGNATURE, 2015): "19645405a1fe14377434bd55957628ac4038557c542403a2243f21c706fc9355",
    (Role.AUTHENTICATION, 2015): "4dcfc4ca0aaf9fb2a3081b3f0c991c320b3acc008667a341eeaec5af1d58ca7d",
    (Role.SIGNATURE, 2023): "d227f6cde11d35c5252178f106f843d24651944975413b539fa2fb68dbfa365f",
    (Role.AUTHENTICATION, 2023): "64114f29620c24ed2631d46476a040e7ee740d956089c00b036a6a8118c322b5",
}
# The numbers of the generations' roots, the absent one's too, so that an error can say which is missing.
_GENERATIONS = {
    CertificateName(Role.SIGNATURE, 0x1): 2015,
    CertificateName(Role.AUTHENTICATION, 0x1): 2015,
    CertificateName(Role.SIGNATURE, 0x0132C4AB): 2019,
    CertificateName(Role.AUTHENTICATION, 0x0133C349): 2019,
    CertificateName(Role.SIGNATURE, 0x067C6A21): 2023,
    CertificateName(Role.AUTHENTICATION, 0x06D18006): 2023,
}


@lru_cache(maxsize=1)
def published_roots() -> tuple[Root, ...]:
    """Returns the published roots at hand, of 2015 and 2023. Raises FingerprintMismatch for an altered file."""
    text = (resources.files("jpki.verify") / "roots.toml").read_text(encoding="utf-8")
    return tuple(_root(Role(row["role"]), row["generation"], row["pem"]) for row in tomllib.loads(text)["root"])


def _root(role: Role, generation: int, pem: str) -> Root:
    (der,) = from_pem(pem, "CERTIFICATE")
    root = Root.of(der, Realm.JAPAN)
    expected = _FINGERPRINTS[role, generation]
    if root.fingerprint != expected or root.role is not role:
        raise FingerprintMismatch(expected=expected, found=root.fingerprint)
    return root


def generation_of(root: CertificateName) -> int | None:
    """Returns the year of the generation whose root has this number, or None where no published one has."""
    return _GENERATIONS.get(root)
