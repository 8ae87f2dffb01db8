"""Drafts over HTTP: begun, written, checked, submitted, approved, rejected, withdrawn, rebased; and the ways back."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from flask import Response, g, request

from server import backtesting, drafts
from server.api import parameters, problems
from server.api.answers import answer
from server.api.problems import Failed, language
from server.api.requests import body, json_object, now, only
from server.core.moments import BadTime, Moment, OutOfRange, parse
from server.store.models import Draft

MOST_DOCUMENTS: Final = 20
"""Documents of one proposal."""

MOST_IN_FULL: Final = 2_000
MOST_DECISIONS: Final = 20_000
MOST_LISTED: Final = 1_000
"""Issues that one request may play through a draft, judge by it, and list."""


def waiting() -> Response:
    """The drafts of all documents, newest first."""
    return _listed(None)


def every(name: str) -> Response:
    """The drafts of a document, newest first."""
    return _listed(name)


def _listed(name: str | None) -> Response:
    parameters.only_these("open")
    found = drafts.drafts(name, parameters.boolean("open") is True)
    return answer({"drafts": [drafts.shown(draft) for draft in found]})


def begin(name: str) -> Response:
    """Begin a draft of the text in the body; without one, of the text in force."""
    parameters.only_these("reason")
    data = body() if request.content_length or request.headers.get("Transfer-Encoding") else b""
    draft = drafts.begin(name, data or None, g.caller, now(), parameters.text("reason") or "")
    return _begun(draft)


def read(name: str, draft: str) -> Response:
    """A draft with its text, its findings and what it changes."""
    return answer(drafts.read(_one(name, draft), now(), language()))


def write(name: str, draft: str) -> Response:
    """Give a draft that was not submitted another text."""
    found = _one(name, draft)
    wanted = request.headers.get("If-Match", "").strip().strip('"')
    if wanted and wanted != str(found.seq):
        raise Failed(409, "draft-changed", draft=found.id)
    return answer(drafts.shown(drafts.write(found.id, body(), g.caller, now(), found.seq if wanted else None)))


def check(name: str, draft: str) -> Response:
    """What `duban check` finds on it beside the documents in force."""
    only(json_object(), ())
    return answer(drafts.checked(_one(name, draft), now(), language()))


def backtest(name: str, draft: str) -> Response:
    """What the draft would have changed on past issues of its process, as `duban backtest` gives it."""
    found, given = _one(name, draft), json_object()
    only(given, ("from", "to", "sample", "decisions"))
    start, end = _moment(given, "from"), _moment(given, "to")
    decisions, sample = given.get("decisions") or False, given.get("sample")
    sample = 100 if sample is None else sample
    if not isinstance(decisions, bool):
        raise problems.at_fault("decisions", "not-boolean", name="decisions")
    if isinstance(sample, bool) or not isinstance(sample, int | float) or not 0 < sample <= 100:
        raise problems.at_fault("sample", "not-number", name="sample")
    # A request has one process and a few seconds; commands have all cores and all the time.
    most = MOST_DECISIONS if decisions else MOST_IN_FULL
    there = backtesting.count(name, start, end)
    if there * sample > 100 * most:
        raise problems.at_fault("sample", "too-large-value", name="sample", limit=str(max(1, 100 * most // there)))
    try:
        with backtesting.of_store(
            name, bytes(found.data), now(), start=start, end=end, percent=sample, decisions=decisions
        ) as outcome:
            return answer({**outcome.summary, "changed_issues": list(islice(outcome.issues(), MOST_LISTED))})
    except (backtesting.UnusableDraft, backtesting.WrongProcess) as error:
        unusable = error.findings if isinstance(error, backtesting.UnusableDraft) else []
        raise Failed(422, "refused", problems.of_findings(unusable), count=len(unusable)) from error


def submit(name: str, draft: str) -> Response:
    """Ask for approval."""
    found, given = _one(name, draft), json_object()
    only(given, ("reason", "acknowledge", "effective_at"))
    acknowledge = _acknowledged(given)
    done = drafts.submit(found.id, g.caller, now(), _text(given, "reason"), acknowledge, _moment(given))
    return answer(drafts.shown(done))


def approve(name: str, draft: str) -> Response:
    """Approve the text with the hash given; left out, the one that was submitted, which nobody can change."""
    found, given = _one(name, draft), json_object()
    only(given, ("sha256", "remark", "effective_at"))
    sha256 = _text(given, "sha256") or found.sha256
    done = drafts.approve(found.id, g.caller, sha256, now(), _text(given, "remark"), _moment(given))
    return answer(drafts.shown(done))


def reject(name: str, draft: str) -> Response:
    """Turn a draft down, with a reason."""
    found, given = _one(name, draft), json_object()
    only(given, ("reason",))
    return answer(drafts.shown(drafts.reject(found.id, g.caller, now(), _text(given, "reason"))))


def withdraw(name: str, draft: str) -> Response:
    """Take a draft back."""
    found, given = _one(name, draft), json_object()
    only(given, ("reason",))
    return answer(drafts.shown(drafts.withdraw(found.id, g.caller, now(), _text(given, "reason"))))


def again(name: str, draft: str) -> Response:
    """Begin a draft that goes on from the text of one that was rejected, withdrawn or refused."""
    only(json_object(), ())
    return _begun(drafts.again(_one(name, draft).id, g.caller, now()))


def rebase(name: str, draft: str) -> Response:
    """Put what the draft changes onto what is in force; `yaml`: the text that somebody has put together by hand."""
    found, given = _one(name, draft), json_object()
    only(given, ("yaml",))
    text = given.get("yaml")
    if text is not None and (not isinstance(text, str) or "\x00" in text):
        raise problems.at_fault("yaml", "not-text")
    done = drafts.rebase(found.id, g.caller, now(), None if text is None else text.encode("utf-8", "replace"))
    return answer(drafts.shown(done))


def rollback(name: str) -> Response:
    """Begin a draft of the text of an earlier version."""
    given = json_object()
    only(given, ("version", "reason"))
    version = given.get("version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise problems.at_fault("version", "not-number", name="version")
    return _begun(drafts.rollback(name, version, g.caller, now(), _text(given, "reason")))


def emergency(name: str) -> Response:
    """Put the version before the one in force back in force, at once and without an approval."""
    given = json_object()
    only(given, ("reason",))
    version = drafts.emergency(name, g.caller, now(), _text(given, "reason"))
    return answer(drafts.version(version.name, version.number))


def propose() -> Response:
    """Begin and submit a draft of each text, all of them or none."""
    given = json_object()
    only(given, ("documents", "reason", "acknowledge", "effective_at"))
    written = given.get("documents")
    if not isinstance(written, list) or not written or len(written) > MOST_DOCUMENTS:
        raise problems.at_fault("documents", "not-list")
    files = []
    for place, one in enumerate(written):
        if not isinstance(one, str) or "\x00" in one:
            raise problems.at_fault(f"documents/{place}", "not-text")
        files.append((f"documents/{place}", one.encode("utf-8", "replace")))
    acknowledge, at = _acknowledged(given), _moment(given)
    done = drafts.propose(files, g.caller, now(), _text(given, "reason"), acknowledge, at)
    return answer({"drafts": [drafts.shown(draft) for draft in done]}, 201 if done else 200)


def _begun(draft: Draft) -> Response:
    return answer(drafts.shown(draft), 201, {"Location": f"/api/v1/policies/{draft.name}/drafts/{draft.id}"})


def _acknowledged(given: dict[str, Any]) -> list[dict[str, Any]]:
    acknowledge = given.get("acknowledge")
    if acknowledge is None:
        return []
    if not isinstance(acknowledge, list) or not all(isinstance(one, dict) for one in acknowledge):
        raise problems.at_fault("acknowledge", "not-list")
    return acknowledge


def _one(name: str, draft: str) -> Draft:
    if not (draft.isascii() and draft.isdigit() and len(draft) <= 18):
        raise Failed(404, "unknown-draft", draft=draft)
    return drafts.one(int(draft), name)


def _text(given: dict[str, Any], key: str) -> str:
    found = given.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise problems.at_fault(key, "not-text")
    if "\x00" in found or len(found) > 10_000:
        raise problems.at_fault(key, "not-text")
    return found


def _moment(given: dict[str, Any], key: str = "effective_at") -> Moment | None:
    found = given.get(key)
    if found is None:
        return None
    try:
        return parse(found)
    except (BadTime, OutOfRange, TypeError) as error:
        raise problems.at_fault(key, "not-moment", text=str(found)) from error
