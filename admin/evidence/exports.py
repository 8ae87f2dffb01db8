"""Issues and events for other programs: a process, a period, a format; who takes them is in the trail."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Final

from flask import Response, request
from flask.typing import ResponseReturnValue

from admin import clock, listing
from admin.clock import now
from admin.evidence.periods import Period, period
from admin.evidence.wording import Wording
from admin.guard import SAFE, Page, expose, signed_in
from admin.languages import gettext
from server import exporting
from server.attachments import as_download
from server.evidence import searching
from server.evidence.searching import Filters

TYPES: Final = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "jsonl": ("jsonl", "application/jsonl"),
    "ocel": ("json", "application/json"),
}
"""How a file of each format is called, and what it is."""

IN_MEMORY: Final = 4 << 20
_PIECE: Final = 1 << 16


class ExportsView(Page):
    """Exports; they change nothing, and each stands in the trail."""

    needs = ("audit.read",)
    changes = "audit.read"

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """The form; and the file, when it is filled in."""
        chosen = {name: request.form.get(name, "").strip()[:200] for name in ("process", "format", "since", "until")}
        if request.method in SAFE:
            return self._page(chosen, Period(), "")
        within = period(chosen["since"], chosen["until"])
        if within.problems or chosen["format"] not in TYPES:
            return self._page(chosen, within, ""), 422
        private = bool(request.form.get("private")) and signed_in().may("private.read")
        file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (it is sent, then closed)
        try:
            exporting.export(
                chosen["process"],
                chosen["format"],
                file,  # type: ignore[arg-type]
                now(),
                private=private,
                by=signed_in().login,
                since=within.since,
                until=within.until,
            )
        except exporting.UnknownProcess:
            file.close()
            return self._page(chosen, within, gettext("Choose a process.")), 422
        except BaseException:
            file.close()
            raise
        ending, kind = TYPES[chosen["format"]]
        name = f"{chosen['process']}-{clock.typed_day(now())}.{ending}"
        return Response(_pieces(file), headers={**as_download(name), "Content-Type": kind})

    def _page(self, chosen: dict[str, str], within: Period, problem: str) -> str:
        words = Wording()
        taken = searching.search(Filters(kind="export"), None, 20)
        rows = [
            {"id": one.id, "at": clock.shown(one.at, "second"), "by": words.who(one.by), "text": words.sentence(one)}
            for one in taken
        ]
        return self.render(
            "panel/evidence/exports.html",
            processes=listing.processes(),
            formats=list(TYPES),
            chosen=chosen,
            problems=within.problems,
            problem=problem,
            rows=rows,
        )


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece
