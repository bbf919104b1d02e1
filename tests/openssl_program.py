"""OpenSSL's program, for what it makes of our certificates, lists and signatures."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

from jpki.formats import to_pem

__all__ = ["OpenSslVerify", "openssl"]


def openssl(*words: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs `openssl` with these words, in this folder."""
    command = ["openssl", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


class OpenSslVerify:
    """`openssl verify -crl_check` in a folder, by these roots and the lists that were put there last (all DER)."""

    def __init__(self, folder: Path, *roots: bytes) -> None:
        self.folder = folder
        (folder / "roots.pem").write_text("".join(to_pem("CERTIFICATE", root) for root in roots))

    def publish(self, *lists: bytes) -> None:
        """Puts lists there in place of those before."""
        (self.folder / "lists.pem").write_text("".join(to_pem("X509 CRL", made) for made in lists))

    def says(self, certificate: bytes, at: datetime, *more: str) -> str:
        """Returns the whole answer: it ends with `OK`, or tells the error."""
        (self.folder / "certificate.pem").write_text(to_pem("CERTIFICATE", certificate))
        options = ["-crl_check", "-x509_strict", *more, "-attime", str(int(at.timestamp()))]
        files = ["-CAfile", "roots.pem", "-CRLfile", "lists.pem", "certificate.pem"]
        done = openssl("verify", *options, *files, folder=self.folder)
        return (done.stdout + done.stderr).strip()
