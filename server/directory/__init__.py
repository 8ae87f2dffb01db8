"""The directory: people, teams, roles, rotas and customers. Data, not policy; policies name them."""

from __future__ import annotations

from server.directory.addresses import KnownCustomer, address, customer
from server.directory.exporting import export
from server.directory.importing import Change, DirectoryChanged, Plan, carry_out, plan
from server.directory.live import LiveDirectory
from server.directory.snapshot import Snapshot, Someone, changed, snapshot

__all__ = [
    "Change",
    "DirectoryChanged",
    "KnownCustomer",
    "LiveDirectory",
    "Plan",
    "Snapshot",
    "Someone",
    "address",
    "carry_out",
    "changed",
    "customer",
    "export",
    "plan",
    "snapshot",
]
