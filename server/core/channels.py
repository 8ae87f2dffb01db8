"""Channels documents: the ways out, in their order, and which takes over for which (policy language, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TYPES: Final = ("email", "sms", "webhook", "wecom", "dingtalk", "feishu", "slack", "manual")
WITHOUT_URL: Final = ("manual",)

Problem = tuple[tuple[str | int, ...], str, Mapping[str, str | int]]


@dataclass(frozen=True, slots=True)
class Channel:
    """One way out. `title` is None where the document gives it none. `url` and `secret` are as written: `env:NAME`,
    read from the environment when a message is sent."""

    name: str
    type: str
    url: str = ""
    secret: str = ""
    otherwise: str = ""
    max_length: int = 0  # characters of a message; 0: as many as it has
    title: Any = None


@dataclass(frozen=True, slots=True)
class Channels:
    """A compiled channels document; `channels` keeps the order of the document, which `via: preferred` follows."""

    name: str
    title: Any
    channels: Mapping[str, Channel]

    def chain(self, name: str) -> list[Channel]:
        """The channel and those that take over, one after the other, when it has given up or is not set."""
        found: list[Channel] = []
        while name:
            found.append(self.channels[name])
            name = found[-1].otherwise
        return found


def compile_channels(value: Mapping[str, Any]) -> tuple[Channels | None, list[Problem]]:
    """Compile a channels document, as read and valid by its schema; or every problem that it has."""
    problems: list[Problem] = []
    found: dict[str, Channel] = {}
    written: Mapping[str, Mapping[str, Any]] = value.get("channels") or {}
    for name, one in written.items():
        where = ("channels", name)
        channel = Channel(
            name=name,
            type=str(one.get("type", "")),
            url=str(one.get("url") or ""),
            secret=str(one.get("secret") or ""),
            otherwise=str(one.get("otherwise") or ""),
            max_length=int(one.get("max_length") or 0),
            title=one.get("title"),
        )
        found[name] = channel
        if channel.type not in TYPES:
            problems.append(((*where, "type"), "unknown-channel-type", {"name": channel.type, "defined": _list(TYPES)}))
        elif not channel.url and channel.type not in WITHOUT_URL:
            problems.append((where, "channel-without-url", {"name": name}))
        if channel.otherwise and channel.otherwise not in written:
            params: dict[str, str | int] = {"name": channel.otherwise, "defined": _list(written)}
            problems.append(((*where, "otherwise"), "unknown-channel", params))
    for name, channel in found.items():
        circle = _circle(found, name)
        if channel.otherwise and circle:
            problems.append((("channels", name, "otherwise"), "channels-in-a-circle", {"circle": " → ".join(circle)}))
    if problems:
        return None, problems
    return Channels(str(value.get("name", "")), value.get("title"), found), []


def _circle(channels: Mapping[str, Channel], name: str) -> list[str]:
    """The way from a channel back to itself; empty when there is none."""
    way = [name]
    while True:
        channel = channels.get(way[-1])
        if channel is None or not channel.otherwise:
            return []
        if channel.otherwise == name:
            return [*way, name]
        if channel.otherwise in way:
            return []
        way.append(channel.otherwise)


def _list(names: Any) -> str:
    return ", ".join(names)
