"""What a drill has shown: who would have been told what, when, by which channel; who would not, and why; which clocks
would have been missed, and how far it would have been escalated (docs/drills.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from server.channels import way_of
from server.core.channels import Channel
from server.core.people import CUSTOMER
from server.core.printing import printed
from server.core.process import SYSTEM, Process
from server.core.scripts import Script
from server.core.simulate import timeline
from server.core.world import Place
from server.directory import Someone
from server.drills.playing import DrillSimulation, Told
from server.messages.planning import NO_ADDRESS, NOBODY, NOT_CONFIGURED
from server.store.models import Message

TOLD: Final = "told"
BY_HAND: Final = "by_hand"
NOT_TOLD: Final = "not_told"

OUTCOMES: Final[Mapping[str, str]] = {
    Message.PENDING: TOLD,
    Message.MANUAL: BY_HAND,
    Message.UNSENT: NOT_TOLD,
}

_INSTEAD: Final = "instead:"
_ANYWHERE: Final = ("role:", "team:", "duty:")
"""Who means the same whatever the issue is."""

Report = dict[str, Any]


def report(simulation: DrillSimulation, script: Script, environ: Mapping[str, str]) -> Report:
    """The report as it is kept and printed; moments in the calendar's zone."""
    return _Reporting(simulation, script, environ).report()


def messages(simulation: DrillSimulation) -> list[dict[str, Any]]:
    """The messages that the simulation would have sent, as the report has them."""
    return [one for told in simulation.told for one in _messages(told, simulation.process)]


def totals(found: Report) -> dict[str, int]:
    """The report's figures, for a list."""
    outcomes = Counter(message["outcome"] for message in found["messages"])
    told = {one["id"] for message in found["messages"] if message["outcome"] == TOLD for one in message["recipients"]}
    return {
        "messages": len(found["messages"]),
        TOLD: outcomes[TOLD],
        BY_HAND: outcomes[BY_HAND],
        NOT_TOLD: outcomes[NOT_TOLD],
        "recipients": len(told),
        "missed": len(found["missed"]),
        "escalations": len(found["escalations"]),
        "refused": len(found["refused"]),
    }


class _Reporting:
    def __init__(self, simulation: DrillSimulation, script: Script, environ: Mapping[str, str]) -> None:
        self.simulation = simulation
        self.script = script
        self.process = simulation.process
        self.people = simulation.directory.people
        self.channels = simulation.plan.channels
        self.environ = environ

    def report(self) -> Report:
        """Everything, in order of time."""
        found: Report = {
            "start": self.process.calendar.show(self.script.start),
            "until": self.process.calendar.show(self.script.until),
            "messages": messages(self.simulation),
            "missed": self._lines("clock_breached", "number", "clock", "run", "due"),
            "escalations": list(self._escalations()),
            "opened": self._lines("opened", "number", "process"),
            "refused": self._lines("refused", "number", "action", "by", "why"),
            "gaps": self._gaps(),
            "people": list(self._people()),
            "timeline": list(timeline(self.simulation)),
        }
        return {"totals": totals(found), **found}

    # -- lines -----------------------------------------------------------------------------------------------------

    def _lines(self, kind: str, *keys: str) -> list[dict[str, Any]]:
        lines = (printed(line, self.process) for line in self.simulation.lines if line["kind"] == kind)
        return [{"at": line["at"], **{key: line[key] for key in keys}} for line in lines]

    def _escalations(self) -> Iterator[dict[str, Any]]:
        """Every rung that was reached, with the people who then stand on it, and every ladder that ended."""
        for told in self.simulation.told:
            for entry in told.entries:
                if entry["kind"] not in ("escalated", "exhausted"):
                    continue
                line = printed(entry, self.process)
                rung = entry.get("rung")
                yield {
                    "at": line["at"],
                    "number": entry["number"],
                    "ladder": entry["ladder"],
                    "rung": rung,
                    "to": list(entry.get("to") or ()),
                    "due": line.get("due"),
                    "people": _on_rung(told, f"ladder.{entry['ladder']}.{rung}") if rung else [],
                }

    # -- gaps ------------------------------------------------------------------------------------------------------

    def _gaps(self) -> dict[str, Any]:
        """What would have kept messages from their readers, even where another channel took over."""
        addresses: Counter[tuple[str, str]] = Counter()
        unset: Counter[str] = Counter()
        nobody: Counter[str] = Counter()
        known = self.channels.channels
        for told in self.simulation.told:
            # Somebody may have got the message by another channel of the step already: then none asks for this one.
            unset.update(
                {name: 0 for name in told.wanted if name in known and way_of(known[name], self.environ) is None}
            )
            for row in told.rows:
                if row["reason"] == NOBODY:
                    nobody[row["to"]] += 1
                for channel in self._passed_over(row):
                    if channel is not None and way_of(channel, self.environ) is None:
                        unset[channel.name] += 1
                        continue
                    name = row["channel"] if channel is None else channel.name
                    for one in row["payload"]["to"]:
                        addresses[(one["id"], name)] += 1
        names = {login: person.name for login, person in self.people.people.items()}
        return {
            "addresses": [
                {"id": id_, "name": names.get(id_, ""), "channel": channel, "messages": count}
                for (id_, channel), count in sorted(addresses.items())
            ],
            "channels": [{"channel": name, "messages": count} for name, count in sorted(unset.items())],
            "nobody": [{"to": to.split(", "), "messages": count} for to, count in sorted(nobody.items())],
        }

    def _passed_over(self, row: Mapping[str, Any]) -> Iterator[Channel | None]:
        """The channels that could not carry the message, one after the other; None stands for no channel at all (the
        customer's preferred one, who has no address)."""
        instead = _instead(row)
        if instead:
            for channel in self.channels.chain(instead):
                if channel.name == row["channel"]:
                    break
                yield channel
        if row["reason"] in (NO_ADDRESS, NOT_CONFIGURED):
            yield self.channels.channels.get(row["channel"])

    # -- people ----------------------------------------------------------------------------------------------------

    def _people(self) -> Iterator[dict[str, Any]]:
        """Everyone whom the script names: who he is in the directory, and what the script says of him that is not so
        there. In a drill the directory is right."""
        acting = [self.script.by, *(doing.by for doing in self.script.events)]
        logins = [*(self.script.people or {}), *(login for login in acting if login not in (None, SYSTEM, CUSTOMER))]
        for login in dict.fromkeys(str(one) for one in logins):
            person = self.people.active(login)
            yield {
                "login": login,
                "name": None if person is None else person.name,
                "is_not": [] if person is None else list(self._is_not(person)),
            }

    def _is_not(self, person: Someone) -> Iterator[str]:
        place = Place(self.process.name, "", None, None, None, self.script.start)
        for who in (self.script.people or {}).get(person.login, ()):
            if who.startswith(_ANYWHERE) and not self.simulation.directory.fits(person.login, who, place):
                yield who


def _instead(row: Mapping[str, Any]) -> str | None:
    """The channel that was wanted first, when another took over."""
    reason = row["reason"] or ""
    return reason.removeprefix(_INSTEAD) if reason.startswith(_INSTEAD) else row["payload"].get("instead")


def _on_rung(told: Told, notice: str) -> list[str]:
    rows = (row for row in told.rows if row["notice"] == notice)
    return list(dict.fromkeys(one["id"] for row in rows for one in row["payload"]["to"]))


def _messages(told: Told, process: Process) -> Iterator[dict[str, Any]]:
    number = told.entries[0]["number"] if told.entries else ""
    for row in told.rows:
        reason, instead = row["reason"], _instead(row)
        yield {
            "at": process.calendar.show(row["at"]),
            "number": number,
            "notice": row["notice"],
            "outcome": OUTCOMES[row["state"]],
            "reason": None if row["state"] != Message.UNSENT else reason,
            "channel": row["channel"],
            "instead_of": instead,
            "to": row["to"].split(", "),
            "recipients": [_recipient(one) for one in row["payload"]["to"]],
            "language": row["language"],
            "subject": row["subject"],
            "body": row["body"],
            "problem": row["payload"].get("problem"),
        }


def _recipient(one: Mapping[str, Any]) -> dict[str, Any]:
    # Where a customer is reached is not the drill's to keep: only a person's own address is.
    return {"id": one["id"], "name": one["name"], "address": (one["address"] or None) if one["person"] else None}
