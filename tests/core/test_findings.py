"""Findings have words in both languages, and one line each."""

import ast
import re
from pathlib import Path

import pytest

from server.core.findings import WORDS, Finding, catalogue, dotted, has_errors, in_order, title
from server.core.findings_page import page

ROOT = Path(__file__).resolve().parents[2]
WARNED = re.compile(r"\bwarn\([^\"]*\"([a-z]+(?:-[a-z]+)+)\"")
CODES = [code for code in catalogue() if code != WORDS]
PLACEHOLDER = re.compile(r"\{([a-z_]+(?::word|:size)?)\}")
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
# Calls whose texts are codes of findings, here and in the modules that give findings.
CALLS = re.compile(
    r"Finding|found|_undefined|known|finding|problem|_problem|warning|_at|_at_key|_add|add|warn|report|Bad[A-Z]\w*"
)


def sources() -> list[Path]:
    """Give every Python file of the product."""
    return [path for room in ("server", "admin", "jobs") for path in (ROOT / room).rglob("*.py")]


def named_codes(tree: ast.AST) -> set[str]:
    """Give the codes that a module gives findings: texts with a hyphen in such calls, or in a class's `code`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if CALLS.fullmatch(name):
                texts = [*node.args[:2], *(k.value for k in node.keywords if k.arg == "code")]
                found |= {t.value for t in texts if isinstance(t, ast.Constant) and isinstance(t.value, str)}
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            found |= {str(part.value) for part in ast.walk(node.value) if isinstance(part, ast.Constant)}
    return {text for text in found if CODE.fullmatch(text)}


@pytest.mark.parametrize("path", [path for path in sources() if path.is_relative_to(ROOT / "server" / "core")], ids=str)
def test_every_code_in_the_interpreter_has_an_entry(path):
    assert named_codes(ast.parse(path.read_text("utf-8"))) - set(CODES) == set()


def test_codes_are_found_where_they_are_named():
    assert {"bad-yaml", "too-deep"} <= named_codes(ast.parse((ROOT / "server/core/yaml_errors.py").read_text("utf-8")))
    assert "bad-schedule" in named_codes(ast.parse((ROOT / "server/core/schedules.py").read_text("utf-8")))


def test_every_entry_is_named_somewhere():
    text = "\n".join(path.read_text("utf-8") for path in sources())
    assert [code for code in CODES if f'"{code}"' not in text] == []


@pytest.mark.parametrize("code", CODES)
def test_an_entry_says_the_same_in_both_languages(code):
    entry = catalogue()[code]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    assert entry.keys() - {"title"} == {"zh", "en", "explain"}
    assert entry["explain"].keys() == {"zh", "en"}
    for texts in (entry, entry["explain"]):
        assert re.search(r"[\u4e00-\u9fff]", texts["zh"])
        assert not re.search(r"[\u4e00-\u9fff]", texts["en"])
        assert texts["en"].strip() == texts["en"] != ""
    assert set(PLACEHOLDER.findall(entry["en"])) == set(PLACEHOLDER.findall(entry["zh"]))
    assert entry["en"].count("[[") == entry["en"].count("]]")


def test_every_warning_that_can_be_accepted_is_called_something_in_both_languages():
    warned = {code for path in sources() for code in WARNED.findall(path.read_text("utf-8"))} & set(CODES)
    assert len(warned) > 20
    for code in warned:
        chinese, english = title(code, "zh"), title(code, "en")
        assert re.search("[\u4e00-\u9fff]", chinese), code
        assert english != code


def test_every_word_has_both_languages():
    assert all(texts.keys() == {"en", "zh"} for texts in catalogue()[WORDS].values())


def test_the_catalogue_has_no_key_twice():
    text = (ROOT / "schemas" / "findings.yaml").read_text("utf-8")
    codes = re.findall(r"^([a-z0-9_-]+):", text, re.M)
    assert sorted(codes) == sorted(catalogue())


def test_the_page_is_current():
    assert (ROOT / "docs" / "findings.md").read_text("utf-8") == page()


def test_a_finding_is_one_line():
    finding = Finding(
        "unknown-key",
        ("clocks", "reply", "warn", 1, "x"),
        {"key": "x", "near": "on"},
        "error",
        "policies/p.yaml",
        41,
        14,
    )
    assert str(finding) == (
        "policies/p.yaml:41:14: error unknown-key clocks.reply.warn[2]: there is no key 'x' here; did you mean 'on'?"
    )
    assert finding.line_in("zh").endswith("unknown-key clocks.reply.warn[2]：此处没有键“x”；是否指“on”？")


def test_what_has_no_value_is_left_out_of_a_text():
    params = {"key": "x", "near": "", "allowed": "a, b"}
    assert Finding("unknown-key", ("x",), params).text() == "the document: there is no key 'x' here; known: a, b"


def test_words_are_said_in_the_language():
    finding = Finding("wrong-type", ("a",), {"expected": "string, array", "found": "integer", "quoted": ""})
    assert finding.text() == "a must be text or a list, not a whole number"
    assert finding.text("zh") == "a 应为文本 或 列表，而不是整数"


def test_an_unknown_language_gets_english():
    assert Finding("empty-document").text("fr") == Finding("empty-document").text("en")


def test_a_code_without_an_entry_stands_for_itself():
    assert Finding("no-such-code", (), {"a": "b"}).text("zh") == "no-such-code a=b"


def test_values_in_a_text_cannot_break_the_line_or_the_text():
    finding = Finding("bad-form", ("a\nb",), {"value": "x\ny\x1b[31m {at} [[z]]" + "w" * 1000, "expected": "id"})
    assert "\n" not in str(finding)
    assert "\x1b" not in str(finding)
    assert r"x\ny\x1b[31m {at} [[z]]www" in finding.text()
    assert len(finding.text()) < 500


def test_a_finding_as_json_has_everything():
    finding = Finding("too-deep", ("a", 0), {"limit": 32}, "error", "f.yaml", 3, 4)
    assert finding.as_dict("zh") == {
        "file": "f.yaml",
        "line": 3,
        "column": 4,
        "level": "error",
        "code": "too-deep",
        "path": ["a", 0],
        "params": {"limit": 32},
        "message": "a[1] 嵌套超过 32 层",
    }


def test_places_in_lists_count_from_one():
    assert dotted(("rungs", 0, "steps", 1)) == "rungs[1].steps[2]"
    assert dotted((), "zh") == "文档"


def test_warnings_alone_are_no_errors():
    warning = Finding("bad-form", level="warning")
    assert not has_errors([warning])
    assert has_errors([warning, Finding("bad-form")])


def test_findings_are_sorted_as_they_are_read():
    places = [("b", 1, 1), ("a", 2, 1), ("a", 1, 9), ("a", 1, 2)]
    ordered = in_order(Finding("bad-form", file=file, line=line, column=column) for file, line, column in places)
    assert [(f.file, f.line, f.column) for f in ordered] == sorted(places)


@pytest.mark.parametrize(
    ("size", "said"),
    [(262_145, "256.1 KiB"), (300_000, "293 KiB"), (1 << 20, "1 MiB"), (5 << 20, "5 MiB"), (1_500_000, "1.5 MiB")],
)
def test_sizes_are_told_in_units_and_never_read_like_the_limit(size, said):
    text = Finding("too-large", params={"size": size, "limit": 262_144}).text("zh")
    assert text == f"大小为 {said}，上限 256 KiB"
    assert Finding("too-large", params={"size": size, "limit": 262_144}).as_dict()["params"]["size"] == size


def test_severity_and_clock_are_called_one_thing_in_chinese():
    """Words (docs/architecture.md): severity is 级别, a clock of a process 时限, a document 文档."""
    for name in ("findings.yaml", "wording.yaml", "overview.yaml", "process.schema.json"):
        text = (ROOT / "schemas" / name).read_text("utf-8")
        for other in ("严重程度", "循环时钟", "搁置", "关联事项"):
            assert other not in text, (name, other)
