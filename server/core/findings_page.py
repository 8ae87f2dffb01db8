"""The page docs/findings.md, made from the catalogue: `python -m server.core.findings_page > docs/findings.md`."""

import sys

from server.core.findings import WORDS, catalogue

_HEAD = """\
# Findings 检查结果

What `duban check` and the panel say about documents. A line is `FILE:LINE:COL: error|warning CODE message`; lines and
columns count from 1, and so do the places in a list: `classify.severity[2]` is the second rule. Words in braces are
filled in; what stands in double square brackets is left out where nothing is known to fill it.

Made from `schemas/findings.yaml` by `python -m server.core.findings_page`.
"""


def page() -> str:
    """The whole page, in the order of the catalogue."""
    parts = [_HEAD]
    for code, entry in catalogue().items():
        if code == WORDS:
            continue
        explain = entry["explain"]
        parts.append(f"## {code}\n\n`{entry['en']}`\n\n{explain['en']}\n\n`{entry['zh']}`\n\n{explain['zh']}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
