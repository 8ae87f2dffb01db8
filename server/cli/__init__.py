"""The command `duban` (contract, "Command line").

Each group of commands stands in a module of its own and is imported when one of its commands is used, so that
`duban --help` is quick.
"""

from __future__ import annotations

from importlib import import_module

import click

from server.cli.words import say

MODULES = {
    "check": "judging",
    "decide": "judging",
    "simulate": "judging",
    "calendar": "calendars",
    "user": "people",
    "directory": "people",
    "serve": "serving",
    "web": "serving",
    "worker": "serving",
    "audit": "auditing",
}
"""Where each command stands: `server.cli.MODULE`, by its name."""


class Commands(click.Group):
    """The commands by name; one is imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = MODULES.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(import_module(f"server.cli.{module}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(say("commands")):
            formatter.write_dl([(name, say(f"help-{name}")) for name in MODULES])


@click.group(cls=Commands, help=say("help-duban"), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="duban", prog_name="duban")
def main() -> None:
    """The command `duban`."""
