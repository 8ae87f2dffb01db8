"""What people, teams, roles, channels and documents are called now, for whoever reads a policy or an issue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server import policies
from server.core.channels import Channels
from server.core.schema_nodes import root_of
from server.core.vocabulary import Names, Naming, catalogue, in_language
from server.directory import snapshot
from server.policies import InForce


def names(language: str, value: Mapping[str, Any]) -> Names:
    """The names that a document's text does not say: `value` is what it says, by which its channels are found."""
    found = policies.in_force()
    channels = channels_named(found, str(value.get("channels") or "default"))
    return Names(
        people=snapshot().names(language),
        channels={} if channels is None else channel_names(channels, language),
        documents=_titles(found, language),
        processes={name: one.process.raw for name, one in found.processes.items()},
    )


def naming(value: Mapping[str, Any]) -> Naming:
    """`names` of a document for whoever tells it in every language."""
    return lambda language: names(language, value)


def channels_named(found: InForce, name: str) -> Channels | None:
    """A channels document that a process in force uses."""
    return next((one.channels for one in found.processes.values() if one.channels.name == name), None)


def channel_names(channels: Channels, language: str) -> dict[str, str]:
    """The channels by their ids, as people call them."""
    return {name: channel_name(name, one.title, one.type, language) for name, one in channels.channels.items()}


def channel_name(name: str, title: Any, type_: str, language: str) -> str:
    """A channel by its title, else by the usual word for its id, else by its kind."""
    kind = root_of("channels").child("channels").child("c").child("type").label(type_, language)
    return in_language(title or catalogue()["channels"].get(name), language, kind or name)


def _titles(found: InForce, language: str) -> dict[str, str]:
    titles: dict[str, Any] = {name: one.process.title for name, one in found.processes.items()}
    titles.update((one.channels.name, one.channels.title) for one in found.processes.values())
    titles.update((name, one.title) for name, one in found.calendars.items())
    titles.update((name, one.title) for name, one in found.sources.items())
    return {name: in_language(title, language, name) for name, title in titles.items()}
