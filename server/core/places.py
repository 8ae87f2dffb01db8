"""Places in a document in the words of its schema: `模板 › idle`, where commands write `templates.idle`."""

from __future__ import annotations

from server.core.findings import Path, dotted
from server.core.schema_nodes import root_of
from server.core.vocabulary import catalogue, in_language


def place_text(kind: str, path: Path, language: str) -> str:
    """The place, step by step, each key by its title, what the owner named by its id, and an item by its number."""
    if not path:
        return dotted(path, language)
    node, steps = root_of(kind), []
    for step in path:
        if isinstance(step, int):
            node = node.items_for([]) or node
            steps.append(in_language(catalogue()["places"]["nth"], language).format(n=step + 1))
        else:
            named = not node.is_of_map(step)
            node = node.child(step)
            steps.append((node.title(language) if named else "") or step)
    return in_language(catalogue()["places"]["between"], language).join(steps)
