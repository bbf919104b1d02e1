"""`jpki verify`: documents, logins and certificates, judged."""

from __future__ import annotations

from ..frame import group

__all__ = ["verify"]

verify = group(
    "verify",
    {
        "document": ".commands.verify_document:document",
        "challenge": ".commands.verify_login:challenge",
        "login": ".commands.verify_login:login",
        "cert": ".commands.verify_document:cert",
    },
)
