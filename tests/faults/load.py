"""What goes on while the server is killed: sources send deliveries, people act, integrators record issues. Everyone
notes what the server has acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from standardwebhooks import Webhook

from tests.faults.machine import SECRET

PATIENCE: Final = 20.0
"""Seconds for which whoever got no answer goes on trying when the load has ended."""

EXPECTED: Final = frozenset({200, 201, 429, 503})
REFUSED: Final = frozenset({403, 409, 422})  # an action that cannot be done any more
ACTIONS: Final = ("accept", "hold", "resume", "report", "solve", "reopen", "edit", "close")


@dataclass
class Ledger:
    """What was sent, and what was acknowledged."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    sent: set[str] = field(default_factory=set)  # external ids, answered or not
    answers: dict[str, list[str]] = field(default_factory=dict)  # of an external id, the numbers that were answered
    resolved: set[str] = field(default_factory=set)  # external ids whose further delivery was acknowledged
    keys: dict[str, list[str]] = field(default_factory=dict)  # of an Idempotency-Key, the numbers that were answered
    tried: set[str] = field(default_factory=set)  # notes of actions, done or not
    acted: dict[str, str] = field(default_factory=dict)  # of a note whose action was acknowledged, the issue
    statuses: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)  # answers that nobody should get

    def numbers(self) -> list[str]:
        """The issues that were acknowledged lately."""
        with self.lock:
            return [numbers[0] for numbers in list(self.answers.values())[-60:]]

    def saw(self, what: str, status: int | None, body: bytes, refusals: frozenset[int] = frozenset()) -> None:
        """Count an answer (None: there was none), and note one that is wrong."""
        with self.lock:
            name = "none" if status is None else str(status)
            self.statuses[name] = self.statuses.get(name, 0) + 1
            if status is not None and status not in EXPECTED | refusals:
                self.wrong.append(f"{what}: {status} {body[:300].decode('utf-8', 'replace')}")


class Caller:
    """One connection to the server, opened again whenever it breaks."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int | None, bytes, Mapping[str, str]]:
        """The status (None: no whole answer came), the body and the headers of an answer."""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
            self._connection.request(method, path, body, dict(headers))
            with self._connection.getresponse() as answer:
                return answer.status, answer.read(), answer.headers
        except (OSError, http.client.HTTPException):
            self.close()
            return None, b"", {}

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Load:
    """Senders and people, each in a thread, until they are told to stop."""

    def __init__(self, port: int, token: str, seed: int, pace: float) -> None:
        self.ledger = Ledger()
        self._port = port
        self._token = token
        self._pace = pace
        self._ended = threading.Event()
        self._given_up_at = float("inf")
        work = [self._send, self._send, self._send, self._act, self._act, self._record]
        self._threads = [
            threading.Thread(target=one, args=(number, random.Random(f"{seed}/{number}")), name=f"load-{number}")
            for number, one in enumerate(work)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin nothing new; return when everyone has an answer, or has given up waiting for one."""
        self._given_up_at = time.monotonic() + PATIENCE
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _pause(self, chance: random.Random) -> None:
        self._ended.wait(chance.uniform(0.5, 1.5) * self._pace)

    def _answered(
        self, caller: Caller, what: str, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> bytes | None:
        """Ask until there is a 2xx, as a good sender does; None when it was given up."""
        while time.monotonic() < self._given_up_at:
            status, answer, _ = caller.request(method, path, body, headers)
            self.ledger.saw(what, status, answer)
            if status in (200, 201):
                return answer
            if status not in (None, 429, 503):
                return None
            time.sleep(0.1)
        return None

    # -- sources -----------------------------------------------------------------------------------------------------

    def _send(self, number: int, chance: random.Random) -> None:
        caller, count, open_ones = Caller(self._port), 0, []
        while not self._ended.is_set():
            count += 1
            ids = [f"{number}-{count}-{index}" for index in range(chance.choice([1, 1, 1, 2, 3]))]
            body = self._firing(ids, chance)
            twin = None
            if chance.random() < 0.3:  # the sender got no answer in time, and sends it again beside the first
                twin = threading.Thread(target=self._deliver_beside, args=(f"d-{ids[0]}", body, ids))
                twin.start()
            self._deliver(caller, f"d-{ids[0]}", body, ids)
            if twin is not None:
                twin.join()
            if chance.random() < 0.2:
                self._deliver(caller, f"d-{ids[0]}", body, ids)
            open_ones += ids
            if len(open_ones) > 6 and chance.random() < 0.5:
                self._resolve(caller, open_ones.pop(chance.randrange(len(open_ones) - 4)), chance)
            self._pause(chance)
        caller.close()

    def _firing(self, ids: list[str], chance: random.Random) -> bytes:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        grade = chance.choice(["high", "low"])
        items = [{"state": "firing", "id": id, "at": at, "subject": f"Alarm {id}", "grade": grade} for id in ids]
        return json.dumps({"items": items}).encode()

    def _deliver(self, caller: Caller, delivery: str, body: bytes, ids: list[str]) -> None:
        with self.ledger.lock:
            self.ledger.sent.update(ids)
        found = self._post(caller, delivery, body)
        if found is None:
            return
        with self.ledger.lock:
            for id, item in zip(ids, found, strict=True):
                if "number" in item:
                    self.ledger.answers.setdefault(id, []).append(item["number"])
                else:
                    self.ledger.wrong.append(f"{id} was kept: {item}")

    def _deliver_beside(self, delivery: str, body: bytes, ids: list[str]) -> None:
        caller = Caller(self._port)
        self._deliver(caller, delivery, body, ids)
        caller.close()

    def _resolve(self, caller: Caller, id: str, chance: random.Random) -> None:
        body = json.dumps({"items": [{"state": "resolved", "id": id, "text": f"r-{id}"}]}).encode()
        for _ in range(chance.choice([1, 1, 2])):
            if self._post(caller, f"r-{id}", body):
                with self.ledger.lock:
                    self.ledger.resolved.add(id)

    def _post(self, caller: Caller, delivery: str, body: bytes) -> list[dict[str, Any]] | None:
        now = datetime.now(UTC)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": delivery,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(delivery, now, body.decode()),
        }
        answer = self._answered(caller, delivery, "POST", "/hooks/alarms", body, headers)
        return None if answer is None else json.loads(answer)["issues"]

    # -- people and integrators --------------------------------------------------------------------------------------

    def _headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **more}

    def _act(self, number: int, chance: random.Random) -> None:
        caller, count = Caller(self._port), 0
        while not self._ended.is_set():
            self._pause(chance)
            known = self.ledger.numbers()
            if not known:
                continue
            count += 1
            issue = chance.choice(known)
            status, body, headers = caller.request("GET", f"/api/v1/issues/{issue}", None, self._headers())
            self.ledger.saw(f"reading {issue}", status, body)
            possible = {one["action"] for one in json.loads(body)["actions"]} if status == 200 else set()
            if own := [action for action in ACTIONS if action in possible]:
                # What moves an issue on is likelier than its end, so that much happens to it.
                action = chance.choice([one for one in own if one != "close" or chance.random() < 0.1] or own)
                etag = {"If-Match": headers["ETag"]} if chance.random() < 0.2 else {}
                self._do(caller, issue, action, f"a{number}-{count}", etag)
        caller.close()

    def _do(self, caller: Caller, issue: str, action: str, note: str, etag: Mapping[str, str]) -> None:
        with self.ledger.lock:
            self.ledger.tried.add(note)
        body = json.dumps({"with": {"note": note}}).encode()
        path = f"/api/v1/issues/{issue}/actions/{action}"
        status, answer, _ = caller.request("POST", path, body, self._headers(**etag))
        self.ledger.saw(f"{action} on {issue}", status, answer, REFUSED)
        if status == 200:
            with self.ledger.lock:
                self.ledger.acted[note] = issue

    def _record(self, number: int, chance: random.Random) -> None:
        caller, count = Caller(self._port), 0
        while not self._ended.is_set():
            count += 1
            key = f"k{number}-{count}"
            issue = {"process": "ticking", "subject": "By hand", "grade": "high", "note": key}
            for _ in range(chance.choice([1, 1, 2])):
                headers = self._headers(**{"Idempotency-Key": key})
                answer = self._answered(caller, key, "POST", "/api/v1/issues", json.dumps(issue).encode(), headers)
                if answer is not None:
                    with self.ledger.lock:
                        self.ledger.keys.setdefault(key, []).append(json.loads(answer)["number"])
            self._pause(chance)
        caller.close()
