"""Copies of the whole store: written while the server runs, and read back into an empty store on either database."""

from server.backup.file import Manifest, NoBackup, TooNewBackup
from server.backup.noticing import last_made, made, notice
from server.backup.restoring import NotEmpty, OtherSteps, restore
from server.backup.writing import write

__all__ = [
    "Manifest",
    "NoBackup",
    "NotEmpty",
    "OtherSteps",
    "TooNewBackup",
    "last_made",
    "made",
    "notice",
    "restore",
    "write",
]
