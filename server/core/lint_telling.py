"""Lint of notices, surveys and watches: what reaches nobody (policy language, "notify", "surveys", "watches")."""

from __future__ import annotations

from collections.abc import Iterator

from server.core.defined import Report
from server.core.findings import Path
from server.core.process import Notice, Process, Step

ROBOTS = ("wecom", "dingtalk", "feishu", "slack")
PREFERRED = "preferred"


def check(report: Report, process: Process) -> None:
    """All steps, notices, surveys and watches."""
    for step, path in steps(process):
        _step(report, process, step, path)
    for id, notice in process.notices.items():
        _sending(report, process, notice, ("notify", id))
    for id, survey in process.surveys.items():
        path = ("surveys", id)
        if survey.expires is None:
            report.warn(path, "survey-never-expires")
        elif survey.expires.is_now:
            report.warn((*path, "expires"), "due-at-once")
        if survey.share is not None and survey.share.outcomes and max(survey.share.outcomes) == 0:
            report.warn((*path, "share"), "survey-asks-nobody")
        for index, via in enumerate(survey.via):
            _robot(report, process, via, (*path, "via", index) if len(survey.via) > 1 else (*path, "via"))
    heard = {event for notice in process.notices.values() for event in notice.on}
    heard |= {event for ladder in process.ladders.values() for event in ladder.on | ladder.climb_on}
    heard |= {event for automation in process.automations for event in automation.on}
    heard |= {event for clock in process.clocks.values() for event in clock.on}
    for id, watch in process.watches.items():
        if f"watch.{id}.raised" not in heard:
            report.warn(("watches", id), "watch-unheard", watch=id)
        if watch.count == 1:
            report.warn(("watches", id, "count"), "watch-of-one")
        if watch.window.is_now:
            report.warn(("watches", id, "window"), "due-at-once")


def steps(process: Process) -> Iterator[tuple[Step, Path]]:
    """Every step of every notice and rung, with where it is written."""
    for id, notice in process.notices.items():
        for severity, some in notice.steps.items():
            path: Path = ("notify", id, "steps", severity) if severity else ("notify", id, "steps")
            for index, step in enumerate(some):
                yield step, (*path, index)
    for id, ladder in process.ladders.items():
        for number, rung in enumerate(ladder.rungs):
            at: Path = ("ladders", id, "rungs", number)
            written = process.raw["ladders"][id]["rungs"][number].get("steps")
            for severity, some in rung.steps.items():
                path = (*at, "steps", severity) if severity else (*at, "steps")
                for index, step in enumerate(some):
                    yield step, at if written is None else (*path, index)


def _step(report: Report, process: Process, step: Step, path: Path) -> None:
    if "anyone" in step.to:
        report.warn((*path, "to"), "tells-nobody", who="anyone")
    if PREFERRED in step.via and "customer" not in step.to:
        report.warn((*path, "via"), "preferred-without-customer")
    if "customer" in step.to:
        for via in step.via:
            _robot(report, process, via, (*path, "via"))


def _robot(report: Report, process: Process, via: str, path: Path) -> None:
    channel = process.channels.get(via)
    if channel is not None and channel.type in ROBOTS:
        report.warn(path, "customer-by-robot", channel=via, type=channel.type)


def _sending(report: Report, process: Process, notice: Notice, path: Path) -> None:
    """Severities for which something is to be sent but no steps are there, and the other way round."""
    if notice.send is not None and notice.send.outcomes and set(notice.send.outcomes) == {"never"}:
        report.warn((*path, "send"), "notice-never-sent")
        return
    if notice.send is None or notice.send.by_severity is None or "" in notice.steps:
        return
    sent = {severity for severity, how in notice.send.by_severity.items() if how != "never"}
    for severity in process.severities:
        if severity in sent and severity not in notice.steps:
            report.warn((*path, "send", severity), "send-without-steps", severity=severity)
        elif severity in notice.steps and severity not in sent:
            report.warn((*path, "steps", severity), "steps-never-sent", severity=severity)
