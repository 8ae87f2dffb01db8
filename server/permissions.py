"""What the holders of a role may do in the server at large (contract, Permissions)."""

from __future__ import annotations

from typing import Final

PERMISSIONS: Final = (
    "issue.read",
    "issue.write",
    "private.read",
    "policy.propose",
    "policy.approve",
    "audit.read",
    "directory.edit",
    "integration.edit",
    "system",
)
