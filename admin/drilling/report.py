"""What a drill has shown, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin import clock, languages
from admin.languages import gettext
from server import policies
from server.core.people import CUSTOMER
from server.core.vocabulary import Vocabulary
from server.directory import snapshot

PREFERRED = "preferred"


@dataclass(frozen=True, slots=True)
class Told:
    """A message that would have gone out, or not."""

    at: str
    number: str
    what: str
    to: str
    channel: str
    outcome: str
    tone: str
    reason: str
    subject: str
    body: str


class Report:
    """The report of a drill, as its page shows it."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.found = found
        pinned = policies.in_force().processes.get(found["process"])
        self.words = Vocabulary(pinned.process.raw if pinned is not None else {})
        self.language = languages.language()
        self.names = snapshot().names(self.language)

    def messages(self) -> list[Told]:
        """Who would have been told what."""
        return [self._told(one) for one in self.found["messages"]]

    def _told(self, one: Mapping[str, Any]) -> Told:
        outcome, tone = _outcome(one["outcome"])
        people = [
            f"{person['name'] or person['id']}{' (' + person['address'] + ')' if person['address'] else ''}"
            for person in one["recipients"]
        ]
        channel = _channel(one["channel"] or "")
        if one["instead_of"]:
            channel = gettext("%(channel)s instead of %(other)s", channel=channel, other=one["instead_of"])
        return Told(
            clock.told(one["at"]),
            one["number"],
            self.occasion(one["notice"]),
            self._join(people) or self.whom(one["to"]),
            channel,
            outcome,
            tone,
            _reason(one["reason"]),
            one["subject"],
            one["body"],
        )

    def occasion(self, notice: str) -> str:
        """A notice, a rung of a ladder or a survey by its title."""
        kind, _, rest = notice.partition(".")
        name, _, rung = rest.partition(".")
        section = {"notice": "notify", "ladder": "ladders", "survey": "surveys"}.get(kind)
        title = self.words.title(section, name, self.language) if section else notice
        return f"{title} · {rung}" if rung else title

    def whom(self, to: Sequence[str]) -> str:
        """People, teams, roles by name; anything else as it is written."""
        return self._join([self._name(one) for one in to])

    def _name(self, who: str) -> str:
        return gettext("the customer") if who == CUSTOMER else self.names.get(who, who)

    def missed(self) -> list[tuple[str, str, str]]:
        """Clocks that would have been missed: when, which issue, which clock."""
        return [
            (clock.told(one["at"]), one["number"], self.words.title("clocks", one["clock"], self.language))
            for one in self.found["missed"]
        ]

    def escalations(self) -> list[tuple[str, str, str]]:
        """How far it would have been escalated: when, which issue, to whom."""
        found: list[tuple[str, str, str]] = []
        for one in self.found["escalations"]:
            ladder = self.words.title("ladders", one["ladder"], self.language)
            people = self._join([self.names.get(login, login) for login in one["people"]]) or self.whom(one["to"])
            text = f"{ladder} · {one['rung']}: {people}" if one["rung"] else gettext("%(what)s has ended", what=ladder)
            found.append((clock.told(one["at"]), one["number"], text))
        return found

    def gaps(self) -> list[str]:
        """What has to be mended before the real thing."""
        gaps = self.found["gaps"]
        found = [
            gettext(
                "%(who)s has no address for %(channel)s",
                who=one["name"] or self._name(one["id"]),
                channel=_channel(one["channel"]),
            )
            for one in gaps["addresses"]
        ]
        found += [gettext("The channel %(channel)s is not set up", channel=one["channel"]) for one in gaps["channels"]]
        return found + [gettext("There is nobody: %(whom)s", whom=self.whom(one["to"])) for one in gaps["nobody"]]

    def people(self) -> list[str]:
        """What the script says of people that is not so in the directory."""
        found = []
        for one in self.found["people"]:
            if one["name"] is None:
                found.append(gettext("%(login)s is nobody in the directory", login=one["login"]))
            elif one["is_not"]:
                what = self.whom(one["is_not"])
                found.append(gettext("%(who)s is not %(what)s in the directory", who=one["name"], what=what))
        return found

    def refused(self) -> list[tuple[str, str, str]]:
        """Actions that would have been refused: when, by whom, which."""
        return [
            (
                clock.told(one["at"]),
                self.names.get(str(one["by"]), str(one["by"])),
                self.words.title("actions", one["action"], self.language),
            )
            for one in self.found["refused"]
        ]

    def _join(self, texts: Sequence[str]) -> str:
        return (", " if self.language == "en" else "、").join(texts)


def _channel(name: str) -> str:
    return gettext("the channel that the customer prefers") if name == PREFERRED else name


def _outcome(outcome: str) -> tuple[str, str]:
    words = {
        "told": (gettext("told"), "good"),
        "by_hand": (gettext("by hand"), "info"),
        "not_told": (gettext("not told"), "bad"),
    }
    return words.get(outcome, (outcome, ""))


def _reason(reason: str | None) -> str:
    words = {
        "nobody": gettext("there is nobody"),
        "no_address": gettext("no address"),
        "not_configured": gettext("the channel is not set up"),
    }
    return words.get(reason or "", reason or "")
