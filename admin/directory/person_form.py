"""The form of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from admin import inputs as issue_inputs
from admin import languages
from admin.directory.forms import Kind, Typed, typed
from admin.inputs import Input, Option
from admin.languages import NAMES, gettext
from server.core.vocabulary import in_language
from server.directory import snapshot

CHANNELS: Final = ("wecom", "dingtalk", "feishu", "slack")
"""Channel types by which people are reached under an id of their own."""

_TEXTS: Final = ("login", "name", "email", "phone", "language", "supervisor", "deputy")
_CHANNEL: Final = "channel_ids."


def channel_names() -> dict[str, str]:
    """The channel types as people call them."""
    return {
        "wecom": gettext("WeCom"),
        "dingtalk": gettext("DingTalk"),
        "feishu": gettext("Feishu"),
        "slack": "Slack",
        "email": gettext("E-mail"),
        "sms": gettext("Text message"),
        "phone": gettext("Telephone"),
        "manual": gettext("In person"),
    }


def inputs(new: bool) -> Sequence[Input]:
    """What is asked about a person."""
    people = issue_inputs.people()
    login = Input(
        "login", "text", gettext("Login"), required=True,
        hint=gettext("Small letters, digits, dot, dash and underscore. It stays for good: history names it."),
    )  # fmt: skip
    asked = [
        Input("name", "text", gettext("Name"), required=True),
        Input("email", "email", gettext("E-mail")),
        Input("phone", "phone", gettext("Telephone")),
        Input(
            "language", "choice", gettext("Language"), required=True, options=list(NAMES.items()),
            hint=gettext("Messages come in it."),
        ),
        Input(
            "supervisor", "person", gettext("Supervisor"), options=people,
            hint=gettext("Escalations go up along the supervisors."),
        ),
        Input(
            "deputy", "person", gettext("Deputy"), options=people,
            hint=gettext("Stands in whenever the person is absent and no one else is named for that time."),
        ),
    ]  # fmt: skip
    names = channel_names()
    asked += [
        Input(f"{_CHANNEL}{one}", "text", gettext("Id in %(channel)s", channel=names.get(one, one))) for one in CHANNELS
    ]
    asked.append(Input("roles", "choice", gettext("Roles"), many=True, options=_roles()))
    return [login, *asked] if new else asked


def _roles() -> list[Option]:
    language = languages.language()
    titles = snapshot().role_titles
    return sorted(((name, in_language(title, language, name)) for name, title in titles.items()), key=lambda o: o[1])


def shown(person: Mapping[str, Any]) -> Typed:
    """What the inputs hold for a person."""
    values = {name: (str(person[name]),) for name in _TEXTS if person.get(name)}
    channels = {f"{_CHANNEL}{type_}": (id_,) for type_, id_ in person.get("channel_ids", {}).items()}
    return {**values, **channels, "roles": tuple(person.get("roles", ()))}


def raw(was: dict[str, Any], given: Typed) -> dict[str, Any]:
    """The person by what was typed; what is not asked about (absences, other channels) stays."""
    person = {key: value for key, value in was.items() if key not in (*_TEXTS, "channel_ids", "roles")}
    if "login" in was:
        person["login"] = was["login"]
    person.update({name: texts[0].strip() for name, texts in given.items() if name in _TEXTS and texts})
    asked = {f"{_CHANNEL}{type_}" for type_ in CHANNELS}
    channels = {key: value for key, value in was.get("channel_ids", {}).items() if f"{_CHANNEL}{key}" not in asked}
    channels.update({name[len(_CHANNEL) :]: given[name][0].strip() for name in asked if given.get(name)})
    if channels:
        person["channel_ids"] = channels
    if given.get("roles"):
        person["roles"] = list(given["roles"])
    return person


PERSON: Final = Kind("people", inputs, shown, raw, typed)
