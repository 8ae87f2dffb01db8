"""Customers with their names, addresses, preferred channel and products; a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock
from admin.directory import forms
from admin.directory.forms import Kind, Typed
from admin.guard import expose, signed_in
from admin.inputs import Input, Option
from admin.languages import gettext
from server import directory, policies
from server.directory import Amendment, Overtaken, Unfit, finding

SIZE: Final = 50
_TEXTS: Final = ("id", "email", "phone", "preferred")
_LINES: Final = ("names", "products")


def _inputs(new: bool) -> Sequence[Input]:
    id_ = Input(
        "id",
        "text",
        gettext("Customer number"),
        required=True,
        hint=gettext("Issues may name the customer by it; it stays."),
    )
    asked = [
        Input(
            "names",
            "long_text",
            gettext("Names, one per line"),
            required=True,
            hint=gettext(
                "Every name that issues may hold: full name, short name, name in English. The first one is shown."
            ),
        ),
        Input("email", "email", gettext("E-mail")),
        Input("phone", "phone", gettext("Telephone")),
        Input(
            "preferred",
            "choice",
            gettext("Preferred channel"),
            options=_channels(),
            hint=gettext("Used where a policy says: by the customer’s preferred channel."),
        ),
        Input("products", "long_text", gettext("Products, one per line")),
    ]
    return [id_, *asked] if new else asked


def _channels() -> list[Option]:
    """The channels in force by which a customer can be reached, by name."""
    found: dict[str, str] = {}
    for pinned in policies.in_force().processes.values():
        for name, channel in pinned.channels.channels.items():
            if channel.type in ("email", "sms", "manual"):
                found.setdefault(name, name if name == channel.type else f"{name} ({channel.type})")
    return sorted(found.items())


def _shown(customer: Mapping[str, Any]) -> Typed:
    values = {name: (str(customer[name]),) for name in _TEXTS if customer.get(name)}
    return {**values, **{name: ("\n".join(customer[name]),) for name in _LINES if customer.get(name)}}


def _raw(was: dict[str, Any], given: Typed) -> dict[str, Any]:
    customer: dict[str, Any] = {"id": was["id"]} if "id" in was else {}
    customer.update({name: given[name][0].strip() for name in _TEXTS if given.get(name)})
    for name in _LINES:
        lines = [line.strip() for line in (given.get(name) or ("",))[0].split("\n")]
        if any(lines):
            customer[name] = list(dict.fromkeys(line for line in lines if line))
    return customer


CUSTOMER: Final = Kind("customers", _inputs, _shown, _raw, forms.typed)


class CustomersView(forms.DirectoryPage):
    """Customers: found, added, changed, removed."""

    edits = frozenset({"add", "edit", "remove"})

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """A page of the customers that were looked for."""
        chosen = {name: request.args.get(name, "").strip()[:200] for name in ("q", "product")}
        after = request.args.get("after", "")
        found = finding.find_customers(chosen["q"], chosen["product"], after, SIZE)
        return self.render(
            "panel/directory/customers.html",
            rows=[{"id": id_, **one} for id_, one in found.customers.items()],
            chosen=chosen,
            next=found.next,
            is_first=not after,
        )

    @expose("/add", methods=("GET", "POST"))
    def add(self) -> ResponseReturnValue:
        """A new customer."""
        if request.method == "GET":
            return self._form(forms.empty(CUSTOMER))
        refused = forms.saved(CUSTOMER, None, request.form)
        return redirect(url_for(".index"), 303) if refused is None else self._form(refused)

    @expose("/customer/<path:customer>", methods=("GET", "POST"))
    def edit(self, customer: str) -> ResponseReturnValue:
        """Change a customer."""
        found = forms.existing(CUSTOMER, customer)
        if found is None:
            abort(404)
        if request.method == "POST":
            refused = forms.saved(CUSTOMER, customer, request.form)
            if refused is None:
                return redirect(url_for(".index", q=customer), 303)
            found = refused
        return self._form(found, customer)

    def _form(self, filled: forms.Filled, customer: str | None = None) -> ResponseReturnValue:
        return self.render("panel/directory/customer_form.html", filled=filled, customer=customer), filled.status

    @expose("/remove/<path:customer>", methods=("GET", "POST"))
    def remove(self, customer: str) -> ResponseReturnValue:
        """Remove a customer's record; issues keep what they hold."""
        now = directory.item("customers", customer)
        if now is None:
            abort(404)
        status = 200
        if request.method == "POST":
            gone = Amendment("customers", customer, None, request.form.get("seen", ""))
            try:
                directory.amend([gone], clock.now(), signed_in().login)
            except (Overtaken, Unfit):
                flash(gettext("Somebody else changed this while you were at it. Look again."), "danger")
                status = 409
            else:
                flash(gettext("%(name)s is removed.", name=customer), "success")
                return redirect(url_for(".index"), 303)
        page = self.render("panel/directory/customer_remove.html", customer=customer, one=now, seen=directory.mark(now))
        return page, status


class ProductsView(forms.DirectoryPage):
    """Products, by the customers who have them."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """A page of the products that were looked for."""
        q, after = request.args.get("q", "").strip()[:200], request.args.get("after", "")
        rows, following = finding.find_products(q, after)
        return self.render("panel/directory/products.html", rows=rows, q=q, next=following, is_first=not after)
