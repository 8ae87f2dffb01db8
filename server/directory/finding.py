"""Customers and products looked up where there are tens of thousands of them: a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import fn

from server.directory.addresses import folded
from server.directory.content import Attributes, customers
from server.store.models import Customer, CustomerName, CustomerProduct


@dataclass(frozen=True, slots=True)
class Page:
    """A page of customers by id; `next`: after which id the next one begins, None: it is the last."""

    customers: dict[str, Attributes]
    next: str | None


def find_customers(q: str = "", product: str = "", after: str = "", limit: int = 50) -> Page:
    """Customers of whose names, id, e-mail or telephone number `q` is a part, and who have that product."""
    query: Any = Customer.select(Customer.id).order_by(Customer.id).limit(limit + 1)
    if after:
        query = query.where(Customer.id > after)
    if q.strip():
        named = CustomerName.select(CustomerName.customer).where(CustomerName.name.contains(folded(q)))
        written = q.strip()
        query = query.where(
            Customer.id.in_(named) | Customer.email.contains(written) | Customer.phone.contains(written)
        )
    if product:
        having = CustomerProduct.select(CustomerProduct.customer).where(CustomerProduct.product == product)
        query = query.where(Customer.id.in_(having))
    ids = [id_ for (id_,) in query.tuples()]
    found = customers(ids[:limit])
    return Page(found, ids[limit - 1] if len(ids) > limit else None)


def find_products(q: str = "", after: str = "", limit: int = 100) -> tuple[list[tuple[str, int]], str | None]:
    """Products of whose names `q` is a part, each with how many customers have it, and after which the next begin."""
    query: Any = (
        CustomerProduct.select(CustomerProduct.product, fn.COUNT(CustomerProduct.customer))
        .group_by(CustomerProduct.product)
        .order_by(CustomerProduct.product)
        .limit(limit + 1)
    )
    if after:
        query = query.where(CustomerProduct.product > after)
    if q.strip():
        query = query.where(CustomerProduct.product.contains(q.strip()))
    found = [(product, int(count)) for product, count in query.tuples()]
    return found[:limit], found[limit - 1][0] if len(found) > limit else None
