"""The settings as commands read them. Loads nothing else: whoever watches over the server stays small."""

from __future__ import annotations

from server import settings as environment
from server.cli.words import fail
from server.settings import Settings


def read_settings() -> Settings:
    """The settings of the environment; ends with 2 when one has no meaning."""
    try:
        return environment.read()
    except environment.BadSetting as error:
        fail("bad-setting", why=str(error))
