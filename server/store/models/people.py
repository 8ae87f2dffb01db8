"""The directory: people, teams, roles, rotas, customers; and how people sign in. Persons are known by their login."""

from __future__ import annotations

from peewee import BlobField, BooleanField, CompositeKey, ForeignKeyField, IntegerField, TextField

from server.store.fields import JsonField, MomentField, NumberedRow, Row


class Person(Row):
    """Somebody who may sign in. Never deleted, since history names the login: disabled instead."""

    login = TextField(primary_key=True)
    name = TextField()
    email = TextField(null=True)
    phone = TextField(null=True)
    channel_ids = JsonField(default=dict)  # {"wecom": "zhangwei", …}: the id by channel type
    language = TextField(default="zh")
    supervisor = ForeignKeyField("self", null=True, backref="reports")
    deputy = ForeignKeyField("self", null=True, backref="deputises_for")
    absences = JsonField(default=list)  # [{"from", "until", "deputy"}], by beginning; no `until`: until further notice
    password_hash = TextField(null=True)  # argon2; null: cannot sign in with a password
    created_at = MomentField(default=0)
    disabled_at = MomentField(null=True)


class Team(Row):
    """A group that issues are routed to."""

    id = TextField(primary_key=True)
    title = JsonField(default=dict)  # text, or a map by language
    lead = ForeignKeyField(Person, null=True, backref="leads")


class Membership(Row):
    """A person in a team. `position` keeps the order of the directory, which round robin goes by."""

    team = ForeignKeyField(Team, backref="memberships", on_delete="CASCADE", index=False)
    person = ForeignKeyField(Person, backref="memberships")
    position = IntegerField(default=0)

    class Meta:
        primary_key = CompositeKey("team", "person")


class Role(Row):
    """A named duty. Policies name it; its permissions say what holders may do in the server at large."""

    name = TextField(primary_key=True)
    title = JsonField(default=dict)
    permissions = JsonField(default=list)


class Holding(Row):
    """A person has a role."""

    role = ForeignKeyField(Role, backref="holdings", on_delete="CASCADE", index=False)
    person = ForeignKeyField(Person, backref="holdings")
    position = IntegerField(default=0)

    class Meta:
        primary_key = CompositeKey("role", "person")


class Rota(NumberedRow):
    """A person is on duty for a team in [from_at, to_at)."""

    team = ForeignKeyField(Team, backref="rotas", on_delete="CASCADE", index=False)
    person = ForeignKeyField(Person, backref="rotas")
    from_at = MomentField()
    to_at = MomentField()

    class Meta:
        indexes = ((("team", "from_at"), False),)


class Customer(Row):
    """Somebody whose matters the issues are."""

    id = TextField(primary_key=True)
    names = JsonField(default=list)  # every name that the `customer` field may hold
    email = TextField(null=True)
    phone = TextField(null=True)
    preferred = TextField(null=True)  # a channel's name
    products = JsonField(default=list)


class CustomerName(Row):
    """A name of a customer, folded for look-up. One name, one customer."""

    name = TextField(primary_key=True)
    customer = ForeignKeyField(Customer, backref="known_names", on_delete="CASCADE")


class CustomerProduct(Row):
    """A customer has a product; what is in the customer's own list, to be looked up."""

    product = TextField()
    customer = ForeignKeyField(Customer, backref="known_products", on_delete="CASCADE")

    class Meta:
        primary_key = CompositeKey("product", "customer")


class DirectoryUpload(NumberedRow):
    """A file of the directory that waits until whoever brought it has seen what it would change."""

    name = TextField()
    sha256 = TextField()
    data = BlobField()
    removes = BooleanField()
    by = TextField()
    at = MomentField()


class Token(NumberedRow):
    """A bearer token of a person. Only its hash is kept; its scopes are a subset of the person's permissions."""

    person = ForeignKeyField(Person, backref="tokens")
    label = TextField(default="")
    hash = TextField(unique=True)  # SHA-256, hex
    scopes = JsonField(default=list)
    created_at = MomentField()
    expires_at = MomentField(null=True)
    revoked_at = MomentField(null=True)


class Session(Row):
    """A browser's sign-in, kept on the server so that it can be ended. `hash` is that of what the cookie holds."""

    hash = TextField(primary_key=True)  # SHA-256, hex
    person = ForeignKeyField(Person, backref="sessions")
    data = JsonField(default=dict)
    address = TextField(default="")
    created_at = MomentField()
    seen_at = MomentField()
    expires_at = MomentField(index=True)


class ResetLink(Row):
    """A link with which a person chooses a new password, once. `hash` is that of what the link holds."""

    hash = TextField(primary_key=True)  # SHA-256, hex
    person = ForeignKeyField(Person, backref="reset_links")
    made_by = TextField()
    created_at = MomentField()
    expires_at = MomentField()
    used_at = MomentField(null=True)


class SignInAttempt(NumberedRow):
    """A try to sign in: what the throttle counts. `login` may be nobody's."""

    login = TextField()
    address = TextField(default="")
    at = MomentField(index=True)
    succeeded = BooleanField(default=False)

    class Meta:
        indexes = ((("login", "at"), False), (("address", "at"), False))


class IdempotencyKey(Row):
    """A request of an integrator that must not be done twice: the same answer again for 24 h."""

    owner = TextField()  # login, or `token:ID`
    key = TextField()
    body_sha256 = TextField()
    status = IntegerField(null=True)  # null while the first request is under way
    headers = JsonField(default=dict)
    answer = BlobField(null=True)
    at = MomentField(index=True)

    class Meta:
        primary_key = CompositeKey("owner", "key")
