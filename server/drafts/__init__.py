"""The life of a policy document: a draft is written, checked, submitted, approved by somebody else, and takes effect.

Commands, HTTP and the panel call these. Each takes who does it (`by`) and when (`now`), and writes its entry of the
audit trail in the same transaction. What is not done is said by NotDone, NotPermitted.
"""

from __future__ import annotations

from server.drafts.activating import activate_due, before, emergency, next_moment, responsible_for
from server.drafts.approving import approve, approvers
from server.drafts.checking import check, check_files, check_text, place
from server.drafts.consequences import Meaning, meaning, next_scheduled
from server.drafts.creating import EMPTY, Template, create, templates
from server.drafts.finding import (
    STATES,
    Filter,
    beside,
    found,
    names,
    offered_to,
    people,
    returned_to,
    waiting_for,
    written_by,
)
from server.drafts.happened import Step, steps
from server.drafts.history import difference, documents, unified, version, version_row, versions
from server.drafts.keeping import OPEN, begin, drafts, last_written, one, own, write
from server.drafts.merging import CHOICES, ThreeWay, joined, three_way
from server.drafts.offering import offer_shipped
from server.drafts.possible import possible
from server.drafts.problems import NotDone
from server.drafts.proposing import propose
from server.drafts.returning import again, rebase, rollback
from server.drafts.rights import authors, caller, may_change, may_propose, may_propose_anything
from server.drafts.showing import changes, checked, read, shown
from server.drafts.standing import base_of, files_in_force, in_force, is_overtaken
from server.drafts.submitting import needed, reject, submit, withdraw
from server.drafts.telling import audience

__all__ = [
    "CHOICES",
    "EMPTY",
    "OPEN",
    "STATES",
    "Filter",
    "Meaning",
    "NotDone",
    "Step",
    "Template",
    "ThreeWay",
    "activate_due",
    "again",
    "approve",
    "approvers",
    "audience",
    "authors",
    "base_of",
    "before",
    "begin",
    "beside",
    "caller",
    "changes",
    "check",
    "check_files",
    "check_text",
    "checked",
    "create",
    "difference",
    "documents",
    "drafts",
    "emergency",
    "files_in_force",
    "found",
    "in_force",
    "is_overtaken",
    "joined",
    "last_written",
    "may_change",
    "may_propose",
    "may_propose_anything",
    "meaning",
    "names",
    "needed",
    "next_moment",
    "next_scheduled",
    "offer_shipped",
    "offered_to",
    "one",
    "own",
    "people",
    "place",
    "possible",
    "propose",
    "read",
    "rebase",
    "reject",
    "responsible_for",
    "returned_to",
    "rollback",
    "shown",
    "steps",
    "submit",
    "templates",
    "three_way",
    "unified",
    "version",
    "version_row",
    "versions",
    "waiting_for",
    "withdraw",
    "write",
    "written_by",
]
