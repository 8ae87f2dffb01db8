"""What the YAML parser complains of, as findings: its words are for programmers, and in one language only."""

from typing import Final

import yaml

from server.core.findings import Finding, Path

MAX_LEVELS: Final = 32  # of maps and lists within one another

# Words of libyaml and of PyYAML's own parser -> code. The first that is part of the complaint counts.
_CODES: Final = (
    ("directive", "yaml-directive"),
    ("incompatible YAML document", "yaml-directive"),
    ("mapping values are not allowed", "yaml-colon"),
    ("could not find expected ':'", "yaml-key-without-colon"),
    ("found unexpected ':'", "yaml-key-without-colon"),
    ("unknown escape character", "yaml-escape"),
    ("invalid Unicode character escape", "yaml-escape"),
    ("did not find expected hexdecimal number", "yaml-escape"),
    ("expected escape sequence of", "yaml-escape"),
    ("while scanning a quoted scalar", "yaml-quote-open"),
    ("tab character", "yaml-tab"),
    ("',' or", "yaml-bracket"),
    ("flow mapping", "yaml-bracket"),
    ("flow sequence", "yaml-bracket"),
    ("expected node content", "yaml-bracket"),
    ("block mapping", "yaml-indentation"),
    ("block collection", "yaml-indentation"),
    ("block sequence", "yaml-indentation"),
    ("sequence entries are not allowed", "yaml-indentation"),
    ("mapping keys are not allowed", "yaml-indentation"),
    ("block scalar", "yaml-block-text"),
    ("indentation", "yaml-indentation"),
    ("document start", "yaml-indentation"),
)


def syntax_finding(error: yaml.YAMLError, text: str, path: Path, file: str) -> Finding:
    """The finding for a text that the parser could not read on."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return Finding("bad-yaml", path, {"problem": str(error)}, "error", file)
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = f"{error.context or ''} {error.problem or ''}".strip()
    before, character = _around(text, line, column)
    if "maximum nesting depth" in said:
        return Finding("too-deep", path, {"limit": MAX_LEVELS}, "error", file, line, column)
    code = next((code for words, code in _CODES if words in said), "bad-yaml")
    if "cannot start any token" in said:
        code = "yaml-tab" if character == "\t" else "yaml-character"
    elif code == "yaml-indentation" and before.strip(" -"):
        code = "yaml-after-value"
    params: dict[str, str | int] = {"problem": said, "character": character}
    if error.context_mark is not None and error.context_mark.line + 1 < line:
        params["begun"] = error.context_mark.line + 1
    return Finding(code, path, params, "error", file, line, column)


def _around(text: str, line: int, column: int) -> tuple[str, str]:
    """What stands before the place on its line, and the character at it."""
    lines = text.split("\n")
    here = lines[line - 1] if line <= len(lines) else ""
    return here[: column - 1], here[column - 1 : column]
