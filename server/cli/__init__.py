"""The command `duban` (contract, "Command line").

Each group of commands stands in a module of its own and is imported when one of its commands is used, so that
`duban --help` is quick.
"""

from __future__ import annotations

import errno
import io
import sys
from importlib import import_module
from typing import Any

import click

from server.cli.words import fail, say

MODULES = {
    "check": "judging",
    "decide": "judging",
    "simulate": "judging",
    "drill": "drills",
    "backtest": "backtesting",
    "what-if": "forecasting",
    "calendar": "calendars",
    "policy": "policies",
    "migration": "migrations",
    "user": "people",
    "directory": "people",
    "clock": "clocks",
    "serve": "serving",
    "web": "serving",
    "worker": "serving",
    "audit": "evidence",
    "export": "exporting",
    "backup": "backing_up",
    "restore": "backing_up",
    "outgoing": "outgoing",
}
"""Where each command stands: `server.cli.MODULE`, by its name."""


class Commands(click.Group):
    """The commands by name; one is imported when it is used."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Runs the command that was asked for. A folder or file that cannot be used, and output that nobody can take,
        end it with 2 and a line."""
        for stream in (sys.stdout, sys.stderr):
            # A file's name need not be UTF-8, and a terminal need not know every letter.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().main(*args, **options)
        except OSError as error:
            if error.filename is not None:
                fail("cannot-use", file=error.filename, why=error.strerror or str(error))
            if error.errno in (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT):
                fail("cannot-write", file="-", why=error.strerror or str(error))
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = MODULES.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(import_module(f"server.cli.{module}"), cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(say("commands")):
            formatter.write_dl([(name, say(f"help-{name}")) for name in MODULES])


@click.group(cls=Commands, help=say("help-duban"), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="duban", prog_name="duban")
def main() -> None:
    """The command `duban`."""
