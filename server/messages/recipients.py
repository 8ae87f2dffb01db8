"""Who is told: every Who as written becomes people with their addresses, when the step is taken.

A deputy stands in for someone absent; somebody absent for whom nobody stands in is told himself, rather than nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from server.core.people import CUSTOMER
from server.core.process import SYSTEM
from server.core.turn import Telling
from server.directory import KnownCustomer, Someone, address, customer
from server.messages.occasion import Occasion

PREFERRED: Final = "preferred"
_TYPES: Final = ("email", "sms", "wecom", "dingtalk", "feishu", "slack", "manual")
_READ_PRIVATE: Final = "private.read"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to be told. `id` is a login or `customer`, else the address itself; `language` is empty when nobody
    said; `addresses` are by channel type."""

    id: str
    name: str = ""
    language: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)
    person: bool = False  # somebody of the directory
    preferred: str = ""  # a customer's channel


def find(telling: Telling, occasion: Occasion) -> list[Recipient]:
    """Everyone whom the step tells, each once, in the order in which they are named."""
    found: dict[str, Recipient] = {}
    reached: set[str] = set()
    for who in telling.to:
        for recipient in _named(who, telling, occasion):
            address_keys = {text for kind, text in recipient.addresses.items() if kind in ("email", "sms")}
            if recipient.id in found or (not recipient.person and address_keys and address_keys <= reached):
                continue
            found[recipient.id] = recipient
            reached |= address_keys
    return list(found.values())


def someone(person: Someone) -> Recipient:
    """A person of the directory as a recipient."""
    addresses = {type_: where for type_ in _TYPES if (where := address(person, type_))}
    return Recipient(person.login, person.name, person.language, addresses, person=True)


def _named(who: str, telling: Telling, occasion: Occasion) -> Iterator[Recipient]:
    case = occasion.case
    if who == CUSTOMER or (who == "actor" and telling.actor == CUSTOMER):
        yield from _customer(telling, occasion)
    elif who.startswith("field:"):
        yield from _in_field(who[6:], telling, occasion)
    elif who.startswith("rung:"):
        yield from _on_rung(who[5:], telling, occasion)
    elif who == "actor":
        yield from _present([telling.actor or ""], occasion)
    elif who == "involved":
        yield from _present(case.involved, occasion)
    elif who == "watchers":
        yield from _present(case.watchers, occasion)
    elif who.startswith("did:"):
        yield from _present(case.did.get(who[4:], ()), occasion)
    elif who != "anyone":
        people = occasion.directory.people
        for login in occasion.directory.persons(who, occasion.place(telling)):
            person = people.active(login)
            if person is not None:
                yield someone(person)


def _present(logins: Iterable[str], occasion: Occasion) -> Iterator[Recipient]:
    people = occasion.directory.people
    for login in logins:
        if login in (SYSTEM, CUSTOMER):
            continue
        person = people.active(people.stand_in(login, occasion.now) or login)
        if person is not None:
            yield someone(person)


def _on_rung(ladder: str, telling: Telling, occasion: Occasion) -> Iterator[Recipient]:
    state = occasion.case.ladders.get(ladder)
    known = occasion.process.ladders.get(ladder)
    if known is None or state is None or not state.rung:
        return
    for who in known.rungs[state.rung - 1].to:
        if not who.startswith("rung:"):
            yield from _named(who, telling, occasion)


def _in_field(name: str, telling: Telling, occasion: Occasion) -> Iterator[Recipient]:
    """Whoever stands in a field: a person by login, an e-mail address, a telephone number."""
    value = telling.facts.get(name)
    declared = occasion.process.fields.get(name)
    type_ = declared.type if declared is not None else ""
    for text in value if isinstance(value, list) else [value]:
        if not isinstance(text, str) or not text.strip():
            continue
        if type_ == "email" or (type_ != "person" and "@" in text):
            yield Recipient(text, text, "", {"email": text})
        elif type_ == "phone":
            yield Recipient(text, text, "", {"sms": text, "manual": text})
        else:
            yield from _present([text], occasion)


def _customer(telling: Telling, occasion: Occasion) -> Iterator[Recipient]:
    """The customer, at the record's addresses, else at the first e-mail and the first phone field of the process."""
    facts = telling.facts
    name = facts.get("customer")
    record = customer(name if isinstance(name, str) else None)
    email = (record and record.email) or _first_of("email", facts, occasion)
    phone = (record and record.phone) or _first_of("phone", facts, occasion)
    addresses = {"email": email, "sms": phone, "manual": phone}
    yield Recipient(
        CUSTOMER,
        name if isinstance(name, str) else "",
        "",
        {type_: where for type_, where in addresses.items() if where},
        preferred=_preferred(facts, record, occasion),
    )


def _first_of(type_: str, facts: Mapping[str, Any], occasion: Occasion) -> str:
    for declared in occasion.process.fields.values():
        value = facts.get(declared.id)
        if declared.type == type_ and isinstance(value, str) and value:
            return value
    return ""


def _preferred(facts: Mapping[str, Any], record: KnownCustomer | None, occasion: Occasion) -> str:
    for name in (facts.get(PREFERRED), record.preferred if record else None):
        if isinstance(name, str) and name in occasion.channels.channels:
            return name
    return ""


def channel_for(recipient: Recipient, via: str, occasion: Occasion) -> str:
    """The channel's name: `preferred` is the customer's, else the first, in the order of the channels document, for
    which there is an address; empty when there is none."""
    if via != PREFERRED:
        return via
    if recipient.preferred:
        return recipient.preferred
    for name, channel in occasion.channels.channels.items():
        if channel.type in ("email", "sms") and recipient.addresses.get(channel.type):
            return name
    return ""


def reads_private(login: str, telling: Telling, occasion: Occasion) -> bool:
    """Whether this person may read private fields: the receiver, the owner, the team, their supervisors, and whoever
    has the permission (policy language, "Private fields")."""
    people = occasion.directory.people
    handling = {occasion.case.receiver, telling.facts.get("owner")}
    handling.update(people.members.get(telling.facts.get("team") or "", ()))
    if login in handling or _READ_PRIVATE in people.permissions_of(login):
        return True
    return any(login in _above(one, people.people) for one in handling if one)


def _above(login: str, people: Mapping[str, Someone]) -> set[str]:
    found: set[str] = set()
    person = people.get(login)
    while person is not None and person.supervisor and person.supervisor not in found:
        found.add(person.supervisor)
        person = people.get(person.supervisor)
    return found
