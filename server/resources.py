"""Where the shipped documents lie: beside the packages in a checkout, inside `server` in an installed wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["policies", "schemas", "seeds"]


def data_dir(kind: Kind) -> Path:
    """Give the folder of the shipped `policies`, `schemas` or `seeds`.

    Raises FileNotFoundError when neither place has it: the installation is broken.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_data" / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no folder {kind!r} came with this installation of duban (looked beside {package})")
