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


def policy_dir() -> Path:
    """The folder of documents that commands and a first start use: `policies` in the working folder when it holds
    documents, else the shipped ones (contract, "default `policies/`")."""
    own = Path("policies")
    if own.is_dir() and any(path.suffix in (".yaml", ".yml") for path in own.iterdir()):
        return own
    return data_dir("policies")
