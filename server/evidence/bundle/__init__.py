"""Files of evidence: all that concerns one issue, with proofs that a stranger can check without the server
(docs/evidence.md). `verify` is the script that lies in each of them, and what `duban audit verify-bundle` runs."""

from __future__ import annotations

from server.evidence.bundle.making import NoKey, NotSealed, UnknownIssue, export

__all__ = ["NoKey", "NotSealed", "UnknownIssue", "export"]
