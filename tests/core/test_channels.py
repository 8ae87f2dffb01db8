"""Channels documents."""

from __future__ import annotations

from typing import Any

import yaml

from server.core.channels import compile_channels
from server.resources import data_dir


def problems(**channels: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    found, given = compile_channels({"kind": "channels", "name": "c", "channels": channels})
    assert found is None
    return [(path, code) for path, code, _ in given]


def test_the_shipped_channels_keep_their_order_and_who_takes_over() -> None:
    document = yaml.safe_load((data_dir("policies") / "channels.yaml").read_text("utf-8"))
    channels, found = compile_channels(document)
    assert found == []
    assert channels is not None
    assert list(channels.channels) == ["email", "sms", "wecom", "dingtalk", "feishu", "verbal", "phone", "crm"]
    assert [channel.name for channel in channels.chain("sms")] == ["sms", "email"]
    assert channels.channels["sms"].max_length == 70
    assert channels.channels["crm"].secret == "env:CRM_SECRET"


def test_what_is_wrong_is_said_with_its_place() -> None:
    assert problems(
        a={"type": "pigeon", "url": "env:A"},
        b={"type": "email"},
        c={"type": "manual", "otherwise": "nobody"},
    ) == [
        (("channels", "a", "type"), "unknown-channel-type"),
        (("channels", "b"), "channel-without-url"),
        (("channels", "c", "otherwise"), "unknown-channel"),
    ]


def test_channels_that_take_over_for_each_other_in_a_circle_are_refused() -> None:
    circle = problems(
        a={"type": "manual", "otherwise": "b"},
        b={"type": "manual", "otherwise": "c"},
        c={"type": "manual", "otherwise": "b"},
        d={"type": "manual", "otherwise": "d"},
    )
    assert [path[1] for path, code in circle if code == "channels-in-a-circle"] == ["b", "c", "d"]
