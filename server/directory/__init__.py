"""The directory: people, teams, roles, rotas and customers. Data, not policy; policies name them."""

from __future__ import annotations

from server.directory import cells, spreadsheets
from server.directory.addresses import KnownCustomer, address, customer
from server.directory.content import rota_id
from server.directory.editing import Amendment, Overtaken, Unfit, amend, item, mark
from server.directory.exporting import as_written, export
from server.directory.importing import Change, DirectoryChanged, Plan, carry_out, plan
from server.directory.live import LiveDirectory
from server.directory.retiring import Uses, UsesChanged, open_issues, remove_team, retire, uses
from server.directory.snapshot import Absence, Snapshot, Someone, changed, snapshot

__all__ = [
    "Absence",
    "Amendment",
    "Change",
    "DirectoryChanged",
    "KnownCustomer",
    "LiveDirectory",
    "Overtaken",
    "Plan",
    "Snapshot",
    "Someone",
    "Unfit",
    "Uses",
    "UsesChanged",
    "address",
    "amend",
    "as_written",
    "carry_out",
    "cells",
    "changed",
    "customer",
    "export",
    "item",
    "mark",
    "open_issues",
    "plan",
    "remove_team",
    "retire",
    "rota_id",
    "snapshot",
    "spreadsheets",
    "uses",
]
