"""A file of evidence can be checked by a stranger with nothing but Python and the public key; whatever is changed in it
is named."""

from __future__ import annotations

import ast
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server import acting, audit, drafts, erasing, intake, policies
from server.evidence import bundle
from server.evidence.bundle import verify
from server.evidence.verifying import verify as verify_trail
from server.sealing import Signer
from server.sealing import checkpoints as signing
from server.store import database
from server.store.database import Store
from server.store.models import Approval, AuditEntry, Draft, Issue, Message, Version
from tests.evidence.cared import FLOW, HOUR, PHONE, SIGNER, flow_in_force, lived, sealed
from tests.server.conftest import MONDAY, open_for_business

__all__ = ["open_for_business"]

KEY = SIGNER.verifier.show()
LATER = MONDAY + 3 * HOUR


def exported(number: str, now: int = LATER, **more: Any) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle.export(number, now, SIGNER, **more))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def codes(files: dict[str, bytes], *keys: str) -> set[str]:
    return {one.code for one in verify.check(files, keys or (KEY,)).findings}


def lines(files: dict[str, bytes], name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files[name].decode().splitlines()]


def put(files: dict[str, bytes], name: str, values: list[dict[str, Any]]) -> None:
    files[name] = "".join(f"{verify.canonical(value)}\n" for value in values).encode()


def vouched(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with a manifest that fits them: whoever forges one thing forges that, too."""
    manifest = json.loads(files["manifest.json"])
    manifest["files"] = {name: verify.sha256(data) for name, data in files.items() if name != "manifest.json"}
    return {**files, "manifest.json": f"{verify.canonical(manifest)}\n".encode()}


@pytest.fixture
def number(open_for_business: Store) -> str:
    """An issue with a history, among others, over several blocks and checkpoints."""
    flow_in_force()
    intake.receive("flow", {"subject": "another"}, MONDAY, "gong")
    sealed(MONDAY + 1)
    found = lived()
    sealed(MONDAY + 2 * HOUR + 1)
    intake.receive("flow", {"subject": "a third"}, MONDAY + 2 * HOUR + 2, "gong")
    return found


def test_what_was_exported_is_sound_and_says_all_that_happened(number: str) -> None:
    files = exported(number)
    report = verify.check(files, [KEY])
    assert (report.findings, report.notes, report.issue) == ([], [], number)
    kinds = [event["kind"] for event in lines(files, "events.jsonl")]
    assert kinds == ["received", "action", "action", "time", "action"]
    assert report.counts["events"] == 5
    assert {one["name"] for one in lines(files, "versions.jsonl")} == {"flow", "cn-office", "default"}
    (process,) = [one for one in lines(files, "versions.jsonl") if one["kind"] == "process"]
    assert files[process["file"]] == FLOW.encode()
    (calendar,) = [one for one in lines(files, "versions.jsonl") if one["kind"] == "calendar"]
    assert (
        calendar["dates"] == Version.get_by_id(Issue.get(Issue.number == number).pins["calendars"]["cn-office"]).dates
    )
    told = [(one["notice"], one["to"], one["channel"]) for one in lines(files, "deliveries.jsonl")]
    assert ("notice.told", "lead", "email") in told
    assert ("notice.late", "lead", "email") in told
    trail = [json.loads(one["text"])["kind"] for one in lines(files, "trail.jsonl")]
    assert trail[-1] == "evidence.exported"
    own = [kind for kind in trail if kind not in verify.STEPS]
    assert len(own) == len([1 for row in AuditEntry.select() if row.issue_id == _id(number)])
    assert set(trail) & set(verify.STEPS) == {"policy.stored", "policy.activated"}
    assert verify_trail([SIGNER.verifier], []).is_sound, "an export leaves the trail sound"


def _id(number: str) -> int:
    return int(Issue.get(Issue.number == number).id)


def test_private_fields_stand_as_digests_unless_asked_for(number: str) -> None:
    files = exported(number)
    assert all(PHONE.encode() not in data and b"13987654321" not in data for data in files.values())
    assert "private.jsonl" not in files
    files = exported(number, private=True, by="admin")
    assert codes(files) == set()
    values = [one["value"] for one in lines(files, "private.jsonl") if one["field"] == "phone"]
    assert values == [PHONE, "13987654321"]
    forged = lines(files, "private.jsonl")
    forged[0]["value"] = "13900000000"
    put(files, "private.jsonl", forged)
    assert "private-differs" in codes(vouched(files))


def test_an_erased_issue_is_still_sound(number: str) -> None:
    erasing.erase(_id(number), LATER)
    files = exported(number, LATER + 1)
    report = verify.check(files, [KEY])
    assert report.findings == []
    assert [note.code for note in report.notes] == ["erased"]


def test_who_exports_is_in_the_trail_and_in_the_file(number: str) -> None:
    files = exported(number, by="admin")
    last = json.loads(lines(files, "trail.jsonl")[-1]["text"])
    assert (last["by"], last["body"]["number"], last["body"]["private"]) == ("admin", number, False)
    again = exported(number, LATER + 1)
    assert codes(again) == set()
    assert [json.loads(one["text"])["kind"] for one in lines(again, "trail.jsonl")].count("evidence.exported") == 2


def test_the_script_needs_nothing_but_python_in_an_empty_folder(number: str, tmp_path: Path) -> None:
    (tmp_path / "e.zip").write_bytes(bundle.export(number, LATER, SIGNER))
    alone = tmp_path / "alone"
    alone.mkdir()
    with zipfile.ZipFile(tmp_path / "e.zip") as archive:
        (alone / "verify.py").write_bytes(archive.read("verify.py"))
        archive.extractall(tmp_path / "unpacked")

    def run(*words: str, cwd: Path = alone) -> subprocess.CompletedProcess[str]:
        python = [sys.executable, "-I", "-S", "verify.py", *words]
        return subprocess.run(python, cwd=cwd, env={"LANG": "en"}, capture_output=True, text=True, check=False)

    done = run("../e.zip", "--key", KEY)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert f"Sound: issue {number}, 5 events" in done.stderr
    done = run(cwd=tmp_path / "unpacked")
    assert done.returncode == 0
    assert KEY in done.stderr, "without --key it says which key it went by"
    (tmp_path / "unpacked" / "deliveries.jsonl").write_text("")
    done = run("--json", cwd=tmp_path / "unpacked")
    assert done.returncode == 1
    assert json.loads(done.stdout)["first"]["message"] == "deliveries.jsonl was changed"
    (alone / "no.zip").write_bytes(b"PK\x03\x04 no zip")
    for words in (["no.zip"], ["nowhere.zip"], ["../e.zip", "--key", "x"], ["--wrong"], []):
        assert run(*words).returncode == 2, words


def test_the_script_is_python_3_9() -> None:
    source = Path(verify.__file__).read_text("utf-8")
    ast.parse(source, feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }
    assert imported <= sys.stdlib_module_names
    older = shutil.which("python3.9")
    if older is not None:
        subprocess.run([older, "-I", "-S", verify.__file__, "/nowhere"], capture_output=True, check=False)


def test_the_signatures_are_those_of_ed25519() -> None:
    # RFC 8032, section 7.1, test 2
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verify.is_signed(public, b"\x72", signature)
    for n in range(4):
        key = Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)
        public, signature = key.public_key().public_bytes_raw(), key.sign(b"text")
        assert verify.is_signed(public, b"text", signature)
        assert not verify.is_signed(public, b"texT", signature)
        for at in (0, 31, 32, 63):
            other = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
            assert not verify.is_signed(public, b"text", other)
        # A second form of the same signature is none: S must be below the order of the group.
        scalar = int.from_bytes(signature[32:], "little") + 2**252 + 27742317777372353535851937790883648493
        assert not verify.is_signed(public, b"text", signature[:32] + scalar.to_bytes(32, "little"))
        assert not verify.is_signed(public[:31], b"text", signature)
        assert not verify.is_signed(b"\xff" * 32, b"text", signature)


# -- tampering -----------------------------------------------------------------------------------------------------


def test_a_change_to_any_file_is_found_and_names_it(number: str) -> None:
    files = exported(number, private=True, by="admin")
    for name, data in files.items():
        at = len(data) // 2
        for forged in (data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], data + b" ", data[:-1]):
            try:
                found = verify.check({**files, name: forged}, [KEY])
            except verify.Unreadable:
                assert name == "manifest.json", f"{name} makes it unreadable"
                continue
            if name == "manifest.json":
                assert found.findings
                continue
            assert ("file-changed", name) in [(one.code, one.params.get("file")) for one in found.findings], name
            assert all(verify.text(one, language) for one in found.findings for language in ("zh", "en"))
            assert codes(vouched({**files, name: forged})), f"{name}, with a manifest that fits"


def test_a_file_that_is_missing_or_added_is_named(number: str) -> None:
    files = exported(number)
    for name in set(files) - {"manifest.json"}:
        rest = {one: data for one, data in files.items() if one != name}
        found = verify.check(rest, [KEY]).findings
        assert ("file-missing", {"file": name}) in found
        if name != "key.txt":
            assert codes(vouched(rest)), name
    assert codes({**files, "more.txt": b""}) == {"file-added"}
    assert codes(vouched({**files, "more.txt": b""})) == {"file-added"}


def own(trail: list[dict[str, Any]]) -> int:
    """Where the issue's own entries begin, after those about the versions that judged it."""
    return next(n for n, one in enumerate(trail) if json.loads(one["text"])["kind"].startswith("issue."))


def entry_removed(files: dict[str, bytes]) -> None:
    trail = lines(files, "trail.jsonl")
    second = own(trail) + 1
    put(files, "trail.jsonl", trail[:second] + trail[second + 1 :])


def last_event_removed(files: dict[str, bytes]) -> None:
    """With everything that tells of it."""
    trail = lines(files, "trail.jsonl")
    last = max(n for n, one in enumerate(trail) if json.loads(one["text"])["kind"].startswith("issue."))
    put(files, "trail.jsonl", trail[:last] + trail[last + 1 :])
    put(files, "events.jsonl", lines(files, "events.jsonl")[:-1])


def export_removed(files: dict[str, bytes]) -> None:
    put(files, "trail.jsonl", lines(files, "trail.jsonl")[:-1])


def entry_of_another_added(files: dict[str, bytes]) -> None:
    other = next(row for row in AuditEntry.select() if row.kind == "issue.received")
    with database.snapshot():
        content = bundle.making._Content(0, "", entries={other.id: other.body})
        proved = bundle.making._proofs(content, SIGNER)
    trail = [*lines(proved, "trail.jsonl"), *lines(files, "trail.jsonl")]
    put(files, "trail.jsonl", trail)
    chain = {one["number"]: one for one in [*lines(proved, "blocks.jsonl"), *lines(files, "blocks.jsonl")]}
    put(files, "blocks.jsonl", [chain[no] for no in sorted(chain)])
    files["checkpoints.txt"] = proved["checkpoints.txt"] + files["checkpoints.txt"]


def text_changed(files: dict[str, bytes]) -> None:
    trail = lines(files, "trail.jsonl")
    told = next(one for one in trail if '"li"' in one["text"])
    told["text"] = told["text"].replace('"li"', '"wu"')
    put(files, "trail.jsonl", trail)


def proofs_swapped(files: dict[str, bytes]) -> None:
    trail = lines(files, "trail.jsonl")
    first = own(trail)
    trail[first]["path"], trail[first + 1]["path"] = trail[first + 1]["path"], trail[first]["path"]
    put(files, "trail.jsonl", trail)


def texts_swapped(files: dict[str, bytes]) -> None:
    trail = lines(files, "trail.jsonl")
    first = own(trail)
    trail[first]["text"], trail[first + 1]["text"] = trail[first + 1]["text"], trail[first]["text"]
    put(files, "trail.jsonl", trail)


def id_changed(files: dict[str, bytes]) -> None:
    trail = lines(files, "trail.jsonl")
    first = own(trail)
    trail[first]["id"] += 1000
    put(files, "trail.jsonl", trail)


def root_changed(files: dict[str, bytes]) -> None:
    chain = lines(files, "blocks.jsonl")
    chain[0]["root"] = "00" * 32
    put(files, "blocks.jsonl", chain)


def block_replaced(files: dict[str, bytes]) -> None:
    """By one whose hash fits, so that only the chain shows it."""
    chain = lines(files, "blocks.jsonl")
    chain[0]["at"] += 1
    chain[0]["hash"] = verify._hash_of(verify._block(chain[0])).hex()
    put(files, "blocks.jsonl", chain)


def last_block_removed(files: dict[str, bytes]) -> None:
    put(files, "blocks.jsonl", lines(files, "blocks.jsonl")[:-1])


def version_replaced(files: dict[str, bytes]) -> None:
    """With its hash in the list, and the list's everywhere but in the trail."""
    versions = lines(files, "versions.jsonl")
    (process,) = [one for one in versions if one["kind"] == "process"]
    files[process["file"]] = files[process["file"]].replace(b"1h", b"9h")
    process["sha256"] = verify.sha256(files[process["file"]])
    put(files, "versions.jsonl", versions)


def holidays_changed(files: dict[str, bytes]) -> None:
    versions = lines(files, "versions.jsonl")
    (calendar,) = [one for one in versions if one["kind"] == "calendar"]
    calendar["dates"] = {**(calendar["dates"] or {}), "2026-03-02": "closed"}
    put(files, "versions.jsonl", versions)


def delivery_changed(files: dict[str, bytes]) -> None:
    told = lines(files, "deliveries.jsonl")
    told[0]["state"] = "sent"
    put(files, "deliveries.jsonl", told)


def event_changed(files: dict[str, bytes]) -> None:
    events = lines(files, "events.jsonl")
    events[-1]["by"] = "wu"
    put(files, "events.jsonl", events)


def checkpoint_of_another(files: dict[str, bytes]) -> None:
    """A chain that is signed by a key of the forger's own, which lies in the file."""
    stranger = Signer(b"x" * 32)
    stated = list(signing.read(files["checkpoints.txt"].decode()))
    notes = []
    for one in stated:
        text = one.text.rpartition("\n\n")[0] + "\n"
        notes.append(stranger.note(text.replace(SIGNER.verifier.name, stranger.verifier.name)))
    files["checkpoints.txt"] = "".join(notes).encode()
    files["key.txt"] = f"{stranger.verifier.show()}\n".encode()


def checkpoint_changed(files: dict[str, bytes]) -> None:
    size, rest = files["checkpoints.txt"].decode().split("\n", 2)[1:]
    files["checkpoints.txt"] = "\n".join([SIGNER.verifier.name, str(int(size) + 1), rest]).encode()


MATRIX: list[tuple[Callable[[dict[str, bytes]], None], set[str]]] = [
    (entry_removed, {"entry-missing", "event-missing", "event-changed"}),
    (last_event_removed, {"entry-missing", "file-changed"}),
    (export_removed, {"export-missing"}),
    (entry_of_another_added, {"entry-added", "event-missing", "event-changed"}),
    (text_changed, {"entry-changed"}),
    (proofs_swapped, {"entry-changed"}),
    (texts_swapped, {"entry-changed"}),
    (id_changed, {"entry-changed", "entry-missing"}),
    (root_changed, {"block-changed", "entry-changed"}),
    (block_replaced, {"chain-broken", "entry-changed"}),
    (last_block_removed, {"entry-changed"}),
    (version_replaced, {"version-missing", "version-added", "file-changed"}),
    (holidays_changed, {"version-missing", "version-added", "file-changed"}),
    (delivery_changed, {"file-changed"}),
    (event_changed, {"event-changed", "file-changed"}),
    (checkpoint_of_another, {"checkpoint-forged", "chain-broken", "key-differs"}),
    (checkpoint_changed, {"checkpoint-forged"}),
]


def test_each_forgery_is_found_though_its_manifest_fits(number: str) -> None:
    sound = exported(number)
    for forge, expected in MATRIX:
        files = dict(sound)
        forge(files)
        assert files != sound, forge.__name__
        found = codes(vouched(files))
        assert expected <= found, (forge.__name__, found)


def test_a_forger_with_a_key_of_his_own_is_found_by_the_key_that_one_was_given(number: str) -> None:
    files = exported(number)
    checkpoint_of_another(files)
    report = verify.check(vouched(files))
    assert report.sound, "nothing in the file itself contradicts it"
    assert [note.code for note in report.notes] == ["own-key"]
    assert not verify.check(vouched(files), [KEY]).sound


def test_what_somebody_changed_in_the_database_is_found_in_the_file(number: str) -> None:
    sent = Message.select().where(Message.notice == "notice.told", Message.issue == _id(number)).get()
    with database.transaction():
        Message.update(state="unsent").where(Message.id == sent.id).execute()
        audit.record("message.unsent", LATER, {"message": sent.key}, issue=_id(number))
    assert codes(exported(number)) == set()
    with database.transaction():
        Message.update(state="sent").where(Message.id == sent.id).execute()
    assert codes(exported(number)) == {"delivery-differs"}
    entry = AuditEntry.select().where(AuditEntry.kind == "issue.action").order_by(AuditEntry.id).get()
    with database.transaction():
        AuditEntry.update(body=entry.body.replace('"li"', '"wu"')).where(AuditEntry.id == entry.id).execute()
    assert {"delivery-differs", "entry-changed", "event-missing"} <= codes(exported(number))
    with database.transaction():
        Message.delete().where(Message.id == sent.id).execute()
        AuditEntry.delete().where(AuditEntry.id == entry.id).execute()
    assert {"delivery-missing", "event-missing"} <= codes(exported(number))


def test_what_cannot_be_read_is_said_to_be_unreadable(tmp_path: Path, number: str) -> None:
    files = exported(number)
    for forged in (b"", b"[]", b"{", b"\xff", b'{"format":"other/2"}', b"[" * 100_000):
        with pytest.raises(verify.Unreadable):
            verify.check({**files, "manifest.json": forged}, [KEY])
    for name in ("trail.jsonl", "blocks.jsonl", "versions.jsonl", "deliveries.jsonl"):
        for forged in (b"{}\n", b"[]\n", b"\xff\n", b"\n", b'{"id":-1}\n', b"[" * 100_000, b'{"id":1e999}\n'):
            assert codes(vouched({**files, name: forged})), (name, forged[:20])
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("manifest.json", b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("manifest.json", b"{}")
    with pytest.raises(verify.Unreadable):
        verify.read(str(tmp_path / "twice.zip"))


def test_what_is_not_there_or_cannot_be_signed_is_said(number: str) -> None:
    before = AuditEntry.select().count()
    with pytest.raises(bundle.UnknownIssue):
        bundle.export("nothing", LATER, SIGNER)
    with pytest.raises(bundle.NoKey):
        bundle.export(number, LATER, None)
    assert AuditEntry.select().count() == before


def test_after_a_change_of_the_key_older_entries_are_proved_by_the_new_one(number: str) -> None:
    new = Signer(b"n" * 32)
    with zipfile.ZipFile(io.BytesIO(bundle.export(number, LATER, new))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert codes(files, new.verifier.show()) == set()
    assert codes(files, KEY)


def test_a_newer_version_in_force_does_not_change_what_judged_the_issue(number: str) -> None:
    flow_in_force(FLOW.replace("A: 1h", "A: 30m"), LATER)
    files = exported(number, LATER + 1)
    (process,) = [one for one in lines(files, "versions.jsonl") if one["kind"] == "process"]
    assert files[process["file"]] == FLOW.encode()
    newer = intake.receive("flow", {"subject": "newer"}, LATER + 2, "gong").number
    acting.act(newer, "wait", "li", {}, LATER + 3)
    files = exported(newer, LATER + 4)
    (process,) = [one for one in lines(files, "versions.jsonl") if one["kind"] == "process"]
    assert b"30m" in files[process["file"]]
    assert codes(files) == set()
    assert policies.in_force().processes["flow"].process.sha256 == process["sha256"]


def test_who_approved_what_judged_the_issue_is_in_the_file_and_proved(open_for_business: Store) -> None:
    flow_in_force()
    first = intake.receive("flow", {"subject": "under the first version"}, MONDAY, "gong").number
    changed = bytes(Version.get(Version.name == "flow").data) + b"\n# another\n"
    draft = drafts.begin("flow", changed, drafts.caller("fu"), MONDAY + 1, "why it was changed")
    places = [drafts.place(one) for one in drafts.check(draft, MONDAY + 1)]
    drafts.submit(draft.id, drafts.caller("fu"), MONDAY + 1, "why it was changed", places)
    drafts.approve(draft.id, drafts.caller("han"), draft.sha256, MONDAY + 2, "clear")
    number = intake.receive("flow", {"subject": "under the second"}, MONDAY + 3, "gong").number
    sealed(MONDAY + 4)
    files = exported(number)
    report = verify.check(files, [KEY])
    assert (report.findings, report.counts["approvals"]) == ([], 1)
    steps = {one["kind"]: one for one in lines(files, "approvals.jsonl") if one["name"] == "flow"}
    assert (steps["draft.submitted"]["by"], steps["draft.submitted"]["reason"]) == ("fu", "why it was changed")
    assert (steps["draft.approved"]["by"], steps["draft.approved"]["remark"]) == ("han", "clear")
    assert {"policy.stored", "policy.activated"} <= steps.keys()
    assert verify.check(exported(first), [KEY]).counts["approvals"] == 0

    told = lines(files, "approvals.jsonl")
    put(files, "approvals.jsonl", [{**one, "by": "tao"} if one["kind"] == "draft.approved" else one for one in told])
    assert "file-changed" in codes(vouched(files))
    trail = [one for one in lines(files, "trail.jsonl") if '"draft.approved"' not in one["text"]]
    put(files, "trail.jsonl", trail)
    assert "entry-missing" in codes(vouched(files))


@pytest.mark.parametrize("approver", ["nobody", "author"])
def test_a_proposed_version_that_nobody_else_approved_is_found(open_for_business: Store, approver: str) -> None:
    flow_in_force()
    text = bytes(Version.get(Version.name == "flow").data) + b"\n# slipped in\n"
    draft = drafts.begin("flow", text, drafts.caller("fu"), MONDAY + 1, "why")
    places = [drafts.place(one) for one in drafts.check(draft, MONDAY + 1)]
    drafts.submit(draft.id, drafts.caller("fu"), MONDAY + 1, "why", places)
    with open_for_business.transaction():  # as somebody does who has the database, and not the program
        Approval.create(draft=draft.id, sha256=draft.sha256, approver="han", at=MONDAY + 2, remark="")
        if approver == "author":
            audit.record("draft.approved", MONDAY + 2, {"name": "flow", "sha256": draft.sha256, "of": 1}, by="fu")
        new = policies.add_version(text, MONDAY + 2, origin=Version.PROPOSED, author="fu", approver="han")
        Draft.update(version=new, seq=Draft.seq + 1).where(Draft.id == draft.id).execute()
        policies.activate(new, MONDAY + 2, "fu")
    number = intake.receive("flow", {"subject": "under the second"}, MONDAY + 3, "gong").number
    sealed(MONDAY + 4)
    report = verify.check(exported(number), [KEY])
    assert [(one.code, one.params["name"], one.params["needed"], one.params["given"]) for one in report.findings] == [
        ("version-unapproved", "flow", 1, 0)
    ]
