"""Migrations of open issues to another version of their process: looked at, proposed, approved by somebody else, and
run issue by issue (docs: migration). What a migration does to an issue is in `server.core.migration`."""

from server.drafts import NotDone
from server.migration.looking import Looked, look
from server.migration.planning import approve, possible, preview, propose, reject, withdraw
from server.migration.running import run
from server.migration.selecting import ALL, BETTER, SELECTIONS, SOME, Selection, candidates, target_of
from server.migration.showing import issues_of, listed, look_shown, one, shown, summary

__all__ = [
    "ALL",
    "BETTER",
    "SELECTIONS",
    "SOME",
    "Looked",
    "NotDone",
    "Selection",
    "approve",
    "candidates",
    "issues_of",
    "listed",
    "look",
    "look_shown",
    "one",
    "possible",
    "preview",
    "propose",
    "reject",
    "run",
    "shown",
    "summary",
    "target_of",
    "withdraw",
]
