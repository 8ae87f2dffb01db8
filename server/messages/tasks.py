"""Tasks by hand: messages of `manual` channels, which are delivered when somebody confirms them."""

from __future__ import annotations

from server import audit
from server.core.moments import Moment
from server.store.models import Message


def open_tasks(issue: int) -> list[Message]:
    """The tasks of an issue that nobody has confirmed, oldest first."""
    return list(
        Message.select().where(Message.issue == issue, Message.state == Message.MANUAL).order_by(Message.at, Message.id)
    )


def confirm_one(issue: int, notice: str, by: str | None, now: Moment) -> bool:
    """Within the transaction of a `confirm` event that was accepted: its oldest open task is done. False: none is."""
    task = next((task for task in open_tasks(issue) if task.notice == f"notice.{notice}"), None)
    return task is not None and confirm_task(task.id, by, now)


def confirm_task(message: int, by: str | None, now: Moment) -> bool:
    """Note, within the caller's transaction, that a task was done; False when it was not open. For tasks that the case
    does not wait for (a ladder's, a survey's, one that took over from another channel) this is all there is to do."""
    done = (
        Message.update(state=Message.CONFIRMED, sent_at=now)
        .where(Message.id == message, Message.state == Message.MANUAL)
        .execute()
    )
    if done != 1:
        return False
    task = Message.get_by_id(message)
    body = {"message": task.key, "notice": task.notice, "channel": task.channel}
    audit.record("message.confirmed", now, body, by=by, issue=task.issue_id)
    return True
