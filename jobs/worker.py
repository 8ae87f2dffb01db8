"""The worker process: it sweeps what is due, delivers messages, and sleeps until there is more to do.

Loops, each in a thread: one sweeper at a time holds the lease, one process makes reports and does what else takes long,
one seals the audit trail, one verifies it, back-tests have a process of their own, all workers deliver. A wake-up from
the queue shortens their sleep; without one they look again after a second at the latest (architecture, 3 and 4).
"""

from __future__ import annotations

import logging
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from huey.api import Huey
from huey.exceptions import HueyException
from redis.exceptions import RedisError

from jobs.backtests import Backtesting
from jobs.queue import open_queue
from jobs.tasks import register
from server import backup, clock, delivery, metrics, migration, nudging, working
from server.core.moments import Moment
from server.evidence import standing
from server.schedules import Scheduler
from server.sealing import Anchoring, Sealer, Signer
from server.settings import Settings
from server.store import database
from server.store.failures import Unavailable
from server.sweep import Sweeper

log = logging.getLogger("duban.worker")

LOOK = 1.0
"""Seconds after which a loop looks again by itself."""

SWITCH = 0.0005
"""Seconds for which a loop may compute while others want to, too: each statement of the sweep waits for that."""

LISTEN = 0.1
"""Seconds between two looks at a queue that cannot wait (SQLite)."""


def now() -> Moment:
    """What time it is, for the loops of this process. Raises Unavailable."""
    return clock.now()


class Loop:
    """Calls `work` again and again until stopped. `work` does what there is and gives the seconds to the next."""

    def __init__(self, name: str, work: Callable[[], float]) -> None:
        self._work = work
        self._awake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        """Begins, in a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """Looks at once."""
        self._awake.set()

    @property
    def is_ending(self) -> bool:
        """Whether it was told to end."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Finishes what is under way and ends."""
        self._stopped.set()
        self._awake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._awake.clear()
            try:
                pause = self._work()
            except Unavailable as error:
                log.warning("%s: the database cannot be used now: %s", self._thread.name, error)
                pause = LOOK
            except Exception:
                log.exception("%s failed; it goes on in a second", self._thread.name)
                pause = LOOK
            self._awake.wait(min(max(pause, 0.0), LOOK))


class Sweeping:
    """The sweeper's work: what is due by the clock, on issues and by schedules."""

    def __init__(self) -> None:
        self._sweeper: Sweeper | None = None

    def work(self) -> float:
        """Does what is due; gives the seconds until more is."""
        known = clock.current()
        if self._sweeper is None:
            self._sweeper = Sweeper(guard=known.guard)
        reading = known.read()
        following = self._sweeper.work(reading.wall, reading.steady)
        return LOOK if following is None else (following - now()) / 1000

    def end(self) -> None:
        """Lets another worker sweep at once."""
        if self._sweeper is not None:
            self._sweeper.end()


class Scheduling:
    """What comes round and takes long: reports, samples, erasing; and migrations that were approved."""

    def __init__(self) -> None:
        self._scheduler = Scheduler()

    def work(self) -> float:
        """Does what is due; gives the seconds until more is."""
        following = self._scheduler.work(now())
        if migration.run(now()):
            return 0
        return LOOK if following is None else (following - now()) / 1000

    def end(self) -> None:
        """Lets another worker do it at once."""
        self._scheduler.end()


class Delivering:
    """The deliverer's work: messages that are due."""

    def __init__(self, settings: Settings, alone: bool) -> None:
        self._settings = settings
        self._alone = alone
        self._recovered = False
        self._was_away = False

    def work(self) -> float:
        """Sends what is due; gives the seconds until more is. Raises Unavailable."""
        try:
            return self._work()
        except Unavailable:
            self._was_away = True
            raise

    def _work(self) -> float:
        if self._was_away:
            # Somebody may have put back an older copy meanwhile, by PostgreSQL's own means, without starting us anew.
            if backup.notice(self._settings, now()) is not None:
                log.warning("the store is older than what its anchors have seen of it: messages are held back")
            self._was_away = False
        if not self._recovered:
            with database.session():
                if count := delivery.recover(now(), alone=self._alone):
                    log.info("%s messages of a worker that died are due again", count)
            self._recovered = True
        delivery.deliver(now())
        with database.session():
            following = delivery.next_moment(now())
        return LOOK if following is None else (following - now()) / 1000

    def end(self) -> None:
        """Settles what is under way."""
        delivery.close(now())


class Sealing:
    """The sealer's work: new entries of the audit trail go into its chain."""

    def __init__(self, settings: Settings) -> None:
        self._seed = settings.signing_key
        self._sealer = Sealer()
        self._signer: Signer | None = None

    def work(self) -> float:
        """Seals what there is; gives the seconds until it looks again."""
        if self._signer is None and self._seed is not None:
            self._signer = Signer(self._seed)
        begun = time.monotonic()
        if self._sealer.work(now(), self._signer):
            return 0
        # Counted from the look before: what is written meanwhile is sealed within the second.
        return max(LOOK - (time.monotonic() - begun), 0)

    def end(self) -> None:
        """Seals what the others have left, and lets another worker seal at once."""
        while self._sealer.work(now(), self._signer):
            pass
        self._sealer.end()


class Listening:
    """The listener's work: wake-ups from the queue. Without a queue the others look by themselves each second."""

    def __init__(self, settings: Settings, wake: Callable[[], object]) -> None:
        self._address = settings.queue
        self._wake = wake
        self._queue: Huey | None = None
        self._is_away = False

    def work(self) -> float:
        """Passes on what is queued (where the queue can wait, it waits for a second); gives the pause to the next."""
        try:
            if self._queue is None:
                queue = open_queue(self._address)
                register(queue, self._wake)
                self._queue = queue
            task = self._queue.dequeue()
        except (RedisError, sqlite3.Error, OSError) as error:
            if not self._is_away:
                log.warning("the queue cannot be used (%s); the worker looks by itself each second", error)
            self._is_away = True
            return LOOK
        except (HueyException, ValueError, TypeError) as error:
            log.warning("the queue held something that is none of its messages: %s", error)
            return 0
        if self._is_away:
            log.info("the queue can be used again")
            self._is_away = False
        if task is None:
            return 0 if self._queue.storage.blocking else LISTEN
        self._queue.execute(task)
        return 0


def _say_that_it_is_there(began: Moment | None) -> Moment | None:
    """Writes that this worker is there, and gives since when; None as long as that is not known."""
    try:
        began = now() if began is None else began
        working.seen(began, delivery.left_alone(now()), now())
    except Unavailable as error:
        log.warning("that this worker is there could not be written: %s", error)
    return began


def run(settings: Settings, *, alone: bool) -> None:
    """Works until SIGTERM or SIGINT, then finishes what is under way. The store is open. `alone`: no other process
    sends from it (`duban serve`)."""
    sys.setswitchinterval(SWITCH)
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # then somebody else passes Ctrl-C on
        signal.signal(signal.SIGINT, end)
    sweeping, scheduling, delivering, sealing = Sweeping(), Scheduling(), Delivering(settings, alone), Sealing(settings)
    backtesting = Backtesting()
    sweeper, deliverer = Loop("sweeper", sweeping.work), Loop("deliverer", delivering.work)
    scheduler = Loop("scheduler", scheduling.work)
    sealer, anchoring = Loop("sealer", sealing.work), Anchoring(settings)

    def wake() -> None:
        sweeper.wake()
        deliverer.wake()

    def anchor() -> float:
        anchoring.work(now())
        return LOOK

    def verify() -> float:
        return 0 if standing.work(settings, now, lambda: verifier.is_ending) else LOOK

    verifier = Loop("verifier", verify)
    listener, anchorer = Loop("listener", Listening(settings, wake).work), Loop("anchorer", anchor)
    backtester = Loop("backtester", backtesting.work)
    # What the sweep writes is for this very process to deliver: no queue is needed for that.
    forget = nudging.on_nudge(wake)
    counting = metrics.Counting()
    counting.start()
    for loop in (sweeper, scheduler, deliverer, sealer, anchorer, verifier, backtester, listener):
        loop.start()
    log.info("the worker has started")
    began = None
    try:
        while True:
            began = _say_that_it_is_there(began)
            if ended.wait(working.EVERY):
                break
    finally:  # a process whose main thread is gone starts no further thread, and seems to be there
        for loop in (listener, verifier, sweeper, scheduler, deliverer, sealer, anchorer, backtester):
            loop.stop()
        forget()
    for end_of in (sweeping.end, scheduling.end, delivering.end, sealing.end, backtesting.end, working.gone):
        try:
            end_of()
        except Unavailable as error:
            log.warning("at the end the database cannot be used: %s", error)
    counting.end()
    log.info("the worker has ended")
