"""django-helpdesk in the product's gunicorn, for `bench_helpdesk`; run by a Python that has it installed.

    python -m tests.bench.helpdesk_app FOLDER PORT WORKERS

Makes a database with a queue and a member of staff, prints the token of his, and serves. SQLite is set as in the
product: written ahead, on disk before the answer. Nothing is mailed.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings as django_settings

APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django.contrib.sites", "django.contrib.humanize", "rest_framework",
    "rest_framework.authtoken", "helpdesk",
]  # fmt: skip
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
DATABASE = {
    "ENGINE": "django.db.backends.sqlite3",
    "CONN_MAX_AGE": None,
    "OPTIONS": {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=full; PRAGMA wal_autocheckpoint=4000;",
    },
}


def configure(folder: Path) -> None:
    """Django with django-helpdesk and its interface."""
    django_settings.configure(
        SECRET_KEY=secrets.token_hex(),
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=APPS,
        MIDDLEWARE=MIDDLEWARE,
        ROOT_URLCONF="tests.bench.helpdesk_app",
        DATABASES={"default": {**DATABASE, "NAME": str(folder / "helpdesk.sqlite")}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
        MEDIA_ROOT=str(folder),
        SITE_ID=1,
        USE_TZ=True,
        HELPDESK_ACTIVATE_API_ENDPOINT=True,
        # Without teams, whose package it does not bring along.
        HELPDESK_TEAMS_MODE_ENABLED=False,
        HELPDESK_TEAMS_MODEL="auth.User",
        HELPDESK_TEAMS_MIGRATION_DEPENDENCIES=[],
        HELPDESK_KBITEM_TEAM_GETTER=lambda _: None,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"]},
    )
    django.setup()


def prepare() -> str:
    """The tables, a queue, and a member of staff; gives his token."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from helpdesk.models import Queue
    from rest_framework.authtoken.models import Token

    call_command("migrate", verbosity=0)
    Queue.objects.create(title="Complaints", slug="complaints")
    staff = get_user_model().objects.create_superuser("staff", "staff@example.com", secrets.token_hex())
    return str(Token.objects.create(user=staff).key)


def main(folder: Path, port: int, workers: int) -> None:
    """Prepare and serve."""
    configure(folder)
    token = prepare()
    from django.db import connections

    connections.close_all()
    (folder / "token").write_text(token)

    from server import settings, wsgi

    class Helpdesk(wsgi._Server):
        def load(self) -> Any:
            from django.core.wsgi import get_wsgi_application

            return get_wsgi_application()

        def _options(self) -> Any:
            return {**super()._options(), "worker_exit": lambda _server, _worker: None}

    Helpdesk(settings.read({"DUBAN_DATA": str(folder)}), "127.0.0.1", port, workers).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
else:
    from django.urls import include, path

    urlpatterns = [path("", include("helpdesk.urls"))]
