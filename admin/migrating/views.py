"""Pages about migrations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin.drafting.meaning import Sentence
from admin.drafting.page import DraftsPage, Refusal, posted, refusal, who
from admin.guard import SAFE, expose, signed_in
from admin.languages import gettext
from admin.migrating import words as words_for
from admin.reading import words_of
from server import migration, policies
from server.core.moments import parse
from server.drafts import NotDone
from server.migration import BETTER, SELECTIONS, SOME, Selection

MOST_LOOKED: int = 200
"""Issues that are looked at on one page."""


class MigrationsView(DraftsPage):
    """Migrations of open issues to the version in force."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The plans, newest first."""
        return self.render(
            "panel/migrations/list.html", rows=[_plan(one) for one in migration.listed()], changes=self.may_change()
        )

    @expose("/propose", methods=("GET", "POST"))
    def propose(self) -> ResponseReturnValue:
        """Choose issues and look at what would become of each; then propose it."""
        processes = sorted(policies.in_force().processes)
        name = request.values.get("process", "")
        if name and name not in processes:
            abort(404)
        refused, looks, total = None, None, 0
        selection, table = _selection(), _table()
        if request.method not in SAFE:
            try:
                if "look" not in request.form:
                    plan = migration.propose(name, table, selection, signed_in(), self.now(), posted("reason"))
                    flash(gettext("Proposed. Another person has to approve it."), "success")
                    return redirect(url_for(".plan", plan=plan.id), 303)
                looks, total = _looks(name, table, selection, self.now(), MOST_LOOKED)
            except NotDone as error:
                refused = refusal(error)
        body = self.render(
            "panel/migrations/propose.html",
            processes=[(one, words_of(policies.in_force().processes[one].process).title) for one in processes],
            process=name,
            selection=selection.kind,
            selections=[(one, words_for.selection_text(one)) for one in SELECTIONS],
            numbers=request.form.get("numbers", ""),
            stages=_stages(name) if name else [],
            table=table,
            looks=looks,
            total=total,
            most=MOST_LOOKED,
            reason=posted("reason"),
            refused=refused,
        )
        return body, 200 if refused is None else refused.status

    @expose("/propose/looks", methods=("POST",))
    def looks(self) -> ResponseReturnValue:
        """What would become of each issue, all of them, as a file."""
        name = request.form.get("process", "")
        if name not in policies.in_force().processes:
            abort(404)
        try:
            found, _ = _looks(name, _table(), _selection(), self.now(), None)
        except NotDone as error:
            abort(error.status, refusal(error).text)
        headers = {"Content-Disposition": f'attachment; filename="migration-{name}.csv"'}
        return words_for.as_csv(found), 200, {**headers, "Content-Type": "text/csv; charset=utf-8"}

    @expose("/<int:plan>/")
    def plan(self, plan: int) -> ResponseReturnValue:
        """A plan with what became of each issue."""
        return self.page(plan)

    @expose("/<int:plan>/course")
    def course(self, plan: int) -> ResponseReturnValue:
        """How far a plan is: the piece of its page that renews itself."""
        return self.render("panel/migrations/course.html", plan=_plan(_summary(plan)), polled=True)

    @expose("/<int:plan>/approve", methods=("GET", "POST"))
    def approve(self, plan: int) -> ResponseReturnValue:
        """Approve exactly the plan that the page showed; the worker then runs it."""

        def do() -> str:
            sha256 = request.form.get("sha256", "")
            migration.approve(plan, signed_in(), sha256, self.now(), posted("remark"))
            return gettext("Approved. The issues are migrated one after the other.")

        return self.step(plan, "approve", words_for.approving(_summary(plan)), do)

    @expose("/<int:plan>/turn-down", methods=("GET", "POST"))
    def turn_down(self, plan: int) -> ResponseReturnValue:
        """Turn a plan down."""

        def do() -> str:
            migration.reject(plan, signed_in(), self.now(), posted("remark"))
            return gettext("Turned down.")

        return self.step(plan, "reject", words_for.closing(), do)

    @expose("/<int:plan>/withdraw", methods=("GET", "POST"))
    def withdraw(self, plan: int) -> ResponseReturnValue:
        """Take one's own plan back."""

        def do() -> str:
            migration.withdraw(plan, signed_in(), self.now(), posted("remark") or "-")
            return gettext("Taken back.")

        return self.step(plan, "withdraw", words_for.closing(), do)

    def step(self, plan: int, name: str, said: list[Sentence], do: Callable[[], str]) -> ResponseReturnValue:
        """The page of a step; posted, the step itself, and the page again where it is refused."""
        refused = None
        if request.method not in SAFE:
            try:
                _summary(plan)
                flash(do(), "success")
                return redirect(url_for(".plan", plan=plan), 303)
            except NotDone as error:
                refused = refusal(error)
        return self.page(plan, name, said, refused)

    def page(
        self, plan: int, step: str = "", said: list[Sentence] | None = None, refused: Refusal | None = None
    ) -> ResponseReturnValue:
        """A plan; with a step, the step's page."""
        found = _summary(plan)
        body = self.render(
            "panel/migrations/step.html" if step else "panel/migrations/plan.html",
            plan=_plan(found),
            **({} if step else _issues(plan, found["counts"])),
            stages=found["stages"],
            possible=migration.possible(migration.one(plan), signed_in()),
            step=step,
            said=said,
            remark=posted("remark"),
            refused=refused,
        )
        return body, 200 if refused is None else refused.status


def _summary(plan: int) -> dict[str, Any]:
    try:
        return migration.summary(plan)
    except NotDone:
        abort(404)


def _issues(plan: int, counts: dict[str, int]) -> dict[str, Any]:
    """A page of the plan's issues, all or those of a state, and the ways to the others."""
    state = request.args.get("state", "")
    state = state if state in counts else ""
    after = max(0, min(request.args.get("after", 0, type=int), 2**62))
    found, following = migration.issues_of(plan, languages.language(), state, after)
    return {
        "issues": [{**one, "text": words_for.issue_text(one["state"])} for one in found],
        "tones": words_for.ISSUE_TONES,
        "chosen": state,
        "states": [(one, words_for.issue_text(one), count) for one, count in counts.items() if count],
        "is_first": after == 0,
        "following": following,
    }


def _plan(one: dict[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "title": _title(one["process"]),
        "state_text": words_for.state_text(one["state"]),
        "tone": words_for.TONES.get(one["state"], ""),
        "selection_text": words_for.selection_text(one["selection"]),
        "total": sum(one["counts"].values()),
        "proposed_by": who(one["proposed_by"]),
        "decided_by": "" if one["decided_by"] is None else who(one["decided_by"]),
        "proposed_at": clock.shown(_moment(one["proposed_at"])),
        "decided_at": "" if one["decided_at"] is None else clock.shown(_moment(one["decided_at"])),
        "ended_at": "" if one["ended_at"] is None else clock.shown(_moment(one["ended_at"])),
    }


def _title(process: str) -> str:
    found = policies.in_force().processes.get(process)
    return process if found is None else words_of(found.process).title


def _moment(text: str) -> int:
    return parse(text)


def _selection() -> Selection:
    kind = request.form.get("selection", "all")
    if kind not in SELECTIONS:
        abort(400)
    numbers = request.form.get("numbers", "").replace(",", " ").split() if kind == SOME else []
    if any("\x00" in number or len(number) > 200 for number in numbers):
        abort(400)
    return Selection(kind, tuple(dict.fromkeys(numbers)))


def _table() -> dict[str, str]:
    names = ((name.removeprefix("stage."), value) for name, value in request.form.items() if name.startswith("stage."))
    return {old: new for old, new in names if new and "\x00" not in old + new}


def _stages(process: str) -> list[dict[str, Any]]:
    """The stages in which open issues stand, and those of the version in force that they can go on in."""
    target = migration.target_of(process).process
    words = words_of(target)
    options = [(stage, words.of("stages", stage)) for stage in target.stages]
    known = target.stages
    return [
        {"id": one, "title": words.of("stages", one), "count": count, "known": one in known, "options": options}
        for one, count in sorted(policies.standing(process).items())
    ]


def _looks(
    process: str, table: dict[str, str], selection: Selection, now: int, most: int | None
) -> tuple[list[words_for.Look], int]:
    """What would become of the issues, at most of the first `most`, and how many there are to look at."""
    target = migration.target_of(process)
    taken = [number for _, number in migration.candidates(target, selection)]
    shown = selection if most is None or len(taken) <= most else Selection(SOME, tuple(taken[:most]))
    seen = migration.preview(process, table, shown, now)
    if selection.kind == BETTER:
        seen = [one for one in seen if not (one.worse or one.problems)]
    words = words_of(target.process)
    return [words_for.look(one, words) for one in seen], len(taken)
