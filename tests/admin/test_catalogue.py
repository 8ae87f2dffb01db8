"""Both languages are complete: no message without its translation, no text that is in no catalogue."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from jinja2 import Environment

from admin.catalogues import messages
from admin.languages import read_catalogue
from tests.admin.visiting import Panel, receive

ROOM = Path(__file__).resolve().parents[2] / "admin"
TEMPLATES = sorted((ROOM / "templates").rglob("*.html"))
MODULES = sorted(ROOM.rglob("*.py"))
PLACE = re.compile(r"%\((\w+)\)")
READ_OUT = ("alt", "aria-label", "placeholder", "title", "label")
CHINESE = re.compile(r"[一-鿿]")


def test_the_catalogue_has_every_message_in_chinese_and_no_other() -> None:
    wanted = {one.id: one for one in messages() if one.id}
    known = {one.id: one for one in read_catalogue("zh_Hans_CN") if one.id}
    assert len(wanted) > 100
    assert wanted.keys() == known.keys(), "run python -m admin.catalogues"
    for id, message in known.items():
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        assert all(texts), f"{id} has no translation"
        assert not message.fuzzy, id
        sources = [id] if isinstance(id, str) else list(id)
        places = {place for text in sources for place in PLACE.findall(text)}
        for text in texts:
            assert set(PLACE.findall(text)) == places, id


def test_translations_are_chinese() -> None:
    same = {"%(table)s", "ID"}
    for message in read_catalogue("zh_Hans_CN"):
        if message.id and message.id not in same:
            text = message.string if isinstance(message.string, str) else message.string[0]
            assert CHINESE.search(text) or not re.search(r"[A-Za-z]{3}", PLACE.sub("", text)), message.id


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_have_no_text_of_their_own(path: Path) -> None:
    assert loose_text(path.read_text("utf-8")) == []


def loose_text(source: str) -> list[str]:
    """What a reader would see, or hear, of a template without a message."""
    found = []
    shown = Environment().lex(source)
    # Where something is filled in, a mark stands: so attributes and tags stay whole.
    plain = "".join(text if kind == "data" else "" for _, kind, text in shown)
    for name in READ_OUT:
        found += [text for text in re.findall(rf'\s{name}="([^"]*)"', plain) if re.search(r"\w", text)]
    plain = re.sub(r"<(script|style|code)\b.*?</\1>", "", plain, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", "\n", plain)
    text = re.sub(r'[\w-]+="[^"]*"', "", text)  # attributes that are put into a tag further on
    return found + [line.strip() for line in text.splitlines() if re.search(r"[^\W\d_]{2,}", line)]


def test_text_of_its_own_would_be_noticed() -> None:
    assert loose_text('<p>{{ _("Known") }}</p><p title="Loose">Text {{ x }}</p>') == ["Loose", "Text"]
    assert loose_text('<a class="btn" href="{{ url }}">{{ _("Known") }} · #</a>') == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_have_no_text_of_their_own(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    allowed = {"督办 Duban", "简体中文"}  # names: of the product, and of the language in the switch
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CHINESE.search(node.value):
            assert node.value in allowed
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "flash":
            assert isinstance(node.args[0], ast.Call), f"{path.name}:{node.lineno} flashes a text of its own"


@pytest.mark.parametrize("path", ["/admin/issues/", "/admin/new-issue/", "/admin/system/nowhere", "/admin/kept/"])
def test_a_page_in_english_has_no_chinese_and_the_other_way_round(panel: Panel, path: str) -> None:
    english = re.sub(r"督办|简体中文", "", panel.visitor("root", "en").get(path).text)
    chinese = panel.visitor("root", "zh").get(path).text
    assert not CHINESE.search(english), CHINESE.findall(english)
    assert '<html lang="en"' in english
    assert '<html lang="zh-CN"' in chinese
    assert "工作台" in chinese


def test_the_language_is_chosen_by_the_switch_and_else_by_the_browser(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DUBAN_LANGUAGE", raising=False)
    client = panel.app.test_client()

    def spoken(**headers: str) -> str:
        page = client.get("/admin/sign-in/", headers={name.replace("_", "-"): text for name, text in headers.items()})
        return "zh" if "用户名" in page.text else "en"

    assert spoken(Accept_Language="en-GB,en;q=0.9") == "en"
    assert spoken(Accept_Language="zh-CN,zh;q=0.9,en;q=0.8") == "zh"
    assert spoken(Accept_Language="fr") == "zh"
    monkeypatch.setenv("DUBAN_LANGUAGE", "en")
    assert spoken(Accept_Language="zh-CN") == "en"
    visitor = panel.visitor(language="en")
    answer = visitor.post("/admin/preferences/", {"duban_language": "zh", "back": "/admin/sign-in/"})
    assert answer.headers["Location"] == "/admin/sign-in/"
    assert "用户名" in visitor.get("/admin/sign-in/").text


def test_an_issue_is_told_in_the_readers_language(panel: Panel) -> None:
    number = receive(outage=True)
    assert "Received: severity Urgent" in panel.visitor("gong", "en").text(f"/admin/issues/{number}")
    assert "已受理：级别 紧急" in panel.visitor("gong", "zh").text(f"/admin/issues/{number}")
