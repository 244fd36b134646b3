from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from paas.errors import BadInputError
from paas.rules.buildpack_facts import MOST_FILES_READ, FactRule, find_facts, first_match, holds


def facts_of(rules: Mapping[str, Mapping[str, Any]], files: Mapping[str, bytes]) -> dict[str, Any]:
    found = find_facts({name: FactRule(**rule) for name, rule in rules.items()}, list(files), files.get)
    return {name: fact.value for name, fact in found.items()}


@pytest.mark.parametrize(
    ("rule", "files", "value"),
    [
        ({"files": ["a.txt"]}, {"a.txt": b""}, "a.txt"),
        ({"files": ["a.txt"]}, {"b/a.txt": b""}, None),
        ({"files": ["*/a.txt"]}, {"b/a.txt": b"", "b/c/a.txt": b""}, "b/a.txt"),
        ({"files": ["**/a.txt"]}, {"b/c/a.txt": b"", "a.txt": b""}, "a.txt"),
        ({"files": ["z", "a"]}, {"a": b"", "z": b""}, "z"),
        ({"files": ["*.txt"], "all": True}, {"b.txt": b"", "a.txt": b""}, ("a.txt", "b.txt")),
        ({"files": ["*.txt"], "is_only": True}, {"b.txt": b"", "a.txt": b""}, None),
        ({"files": ["*.txt"], "is_only": True}, {"a.txt": b""}, "a.txt"),
        ({"files": ["**/x.py"]}, {"node_modules/x.py": b"", "a/venv/x.py": b""}, None),
        ({"files": ["vendor/x.py"]}, {"vendor/x.py": b""}, "vendor/x.py"),
        ({"files": ["a"], "matches": "b+"}, {"a": b"xbby"}, "a"),
        ({"files": ["a"], "matches": "(?P<value>b+)"}, {"a": b"xbby"}, "bb"),
        ({"files": ["a"], "matches": "(?m)^b$"}, {"a": b"\xef\xbb\xbfb\r\nc"}, "a"),
        ({"files": ["a"], "matches": "b"}, {"a": b"\xff\xfe"}, None),
        ({"files": ["*/w.py"], "path": r"(?P<value>\w+)/w\.py"}, {"blog/w.py": b""}, "blog"),
        (
            {"files": ["*.py"], "path": r"(?P<m>\w+)\.py", "matches": r"(?P<o>app) =", "value": "{m}:{o}"},
            {"x.py": b"", "y.py": b"app = 1"},
            "y:app",
        ),
        ({"files": ["p.json"], "key": "a.b"}, {"p.json": b'{"a": {"b": "c"}}'}, "c"),
        ({"files": ["p.json"], "key": "a.b"}, {"p.json": b'{"a": []}'}, None),
        ({"files": ["p.json"], "key": "."}, {"p.json": b'{"a": 1}'}, {"a": 1}),
        ({"files": ["p.json"], "key": "a"}, {"p.json": b'{"a": false}'}, None),
        ({"files": ["p.toml"], "key": "a.b"}, {"p.toml": b'[a]\nb = "c"'}, "c"),
    ],
)  # fmt: skip
def test_a_fact_is_found_as_it_is_declared(rule: dict[str, Any], files: dict[str, bytes], value: Any) -> None:
    assert facts_of({"it": rule}, files).get("it") == value


def test_facts_may_depend_on_facts() -> None:
    rules = {
        "a": {"files": ["a"]},
        "b": {"files": ["b"], "when": ["a"]},
        "c": {"when": ["a", "!b"]},
        "d": {"when": ["b|a"]},
    }
    assert facts_of(rules, {"a": b""}) == {"a": "a", "c": True, "d": True}
    assert facts_of(rules, {"a": b"", "b": b""}) == {"a": "a", "b": "b", "d": True}
    assert facts_of(rules, {"b": b""}) == {}


def test_a_procfile_with_processes_is_a_fact_of_every_source() -> None:
    assert facts_of({}, {"Procfile": b"web: x"}) == {"procfile": True}
    assert facts_of({}, {"Procfile": b"release: x"}) == {}
    assert facts_of({}, {"Procfile": b"# empty"}) == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.json", b"{"),
        ("p.json", b"[" * 100_000),
        ("p.toml", b"a = "),
        ("p.toml", b"\xff"),
        ("p.toml", b"a = " + b"[" * 100_000),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name: str, content: bytes) -> None:
    with pytest.raises(BadInputError) as caught:
        facts_of({"it": {"files": [name], "key": "a"}}, {name: content})
    assert caught.value.code == "bad-file" and name in caught.value.message


def test_a_file_is_read_once_and_not_without_end() -> None:
    reads: list[str] = []

    def read(path: str) -> bytes:
        reads.append(path)
        return b""

    rule = FactRule(files=["*.py"], matches="x")
    find_facts({"a": rule, "b": rule}, [f"{number}.py" for number in range(1000)], read)
    assert len(reads) == MOST_FILES_READ


def test_conditions() -> None:
    facts = find_facts({"a": FactRule(files=["a"])}, ["a"], lambda path: b"")
    assert holds([], facts) and holds(["a"], facts) and holds(["!b"], facts) and holds(["b|a"], facts)
    assert not holds(["b"], facts) and not holds(["!a"], facts) and not holds(["a", "b"], facts)
    assert not holds(["b|!a"], facts)


def test_the_first_pattern_that_has_a_file_counts() -> None:
    assert first_match(["x", "b", "a"], ["a", "b"]) == "b"
    assert first_match(["x"], ["a"]) is None
