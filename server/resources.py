"""Where the shipped documents lie: beside the packages in a checkout, inside `server` in an installed wheel."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

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


@cache
def texts_of(name: str) -> Mapping[str, Any]:
    """The texts of `schemas/NAME.yaml`. Read once: nobody changes them."""
    text = (data_dir("schemas") / f"{name}.yaml").read_text(encoding="utf-8")
    # The loader in C, if it was built, is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read: Mapping[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 (a safe loader)
    return read


def policy_dir() -> Path:
    """The folder of documents that commands and a first start use: `policies` in the working folder when it holds
    documents, else the shipped ones (contract, "default `policies/`")."""
    own = Path("policies")
    if own.is_dir() and any(path.suffix in (".yaml", ".yml") for path in own.iterdir()):
        return own
    return data_dir("policies")
