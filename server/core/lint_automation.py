"""Lint of what happens by itself (policy language, "automate")."""

from __future__ import annotations

from server.core.defined import Report
from server.core.findings import Path
from server.core.process import Process


def check(report: Report, process: Process) -> None:
    """All automations."""
    for index, automation in enumerate(process.automations):
        path: Path = ("automate", index)
        action = process.actions[automation.do]
        stage = automation.stage
        if stage and process.is_final(stage):
            report.warn((*path, "stage"), "automate-in-final", stage=stage)
        elif stage and action.sources is not None and stage not in action.sources:
            report.warn((*path, "do"), "automate-never-possible", action=action.id, stage=stage)
        if automation.after is not None and any(duration.is_now for duration in automation.after.outcomes):
            report.warn((*path, "after"), "due-at-once")
        stays = not action.built_in and (action.to is None or action.to in (action.sources or ()))
        if action.id in automation.on and stays and automation.when is None and action.when is None:
            report.warn((*path, "do"), "automate-loops", action=action.id)
