"""The life of a policy document: a draft is written, checked, submitted, approved by somebody else, and takes effect.

Commands, HTTP and the panel call these. Each takes who does it (`by`) and when (`now`), and writes its entry of the
audit trail in the same transaction. What is not done is said by NotDone, NotPermitted.
"""

from __future__ import annotations

from server.drafts.activating import activate_due, emergency, next_moment
from server.drafts.approving import approve, approvers
from server.drafts.checking import check, check_files, place
from server.drafts.history import difference, documents, version, version_row, versions
from server.drafts.keeping import OPEN, begin, drafts, last_written, one, own, write
from server.drafts.offering import offer_shipped
from server.drafts.problems import NotDone
from server.drafts.proposing import propose
from server.drafts.returning import rebase, rollback
from server.drafts.rights import authors, caller, may_propose
from server.drafts.showing import checked, read, shown
from server.drafts.standing import files_in_force, in_force
from server.drafts.submitting import reject, submit, withdraw

__all__ = [
    "OPEN",
    "NotDone",
    "activate_due",
    "approve",
    "approvers",
    "authors",
    "begin",
    "caller",
    "check",
    "check_files",
    "checked",
    "difference",
    "documents",
    "drafts",
    "emergency",
    "files_in_force",
    "in_force",
    "next_moment",
    "last_written",
    "may_propose",
    "offer_shipped",
    "one",
    "own",
    "place",
    "propose",
    "read",
    "rebase",
    "reject",
    "rollback",
    "shown",
    "submit",
    "version",
    "version_row",
    "versions",
    "withdraw",
    "write",
]
