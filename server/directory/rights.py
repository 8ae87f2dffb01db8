"""Nobody gives, or takes away, more rights than he has himself."""

from __future__ import annotations

from collections.abc import Iterator

from server.core.findings import Finding
from server.directory.content import Content
from server.directory.reading import DirectoryFile

_EVERYTHING = "system"


def beyond_rights(file: DirectoryFile, before: Content, target: Content, by: str | None) -> Iterator[Finding]:
    """What goes beyond the rights of `by`: roles given or widened, and people disabled who may do more than he."""
    if by is None:
        return
    own = _permissions(before, by)
    if _EVERYTHING in own:
        return
    for name, role in target["roles"].items():
        was = before["roles"].get(name, {})
        if more := set(role.get("permissions", ())) - set(was.get("permissions", ())) - own:
            yield _found(file, "beyond-own-rights", "roles", name, "permissions", more, role=name)
    for login, person in target["people"].items():
        was = before["people"].get(login, {})
        for role in sorted(set(person.get("roles", ())) - set(was.get("roles", ()))):
            if more := set(target["roles"].get(role, {}).get("permissions", ())) - own:
                yield _found(file, "beyond-own-rights", "people", login, "roles", more, role=role)
    for login in before["people"]:
        held = _permissions(before, login)
        if held - own and held - _permissions(target, login):
            yield _found(file, "above-oneself", "people", login, "roles", held - own, login=login)


def _permissions(content: Content, login: str) -> set[str]:
    person = content["people"].get(login, {})
    if person.get("disabled"):
        return set()
    roles = content["roles"]
    return {one for role in person.get("roles", ()) for one in roles.get(role, {}).get("permissions", ())}


def _found(
    file: DirectoryFile, code: str, section: str, id_: str, key: str, permissions: set[str], **params: str
) -> Finding:
    said: dict[str, str | int] = {**params, "permissions": ", ".join(sorted(permissions))}
    place = file.places.get((section, id_))
    return file.document.placed(Finding(code, (section,) if place is None else (*place, key), said))
