"""What is made of the same documents is made once; where anything that it is made of is another, anew."""

from __future__ import annotations

from server.core import library
from server.resources import policy_dir

FILES = [(path.name, path.read_bytes()) for path in sorted(policy_dir().glob("*.yaml"))]
NAME = "complaint-monitoring"


def loaded(*changes: tuple[str, bytes, bytes], dates: dict[str, dict[str, str]] | None = None) -> library.Library:
    """The shipped documents, with such texts in the place of others."""
    files = dict(FILES)
    for file, before, after in changes:
        assert before in files[file]
        files[file] = files[file].replace(before, after)
    found = library.load(files.items(), dates)
    assert found.is_sound, found.findings
    return found


def test_documents_that_stay_as_they_are_are_compiled_once() -> None:
    first, second = loaded(), loaded((f"{NAME}.yaml", b"kind: process", b"kind: process # amended"))
    assert second.processes["contingency"] is first.processes["contingency"]
    assert second.processes[NAME] is not first.processes[NAME]
    assert second.processes[NAME].sha256 != first.processes[NAME].sha256


def test_a_process_goes_by_the_calendar_and_the_channels_that_are_loaded_with_it() -> None:
    first = loaded()
    calendar = first.processes[NAME].calendar.name
    moved = loaded((f"{calendar}.yaml", b"Asia/Shanghai", b"Europe/Berlin"))
    assert moved.processes[NAME].calendar is moved.calendars[calendar]
    assert str(moved.processes[NAME].calendar.zone) == "Europe/Berlin"
    carried = loaded(dates={calendar: {"2026-03-02": "closed"}})
    assert carried.processes[NAME].calendar.dates == {"2026-03-02": "closed"}
    assert first.processes[NAME].calendar.dates != carried.processes[NAME].calendar.dates
    kinds = loaded(("channels.yaml", b"type: sms, url: env:SMS_URL, otherwise: email, max_length: 70", b"type: manual"))
    assert kinds.processes[NAME] is not first.processes[NAME]
