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
        "hold": ".commands.ca_hold:hold",
        "release": ".commands.ca_hold:release",
        "events": ".commands.ca_events:events",
        "crl": ".commands.ca_crl:crl",
        "backup": ".commands.ca_backup:backup",
        "restore": ".commands.ca_restore:restore",
        "catch-up": ".commands.ca_catch_up:catch_up",
        "chain": ".commands.ca_list:chain",
        "list": ".commands.ca_list:list_",
        "status": ".commands.ca_status:status",
        "key": ".commands.ca_key:key",
        "audit": ".commands.ca_audit:audit",
    },
)
