"""Responders over an authority with keys of the pool, questions to them, and what other programs make of answers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from authorities import NOW, PoolKeys
from prime_pool import PrimePool

from jpki.ca import Authority, LoadedKey, OcspPolicy, OcspResponders
from jpki.formats import (
    SHA1,
    BasicOcspResponse,
    CertId,
    Certificate,
    CertStatus,
    OcspResponse,
    OcspResponseStatus,
    cert_id_issuer,
    ocsp_request,
    to_pem,
)
from jpki.terms import CertificateName, Role

LATER = NOW + timedelta(days=1)


@cache
def responder_key(role: Role, generation: int = 1) -> LoadedKey:
    """Returns a key of who answers for one generation of an authority's key."""
    pool = PrimePool(4000 + 10 * generation + (role is Role.SIGNATURE))
    return LoadedKey(pool.generate().private_key)


class ResponderKeys(PoolKeys):
    """The responders' keys, made when they are asked for; with `authority` they are, wrongly, the authority's."""

    def signing_key(self, role: Role, generation: int, uri: str | None = None, *, make: bool = False) -> LoadedKey:
        if make and (role, generation) not in self._keys:
            self._keys[role, generation] = responder_key(role, generation)
        return super().signing_key(role, generation, uri, make=make)


@contextmanager
def responding(
    authority: Authority, at: datetime = LATER, *, keys: PoolKeys | None = None, policy: OcspPolicy | None = None
) -> Iterator[OcspResponders]:
    """Gives responders of an authority that are open from a moment on."""
    with OcspResponders(authority, keys or ResponderKeys(), at, policy=policy) as made:
        yield made


def issuer_of(authority: Authority, role: Role, generation: int = 1) -> Certificate:
    """Returns an authority's own certificate."""
    return Certificate.parse(authority.generations[role][generation - 1].encoded)


def named(authority: Authority, name: CertificateName, *, generation: int = 1, algorithm: str = SHA1) -> CertId:
    """Returns how a question names a certificate."""
    return CertId.of(cert_id_issuer(issuer_of(authority, name.authority, generation), algorithm), name.number)


def basic(encoded: bytes) -> BasicOcspResponse:
    """Returns an answer that must not be an error."""
    found = OcspResponse.parse(encoded)
    assert found.status is OcspResponseStatus.SUCCESSFUL
    assert found.basic is not None
    return found.basic


def error(encoded: bytes) -> OcspResponseStatus:
    """Returns which error an answer is."""
    found = OcspResponse.parse(encoded)
    assert found.basic is None
    return found.status


def ask(
    responders: OcspResponders, *cert_ids: CertId, at: datetime = LATER, nonce: bytes | None = None
) -> BasicOcspResponse:
    """Returns what is answered about certificates, signed now."""
    (found,) = responders.answers([ocsp_request(cert_ids, nonce)], at)
    return basic(found.encoded)


def status_of(
    responders: OcspResponders, authority: Authority, name: CertificateName, at: datetime = LATER
) -> CertStatus:
    """Returns what is said of a certificate of the first generation."""
    (single,) = ask(responders, named(authority, name), at=at).responses
    return single.status


class OpensslOcsp:
    """`openssl ocsp` as a client whose questions and answers are carried by hand; it goes by this machine's clock."""

    def __init__(self, folder: Path, root: bytes) -> None:
        self.folder = folder
        (folder / "root.pem").write_text(to_pem("CERTIFICATE", root))

    def says(self, answer: Callable[[bytes], bytes], certificates: Sequence[bytes | int], *words: str) -> list[str]:
        """Asks about certificates (DER, or a number), and returns what it says of the answer, line by line."""
        which = ["-issuer", "root.pem", *words]
        for place, one in enumerate(certificates):
            if isinstance(one, int):
                which += ["-serial", hex(one)]
            else:
                (self.folder / f"{place}.pem").write_text(to_pem("CERTIFICATE", one))
                which += ["-cert", f"{place}.pem"]
        self._run(["ocsp", *which, "-reqout", "request.der"])
        (self.folder / "answer.der").write_bytes(answer((self.folder / "request.der").read_bytes()))
        # With its own default it would put another nonce into the question before it looks for it in the answer.
        given = ["-no_nonce", "-reqin", "request.der", "-respin", "answer.der", "-CAfile", "root.pem"]
        found = self._run(["ocsp", *(word for word in which if word != "-nonce"), *given])
        return [line.strip() for line in found.splitlines()]

    def _run(self, words: Sequence[str]) -> str:
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


def ocsptool_says(folder: Path, answer: bytes, trusted: bytes) -> str:
    """Returns what GnuTLS's program says of an answer, by the authority that it trusts."""
    (folder / "trusted.pem").write_text(to_pem("CERTIFICATE", trusted))
    (folder / "said.der").write_bytes(answer)
    command = ["ocsptool", "--verify-response", "--load-trust", "trusted.pem", "--load-response", "said.der"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
