"""A desk for tests of messages: it plays events of the interpreter into a store as a server would, and plans what they
tell, with a clock that only moves when it is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server import directory, messages
from server.core import library, values
from server.core.advance import Advance, advance, next_due
from server.core.case import Case
from server.core.channels import Channels
from server.core.process import Process
from server.directory import LiveDirectory
from server.messages import Occasion
from server.settings import Settings
from server.store import database
from server.store.fields import canonical
from server.store.models import Issue, Message, Version
from server.store.writing import insert, insert_event

# 2026-03-02 09:00 in Shanghai, a Monday
START = 1_772_413_200_000
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000

CALENDAR = """\
kind: calendar
name: always
title: {zh: 全天, en: Always}
timezone: Asia/Shanghai
hours: {daily: ["00:00-24:00"]}
"""

CHANNELS = """\
kind: channels
name: default
title: {zh: 渠道, en: Channels}
channels:
  sms:    {type: sms, url: env:SMS_URL, otherwise: email, max_length: 70}
  email:  {type: email, url: env:EMAIL_URL}
  wecom:  {type: wecom, url: env:WECOM_URL, otherwise: email}
  slack:  {type: slack, url: env:SLACK_URL}
  verbal: {type: manual}
  crm:    {type: webhook, url: env:CRM_URL, secret: env:CRM_SECRET}
  other:  {type: webhook, url: env:OTHER_URL, otherwise: email}
"""

PEOPLE = """\
roles:
  - {name: administrator, title: {zh: 管理员, en: Administrator}, permissions: [system]}
  - {name: monitor, title: {zh: 监控, en: Monitor}, permissions: [issue.read]}
people:
  - {login: root, name: 管理员, email: root@duban.example, roles: [administrator]}
  - {login: boss, name: 陆建国, email: boss@duban.example, phone: "13900000001"}
  - {login: li, name: 李明, email: li@duban.example, phone: "13900000002", supervisor: boss,
     channel_ids: {wecom: LiMing}}
  - {login: wu, name: Wu Hao, email: wu@duban.example, phone: "13900000003", supervisor: boss, language: en}
  - {login: mia, name: Mia, email: mia@duban.example, roles: [monitor], language: en}
  - {login: mute, name: 无地址}
teams:
  - {id: support, title: {zh: 支持组, en: Support}, lead: li, members: [li, wu]}
  - {id: empty, title: 空组, members: []}
customers:
  - {id: c-1, names: [甲公司], email: jia@customer.example, phone: "13800000001"}
  - {id: c-2, names: [乙公司], email: yi@customer.example, phone: "13800000002", preferred: email}
"""

PROCESS = """\
kind: process
name: care
title: {zh: 客户关怀, en: Care}
calendar: always
number: "C{serial:4}"
fields:
  customer: {type: text, label: {zh: 客户, en: Customer}}
  impact: {type: choice, label: {zh: 影响, en: Impact}, options: {stopped: {zh: 停顿, en: Stopped}, none: 无}}
  phone: {type: phone, label: 电话, private: true}
  mail: {type: email, label: 邮箱}
  manager: {type: person, label: 客户经理}
severities: {A: {title: {zh: 严重, en: Grave}}, B: {title: {zh: 一般, en: Plain}}}
classify:
  severity: [{is: A, when: {field: impact, is: stopped}}, {is: B}]
route: [{to: team:support, assign: nobody}]
stages:
  received: {title: {zh: 已接收, en: Received}}
  handling: {title: 处理中}
  closed: {title: 已关闭, final: true}
actions:
  accept: {title: 受理, from: received, to: handling, by: [team], assign: actor}
  close: {title: 关闭, from: [received, handling], to: closed, by: [team]}
"""

ENVIRON = {
    "EMAIL_URL": "smtp://127.0.0.1:1/?from=duban@duban.example",
    "SMS_URL": "http://127.0.0.1:1/sms",
    "WECOM_URL": "http://127.0.0.1:1/wecom",
    "CRM_URL": "http://127.0.0.1:1/crm",
    "CRM_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}

SETTINGS = Settings(
    data=Path("."),
    database="",
    queue="",
    url="https://duban.example",
    secret="a secret of this test",
    signing_key=None,
    admin_password=None,
)


class Desk:
    """Issues of one process, whose document is PROCESS and what a test adds to it."""

    def __init__(self, more: str, environ: Mapping[str, str] = ENVIRON, channels: str = CHANNELS) -> None:
        files = [("always.yaml", CALENDAR), ("channels.yaml", channels), ("care.yaml", PROCESS + more)]
        found = library.load([(name, text.encode()) for name, text in files])
        assert found.is_sound, [str(finding) for finding in found.findings]
        self.process: Process = found.processes["care"]
        self.channels: Channels = found.channels["default"]
        self.environ = environ
        self.held = False
        self.cases: dict[str, tuple[int, Case, int]] = {}
        self.before = Issue.select().count()
        with database.transaction():
            plan, findings = directory.plan(PEOPLE.encode(), "people.yaml")
            assert plan is not None, [str(finding) for finding in findings]
            directory.carry_out(plan, START, "root")
            same = {"kind": "process", "name": "care", "number": 1}
            self.version = Version.get_or_create(**same, defaults={"sha256": "", "data": b"", "created_at": START})[
                0
            ].id

    def receive(self, now: int = START, by: str | None = None, **facts: Any) -> str:
        """A new issue at that moment; gives its number."""
        given, problems = values.new_issue(self.process, {"subject": "无法登录", **facts}, now)
        assert not problems, problems
        number = f"C{self.before + len(self.cases) + 1:04}"
        event = {"kind": "received", "facts": {**given, "number": number}, "by": by}
        with database.transaction():
            done = advance(self.process, None, event, now, LiveDirectory())
            case = done.case
            issue = insert(
                Issue,
                {
                    "process": "care",
                    "number": number,
                    "version": self.version,
                    "stage": case.stage,
                    "received_at": now,
                    "recorded_at": now,
                    "wake_at": next_due(self.process, case),
                    "case": case.dump(),
                },
            )
            self._write(issue, 1, "received", done, now)
        self.cases[number] = (issue, case, 1)
        return number

    def happens(self, number: str, event: Mapping[str, Any], now: int) -> Advance:
        """An event on an issue; `{"kind": "time"}` lets time pass."""
        issue, case, seq = self.cases[number]
        with database.transaction():
            done = advance(self.process, case, event, now, LiveDirectory())
            assert done.refused is None, done.refused
            Issue.update(wake_at=next_due(self.process, done.case), stage=done.case.stage).where(
                Issue.id == issue
            ).execute()
            self._write(issue, seq + 1, str(event["kind"]), done, now)
        self.cases[number] = (issue, done.case, seq + 1)
        return done

    def act(self, number: str, action: str, by: str, now: int) -> Advance:
        return self.happens(number, {"kind": "action", "action": action, "by": by, "with": {}}, now)

    def sweep(self, now: int) -> None:
        """Lets time pass for every issue."""
        for number in list(self.cases):
            self.happens(number, {"kind": "time"}, now)

    def _write(self, issue: int, seq: int, kind: str, done: Advance, now: int) -> None:
        event = insert_event(
            {
                "issue": issue,
                "seq": seq,
                "at": now,
                "recorded_at": now,
                "kind": kind,
                "body": "{}",
                "entries": canonical(done.entries),
            }
        )
        messages.write(
            done.tellings,
            Occasion(
                issue_id=issue,
                event_id=event,
                seq=seq,
                process=self.process,
                case=done.case,
                channels=self.channels,
                entries=done.entries,
                directory=LiveDirectory(),
                now=now,
                settings=SETTINGS,
                environ=self.environ,
                held=self.held,
            ),
        )


def sent_rows() -> list[Message]:
    """Every message, in order."""
    return list(Message.select().order_by(Message.id))


def without(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    """The environment without some names."""
    return {name: value for name, value in environ.items() if name not in names}


def people(**changes: Mapping[str, Any]) -> None:
    """Change people of the directory: `people(li={"absences": …})`."""
    from server.store.models import Person

    with database.transaction():
        for login, values_ in changes.items():
            Person.update(**values_).where(Person.login == login).execute()
        directory.changed()
