"""`jpki ca`: a test authority in a folder."""

from __future__ import annotations

from ..frame import group

__all__ = ["ca"]

ca = group(
    "ca",
    {
        "init": ".commands.ca_init:init",
        "issue": ".commands.ca_issue:issue",
        "renew": ".commands.ca_issue:renew",
        "revoke": ".commands.ca_revoke:revoke",
        "crl": ".commands.ca_crl:crl",
        "catch-up": ".commands.ca_catch_up:catch_up",
        "chain": ".commands.ca_list:chain",
        "list": ".commands.ca_list:list_",
    },
)
