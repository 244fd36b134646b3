from __future__ import annotations

import pytest

from paas.errors import BuildError
from paas.rules.buildpack import find_buildpack, parse_buildpack
from paas.rules.buildpack_plan import BuildpackPlan, plan_build, template_facts

RUBY = """
title = "Ruby"
detect = ["Gemfile"]
[version]
scheme = "at-least"
asks = ["wanted"]
available.debian = ["3.1", "3.3"]
available.registry = ["3.3", "3.4"]
default.debian = "3.1"
default.registry = "3.4"
[[base]]
role = "run"
name = "ruby-{version}"
[[base]]
role = "assets"
name = "node"
when = ["webpacker"]
[caches]
gems = "/var/cache/gems"
[facts.wanted]
files = [".ruby-version"]
matches = "(?P<value>.+)"
[facts.webpacker]
files = ["webpack.js"]
[facts.rackup]
files = ["*.ru"]
all = true
[facts.rails]
files = ["bin/rails"]
[[process]]
type = "web"
command = "rails -e {wanted}"
when = ["rails", "wanted"]
[[process]]
type = "web"
command = "rackup {rackup}"
when = ["rackup"]
[[process]]
type = "console"
command = "irb"
[[refuse]]
say = "{rackup} and {rails} exclude each other"
hint = "remove {rails}"
when = ["rackup", "rails"]
[[warn]]
say = "webpack is old"
when = ["webpacker"]
"""


def plan_of(files: dict[str, bytes], origin: str = "debian") -> BuildpackPlan:
    found = find_buildpack({"ruby": parse_buildpack("ruby", RUBY)}, list(files), files.get)
    assert found is not None
    return plan_build(found[0], found[1], "registry" if origin == "registry" else "debian")


def test_a_plan_says_version_bases_and_processes() -> None:
    plan = plan_of({"Gemfile": b"", "a.ru": b"", "b.ru": b""})
    assert plan.bases == {"run": "ruby-3.1"}
    assert plan.processes == {"web": "rackup a.ru, b.ru", "console": "irb"}
    assert plan.lines == (
        "Ruby 3.1 (nothing else is asked for)",
        "No Procfile: web runs rackup a.ru, b.ru",
        "No Procfile: console runs irb",
    )
    assert plan.warnings == ()
    assert plan.facts["rackup"] == ("a.ru", "b.ru") and plan.facts["rails"] is None
    assert plan.facts["caches"] == {"gems": "/var/cache/gems"} and plan.facts["version"] == "3.1"


def test_versions_depend_on_where_base_images_come_from() -> None:
    files = {"Gemfile": b"", ".ruby-version": b"3.2\n"}
    assert plan_of(files).bases["run"] == "ruby-3.3"
    assert plan_of(files, "registry").bases["run"] == "ruby-3.3"
    assert plan_of({"Gemfile": b""}, "registry").bases["run"] == "ruby-3.4"
    with pytest.raises(BuildError, match="3\\.1 and 3\\.3 can"):
        plan_of({"Gemfile": b"", ".ruby-version": b"3.4"})


def test_warnings_and_bases_hold_when_their_facts_do() -> None:
    plan = plan_of({"Gemfile": b"", "webpack.js": b"", ".ruby-version": b"3.2"})
    assert plan.bases == {"run": "ruby-3.3", "assets": "node"}
    assert plan.warnings == (".ruby-version asks for Ruby 3.2 or newer; 3.3 is used", "webpack is old")


def test_a_procfile_takes_the_place_of_all_defaults() -> None:
    assert plan_of({"Gemfile": b"", "a.ru": b"", "Procfile": b"worker: x"}).processes == {}


def test_a_refusal_names_what_was_found() -> None:
    with pytest.raises(BuildError) as caught:
        plan_of({"Gemfile": b"", "a.ru": b"", "bin/rails": b""})
    assert (caught.value.code, caught.value.message) == ("buildpack-refused", "a.ru and bin/rails exclude each other")
    assert caught.value.hint == "remove bin/rails"


def test_a_template_is_told_facts_bases_and_names_of_secrets() -> None:
    told = template_facts(plan_of({"Gemfile": b""}), {"run": "sha256:1"}, ["B", "A"])
    assert told["base"] == {"run": "sha256:1"} and told["secrets"] == ["A", "B"] and told["version"] == "3.1"
