"""Variables survive being written and read, in every format."""

from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.errors import BadInputError
from paas.rules.dotenv import export_variables, parse_dotenv

VALUES = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=two words\n", {"A": "1", "B": "two words"}),
        ("export A=1", {"A": "1"}),
        ("# comment\n\nA=1 # note\n", {"A": "1"}),
        ("A='single $x \\n'\n", {"A": "single $x \\n"}),
        ('A="line\\nbreak \\"q\\" \\$x"\n', {"A": 'line\nbreak "q" $x'}),
        ('KEY="-----BEGIN\nabc\n-----END"\nB=2', {"KEY": "-----BEGIN\nabc\n-----END", "B": "2"}),
        ("A=\r\nB=x\r\n", {"A": "", "B": "x"}),
        ("A=1\nA=2", {"A": "2"}),
        ("URL=http://x/#frag", {"URL": "http://x/#frag"}),
    ],
)
def test_an_env_file_is_read(text: str, expected: dict[str, str]) -> None:
    assert parse_dotenv(text) == expected


@pytest.mark.parametrize(("text", "line"), [("A=1\nnonsense", 2), ('A="open', 1), ("A='x' y", 1), ("=1", 1)])
def test_a_broken_line_is_named(text: str, line: int) -> None:
    with pytest.raises(BadInputError, match=f"Line {line} "):
        parse_dotenv(text)


@given(st.dictionaries(st.from_regex(r"\A[A-Z_]{1,8}\Z"), VALUES, max_size=4))
def test_what_is_exported_as_an_env_file_is_read_back_exactly(values: dict[str, str]) -> None:
    assert parse_dotenv(export_variables(values, "envfile")) == values


def test_a_shell_reads_back_what_was_exported() -> None:
    values = {"A": 'it\'s "$HOME" `x`\nnext', "B": "ü"}
    script = export_variables(values, "exports") + '\nprintf "%s|%s" "$A" "$B"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout == "|".join(values.values())


def test_names_alone_and_lists_are_exported_as_dokku_does() -> None:
    values = {"A": "1", "B": "two words"}
    assert export_variables(values, "docker-args-keys") == "--env=A --env=B"
    assert export_variables(values, "pack-keys") == "--env A --env B"
    assert json.loads(export_variables(values, "json-list")) == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "two words"},
    ]


def test_json_is_json_and_an_unknown_format_is_refused() -> None:
    assert json.loads(export_variables({"A": "1"}, "json")) == {"A": "1"}
    with pytest.raises(BadInputError):
        export_variables({}, "xml")
