"""How somebody is reached: a person's address for a channel type, and what is known of a customer."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from server.directory.snapshot import Someone
from server.store.models import Customer, CustomerName

BY_TELEPHONE: Final = ("sms", "phone", "manual")


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer record."""

    id: str
    names: tuple[str, ...]
    email: str | None
    phone: str | None
    preferred: str | None
    products: tuple[str, ...]


def address(person: Someone, channel_type: str) -> str | None:
    """Where the person is reached by a channel of that type (`email`, `sms`, `wecom` …); None: nowhere.

    An id that the directory gives for the type wins over the person's e-mail or phone number.
    """
    named = person.channel_ids.get(channel_type)
    if named:
        return named
    if channel_type == "email":
        return person.email
    return person.phone if channel_type in BY_TELEPHONE else None


def folded(name: str) -> str:
    """A customer's name as it is compared: width, letter case and spaces at the ends do not matter."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def customer(name: str | None) -> KnownCustomer | None:
    """The customer whose id or name that is; an id wins."""
    if not name:
        return None
    found = Customer.get_or_none(Customer.id == name)
    if found is None:
        known = CustomerName.get_or_none(CustomerName.name == folded(name))
        if known is None:
            return None
        found = Customer.get_by_id(known.customer_id)
    return KnownCustomer(found.id, tuple(found.names), found.email, found.phone, found.preferred, tuple(found.products))
