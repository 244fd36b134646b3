"""What do the bundled buildpacks decide about a source? Tables of files; nothing is built here (see test_apps)."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from paas.adapters.templates import BuildpackFolders
from paas.errors import BuildError
from paas.rules.builder import BuilderChoice, BuilderWish, choose_builder
from paas.rules.buildpack import Origin, parse_buildpack
from paas.rules.buildpack_plan import BuildpackPlan, plan_build, template_facts

TEMPLATES = BuildpackFolders(Path(__file__).parent.parent / "buildpacks")
PACKS = {name: parse_buildpack(name, text) for name, text in TEMPLATES.buildpacks().items()}

GUNICORN = {"requirements.txt": "gunicorn"}
DJANGO = {"site/wsgi.py": "get_wsgi_application", "manage.py": "django"}
STREAMLIT = "streamlit run app.py --server.address 0.0.0.0 --server.port $PORT --server.headless true"
DJANGO_BELOW = {f"back/{path}": text for path, text in DJANGO.items()}
SERVE = "bash /app/.paas/serve.sh"
UVICORN = "uvicorn main:app --host 0.0.0.0 --port $PORT --proxy-headers --forwarded-allow-ips '*'"
WSGI = "app = Flask(__name__)"
ASGI = "app: FastAPI = FastAPI()"
SERVER = "http.createServer().listen(80)"
MAIN = "package main\n"
DYNAMIC = '[project]\nname = "x"\ndynamic = [\n  "version", "dependencies"]\n[build-system]\nrequires = []'
PRIVATE = '[project]\nname = "x"\n[[tool.uv.index]]\nname = "ours"\nurl = "https://example.com"'


def decide(files: Mapping[str, str], origin: Origin = "debian") -> tuple[BuilderChoice, BuildpackPlan]:
    contents = {path: text.encode() for path, text in files.items()}
    choice = choose_builder(BuilderWish(), PACKS, list(contents), contents.get)
    assert choice.buildpack is not None and choice.facts is not None
    return choice, plan_build(choice.buildpack, choice.facts, origin)


def dockerfile_of(files: Mapping[str, str], secrets: list[str] | None = None) -> str:
    _, plan = decide(files)
    references = {role: f"base/{name}" for role, name in plan.bases.items()}
    rendered = TEMPLATES.render(plan.buildpack, template_facts(plan, references, secrets or []))
    return rendered[".paas/Dockerfile"].decode()


@pytest.mark.parametrize(
    ("files", "buildpack", "web"),
    [
        # Python
        ({"requirements.txt": "flask\ngunicorn", "app.py": WSGI}, "python", "gunicorn app:app"),
        ({"requirements.txt": "gunicorn", "wsgi.py": "application = x()"}, "python", "gunicorn wsgi:application"),
        (GUNICORN | {"blog/__init__.py": "def create_app():"}, "python", "gunicorn 'blog:create_app()'"),
        (GUNICORN | DJANGO, "python", "gunicorn site.wsgi"),
        (
            {"pyproject.toml": '[project]\ndependencies = ["fastapi", "uvicorn[standard]"]', "main.py": ASGI},
            "python",
            UVICORN,
        ),
        (
            {"requirements.txt": "fastapi[standard]", "app/main.py": ASGI},
            "python",
            UVICORN.replace("main:app", "app.main:app"),
        ),
        (GUNICORN | {"blog/app.py": WSGI}, "python", "gunicorn blog.app:app"),
        (GUNICORN | DJANGO_BELOW, "python", "gunicorn --chdir back site.wsgi"),
        (
            {"requirements.txt": "-r deps/base.txt", "deps/base.txt": "gunicorn", "app.py": WSGI},
            "python",
            "gunicorn app:app",
        ),
        ({"requirements.txt": "streamlit", "app.py": "import streamlit as st"}, "python", STREAMLIT),
        ({"requirements.txt": "", "main.py": "serve_forever()"}, "python", "python main.py"),
        ({"requirements.txt": "", "main.py": "print()"}, "python", "python main.py"),
        ({"requirements.txt": "", "app.py": "app = x()\nweb.run_app(app)"}, "python", "python app.py"),
        ({"requirements.txt": "x", "Procfile": "web: y", "app.py": WSGI}, "python", None),
        ({"requirements.txt": "", "package.json": "{}", "main.py": ""}, "python", "python main.py"),
        # Node
        ({"package.json": '{"scripts": {"start": "node ."}}'}, "node", "node ."),
        ({"package.json": '{"scripts": {"start": "node .", "prestart": "x"}}'}, "node", "npm start"),
        ({"package.json": '{"scripts": {"start": "node . --v $npm_package_version"}}'}, "node", "npm start"),
        ({"package.json": "{}", "server.js": SERVER}, "node", "node server.js"),
        ({"package.json": '{"scripts": {"build": "vite build"}}'}, "node", SERVE),
        ({"package.json": '{"scripts": {"build": "x", "start": "react-scripts start"}}'}, "node", SERVE),
        ({"package.json": '{"scripts": {"build": "x", "start": "next start"}}'}, "node", "next start"),
        ({"package.json": '{"scripts": {"start": "x"}}', "pyproject.toml": "[tool.ruff]"}, "node", "x"),
        # Go
        ({"go.mod": "module a.com/x/blog/v2\n", "main.go": MAIN}, "go", "blog"),
        ({"go.mod": "module blog\n", "cmd/x/main.go": MAIN}, "go", "x"),
        ({"go.mod": "module blog\n", "cmd/x/main.go": MAIN, "cmd/server/main.go": MAIN}, "go", "server"),
        ({"go.mod": "module blog\n", "services/api/main.go": MAIN}, "go", "api"),
        ({"go.mod": "module blog\n", "web/main.go": MAIN, "jobs/main.go": MAIN}, "go", "web"),
        # Static
        ({"index.html": ""}, "static", SERVE),
        ({"public/index.html": ""}, "static", SERVE),
        ({"static.json": '{"root": "out"}'}, "static", SERVE),
        ({"index.html": "", "package.json": '{"devDependencies": {}}'}, "static", SERVE),
    ],
)  # fmt: skip
def test_the_default_process_is_found(files: dict[str, str], buildpack: str, web: str | None) -> None:
    choice, plan = decide(files)
    assert (choice.builder, plan.processes.get("web")) == (buildpack, web)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"requirements.txt": "flask", "app.py": WSGI}, "app:app needs a server: gunicorn"),
        ({"requirements.txt": "# gunicorn", "app.py": WSGI}, "app:app needs a server: gunicorn"),
        ({"requirements.txt": "fastapi", "main.py": ASGI}, "main:app needs a server: uvicorn"),
        (
            {"requirements.txt": "", "manage.py": "django", "x/wsgi.py": "get_wsgi_application"},
            "x/wsgi.py needs a server",
        ),
        ({"requirements.txt": "", "other.py": ""}, "looked for manage.py"),
        ({"requirements.txt": "f\0l\0a\0s\0k\0", "app.py": WSGI}, "requirements.txt is UTF-16"),
        ({"requirements.txt": "flask"} | DJANGO_BELOW, "back/site/wsgi.py needs a server"),
        ({"Pipfile": ""}, "Pipfile is not read"),
        ({"pyproject.toml": "[tool.poetry]"}, "no [project] table"),
        ({"setup.py": ""}, "setup.py, but no requirements.txt"),
        ({"package.json": "{}"}, "looked for a start script"),
        ({"main.go": MAIN}, "no go.mod"),
        ({"go.mod": "module x\n"}, "No command to build"),
        ({"go.mod": "module x\n", "cmd/a/main.go": MAIN, "cmd/b/main.go": MAIN}, "a, b"),
        ({"go.mod": "module x\n", "a/main.go": MAIN, "b/c/main.go": MAIN}, "a, b/c"),
        ({"go.mod": "module x\n// +heroku install ./..."}, "what runs"),
        ({"static.json": "{}"}, "names no root"),
    ],
)
def test_what_cannot_be_run_is_said_with_what_was_looked_for(files: dict[str, str], said: str) -> None:
    with pytest.raises(BuildError) as caught:
        decide(files)
    assert caught.value.code == "buildpack-refused"
    assert said in caught.value.message and caught.value.hint


@pytest.mark.parametrize(
    ("files", "origin", "base"),
    [
        ({"requirements.txt": "", "main.py": ""}, "debian", "python-3.11"),
        ({"requirements.txt": "", "main.py": "", ".python-version": "3.13\n"}, "debian", "python-3.13"),
        ({"requirements.txt": "", "main.py": "", "runtime.txt": "python-3.13.1"}, "debian", "python-3.13"),
        ({"requirements.txt": "", "main.py": "", "runtime.txt": "3.13\n"}, "debian", "python-3.13"),
        ({"requirements.txt": "", "main.py": "", ".python-version": "# x\n3.12"}, "registry", "python-3.12"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.12"', "main.py": ""}, "debian", "python-3.13"),
        ({"package.json": '{"engines": {"node": "18.x"}}', "server.js": SERVER}, "debian", "node-18"),
        ({"package.json": "{}", "server.js": SERVER, ".nvmrc": "lts/hydrogen"}, "debian", "node-18"),
        ({"package.json": "{}", "server.js": SERVER}, "registry", "node-22"),
        ({"go.mod": "module x\ngo 1.21\n", "main.go": MAIN}, "debian", "go-1.24"),
        ({"go.mod": "module x\ngo 1.17\n", "main.go": MAIN}, "debian", "go-1.19"),
    ],
)
def test_the_version_is_what_the_app_asks_for(files: dict[str, str], origin: Origin, base: str) -> None:
    assert base in decide(files, origin)[1].bases.values()


@pytest.mark.parametrize(
    ("files", "dependencies"),
    [
        ({"requirements.txt": "gunicorn", "app.py": WSGI}, "uv pip install -r requirements.txt"),
        ({"pyproject.toml": "[project]", "uv.lock": "", "main.py": ""}, "uv sync"),
        ({"pyproject.toml": "[project]", "main.py": ""}, "uv pip install -r pyproject.toml"),
        ({"package.json": "{}", "package-lock.json": "{}", "server.js": SERVER}, "npm ci"),
        ({"package.json": "{}", "server.js": SERVER}, "npm install"),
        ({"go.mod": "module x", "main.go": MAIN}, "go mod download"),
    ],
)
def test_dependencies_have_a_layer_of_their_own(files: dict[str, str], dependencies: str) -> None:
    text = dockerfile_of(files)
    whole_source = re.search(r"^COPY (--chown=\S+ )?\. \.$", text, re.MULTILINE)
    assert whole_source is not None
    assert 0 < text.index(dependencies) < whole_source.start()
    assert "--mount=type=cache" in text
    assert text.index("ARG GIT_REV") > whole_source.start()


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": "-e ./library", "main.py": ""},
        {"requirements.txt": "-r deps/base.txt", "main.py": ""},
        {"requirements.txt": "-cdeps/constraints.txt", "main.py": ""},
        {"pyproject.toml": DYNAMIC, "main.py": ""},
        {"package.json": '{"scripts": {"postinstall": "x"}}', "server.js": SERVER},
        {"package.json": '{"workspaces": []}', "server.js": SERVER},
    ],
)
def test_dependencies_in_the_source_come_after_the_whole_source(files: dict[str, str]) -> None:
    text = dockerfile_of(files)
    assert text.index("COPY --chown=1000:1000 . .") < max(text.find("uv pip install"), text.find("npm install"))


@pytest.mark.parametrize(
    ("files", "step"),
    [
        ({"package.json": '{"scripts": {"build": "x", "start": "y"}}'}, "npm run build"),
        ({"go.mod": "module x", "main.go": MAIN}, "go build"),
        (
            {
                "requirements.txt": "gunicorn", "manage.py": "django", "x/wsgi.py": "get_wsgi_application",
                "x/settings.py": "STATIC_ROOT = 1",
            },
            "collectstatic",
        ),
    ],
)  # fmt: skip
def test_only_the_apps_own_build_step_sees_the_variables_of_the_build(files: dict[str, str], step: str) -> None:
    text = dockerfile_of(files, ["API_KEY"]).replace("\\\n", "")
    seeing = [line for line in text.splitlines() if "id=API_KEY" in line]
    assert len(seeing) == 1 and step in seeing[0] and "/run/secrets" in seeing[0]


def test_requirements_with_usual_names_keep_their_own_layer() -> None:
    files = {
        "requirements.txt": "-r requirements/base.txt\n-c constraints.txt\nflask",
        "requirements/base.txt": "-r common.txt",
        "requirements/common.txt": "gunicorn",
        "constraints.txt": "flask<4",
        "app.py": WSGI,
    }
    text = dockerfile_of(files)
    assert text.index("uv pip install") < text.index("COPY --chown=1000:1000 . .")


@pytest.mark.parametrize("table", ["[tool.poetry]\npackage-mode = false", "[tool.uv]\npackage = false"])
def test_a_project_that_is_no_package_is_not_installed(table: str) -> None:
    project = f'[project]\nname = "x"\n[build-system]\nrequires = []\n{table}\n'
    assert "-e ." not in dockerfile_of({"pyproject.toml": project, "main.py": ""})


def test_a_lock_file_that_is_not_read_is_said() -> None:
    _, plan = decide({"pyproject.toml": "[project]", "poetry.lock": "", "main.py": ""})
    assert any("poetry.lock is not read" in warning for warning in plan.warnings)


def test_collectstatic_is_run_where_manage_py_is() -> None:
    files = GUNICORN | DJANGO_BELOW | {"back/site/settings.py": "STATIC_ROOT = 1"}
    assert "collectstatic.sh back/manage.py" in dockerfile_of(files)


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": "private @ https://${TOKEN}@example.com/x.whl", "main.py": ""},
        {"pyproject.toml": PRIVATE, "uv.lock": "", "main.py": ""},
        {"pyproject.toml": PRIVATE, "main.py": ""},
        {"package.json": "{}", ".npmrc": "//x/:_authToken=${TOKEN}", "server.js": SERVER},
    ],
)
def test_installing_sees_them_when_the_app_s_files_name_variables(files: dict[str, str]) -> None:
    assert "id=TOKEN" in dockerfile_of(files, ["TOKEN"])
    plain = {"package.json": "{}", "pyproject.toml": "[project]"}
    assert "id=TOKEN" not in dockerfile_of(
        {path: plain.get(path, "") for path in files if path != ".npmrc"} | {"server.js": SERVER, "main.py": ""},
        ["TOKEN"],
    )


@pytest.mark.parametrize("files", [{"index.html": ""}, {"package.json": '{"scripts": {"build": "x"}}'}])
def test_a_broken_static_json_is_a_refusal(files: dict[str, str]) -> None:
    for value in ("[1]", '{"headers": "x"}', '{"redirects": {"/a": 3}}', '{"redirects": {"/a": {}}}'):
        with pytest.raises(BuildError) as caught:
            dockerfile_of(files | {"static.json": value})
        assert caught.value.code in ("buildpack", "buildpack-refused")


def test_every_folder_is_in_the_order() -> None:
    folders = {path.parent.name for path in (Path(__file__).parent.parent / "buildpacks").glob("*/buildpack.toml")}
    assert folders == set(PACKS)


@pytest.mark.parametrize("text", ["\n", " ", "\n ", "\t\n", "a", "-r ", '"', "a.", "dynamic = [", "app: "])
def test_no_file_keeps_a_fact_busy(text: str) -> None:
    """Attack: 1 MB of empty lines in a requirements.txt; the worker can do nothing else while a pattern is matched."""
    content = text * 20_000
    for pack in PACKS.values():
        for name, rule in pack.facts.items():
            started = time.perf_counter()
            re.search(rule.matches, content)
            assert time.perf_counter() - started < 1, name
