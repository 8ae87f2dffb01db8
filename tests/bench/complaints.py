"""Signed deliveries for `policies/complaint-inbox.yaml`, each another customer's complaint."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Mapping
from typing import Any

from server import standard_webhooks
from tests.bench.load import request
from tests.bench.places import SECRET

SUBJECTS = (
    "手机屏幕自己碎裂，要求退款", "快递延误五天，客服电话打不通", "会员积分被清零", "空调安装师傅额外收费",
    "退货后一直没有收到退款", "APP 无法登录，验证码收不到", "门店服务态度恶劣", "发票抬头开错，不给重开",
)  # fmt: skip
CHANNELS = ("hotline", "email", "website", "wechat")
NAMES = ("张伟", "王芳", "李娜", "刘洋", "陈静", "杨帆", "赵磊", "黄敏", "周杰", "吴霞")


def complaint(number: int) -> Mapping[str, Any]:
    """One complaint as the channel posts it; about one KiB as JSON."""
    chance = random.Random(number)
    subject = chance.choice(SUBJECTS)
    return {
        "id": f"bench-{secrets.token_hex(8)}-{number}",
        "received_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "title": subject,
        "text": f"{subject}。订单号 {chance.randrange(10**11, 10**12)}，" + "已经联系过两次，没有人给出答复。" * 12,
        "channel": chance.choice(CHANNELS),
        "reference": f"R{chance.randrange(10**8, 10**9)}",
        "customer": {
            "name": chance.choice(NAMES) + chance.choice("甲乙丙丁戊己庚辛壬癸") + str(chance.randrange(100)),
            "phone": f"138{chance.randrange(10**7, 10**8)}",
            "email": f"customer{number}@example.com",
            "member": f"M{chance.randrange(10**6, 10**7)}",
            "location": "上海市浦东新区",
        },
    }


def deliveries(count: int, path: str = "/hooks/complaint-inbox") -> list[bytes]:
    """So many signed requests, good for five minutes from now."""
    made = []
    for number in range(count):
        body = json.dumps(complaint(number), ensure_ascii=False).encode()
        message, now = f"msg_{secrets.token_hex(12)}", int(time.time())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(now),
            "webhook-signature": standard_webhooks.sign(SECRET, message, now, body),
        }
        made.append(request("POST", path, headers, body))
    return made
