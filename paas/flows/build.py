"""How does a source become an image? Choose a builder, say why, build, and write the image down.

The image's tag follows from the job, so a job that is run again finds what it had built. It is an HMAC: 128 bits that
no other tenant's Dockerfile can guess.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from paas.context import WorkerPlatform
from paas.errors import BuildError
from paas.flows.receive import Received
from paas.flows.say import JobLog
from paas.flows.step import step
from paas.flows.variables import read_config
from paas.flows.work import Work
from paas.model import App, Image, select
from paas.ports import BuildOrder, ImageFacts
from paas.rules import names
from paas.rules.builder import BuilderChoice, BuilderWish, files_below, read_below
from paas.rules.builder import choose_builder as decide_builder
from paas.rules.buildpack import parse_buildpack
from paas.rules.buildpack_plan import DOCKERFILE_PATH, BuildpackPlan, plan_build, template_facts
from paas.rules.config import Config, Variable, check_key, check_value
from paas.rules.formation import WEB
from paas.rules.manifest import APP_JSON, Manifest, first_values, parse_manifest
from paas.rules.port import choose_port
from paas.rules.procfile import PROCFILE, parse_procfile
from paas.rules.recipe import (
    Recipe,
    check_runnable,
    choose_processes,
    unknown_processes,
    unset_variables,
    write_manifest,
)
from paas.rules.secret import Secret


@dataclass(frozen=True)
class BuildPlan:
    """All that is decided before the build. `adopted`: variables that app.json gives and nobody has set."""

    app: App
    source: Received
    choice: BuilderChoice
    pack: BuildpackPlan | None
    recipe: Recipe
    config: Config
    adopted: Config

    @property
    def secrets(self) -> dict[str, Secret]:
        """Variables marked `build`."""
        return {key: variable.value for key, variable in self.config.items() if variable.is_build}


# --- Detect -----------------------------------------------------------------------------------------------------------
@step("detect", phase="detect")
def choose_builder(on: WorkerPlatform, work: Work, app: App, source: Received, say: JobLog) -> BuildPlan:
    """Read what the source says of itself. Raises BuildError or BadInputError before anything is built."""
    settings = app.build_settings
    build_dir = str(settings.get("build-dir", ""))
    wish = BuilderWish(app.builder or "", build_dir, str(settings.get("dockerfile-path", "")))
    files = files_below([file.path for file in on.sources.files(source.path)], build_dir)
    read = read_below(partial(on.sources.read, source.path), build_dir)
    packs = {name: parse_buildpack(name, text) for name, text in on.templates.buildpacks().items()}
    choice = decide_builder(wish, packs, files, read)
    say.header(choice.reason)
    pack = None
    if choice.buildpack is not None and choice.facts is not None:
        pack = plan_build(choice.buildpack, choice.facts, on.builder.base_origin())
        _say_plan(pack, say)
    procfile = read(PROCFILE)
    app_json = read(APP_JSON)
    manifest = parse_manifest(app_json) if app_json is not None else Manifest()
    for warning in manifest.warnings:
        say.remark(warning)
    parsed = parse_procfile(procfile) if procfile is not None else None
    processes = choose_processes(parsed, pack.processes if pack else {})
    recipe = Recipe(processes, parsed.release if parsed else None, manifest)
    for place in unknown_processes(recipe):
        say.remark(f"{APP_JSON}: {place} does nothing here: there is no such process")
    config, adopted = _read_variables(on, app, manifest)
    say.hide(adopted)
    return BuildPlan(app, source, choice, pack, recipe, config, adopted)


def _say_plan(pack: BuildpackPlan, say: JobLog) -> None:
    for line in pack.lines:
        say(line)
    for warning in pack.warnings:
        say.remark(warning)


def _read_variables(on: WorkerPlatform, app: App, manifest: Manifest) -> tuple[Config, Config]:
    """(config, what app.json adds to it). Raises BadInputError (code `config-missing`) before the build."""
    with on.database.read() as session:
        config = read_config(on, session, app.id)
    asked = unset_variables(manifest.variables, is_first=app.current_release_id is None)
    added = first_values(asked, config, lambda: secrets.token_hex(32))
    return config, {check_key(key): Variable(Secret(check_value(key, value))) for key, value in added.items()}


# --- Build ------------------------------------------------------------------------------------------------------------
@step("build", phase="build")
def build_image(on: WorkerPlatform, work: Work, plan: BuildPlan, say: JobLog, no_cache: bool) -> Image:
    """Build unless this job has built already. Raises BuildError with the last relevant lines."""
    with on.database.read() as session:
        recorded = session.scalar(select(Image).where(Image.job_id == work.job.id))
    if recorded is not None:
        return recorded
    tag = names.image_tag(plan.app.id, on.vault.sign(f"image {work.job.id}")[:32])
    facts = on.runtime.image(tag)
    if facts is None:
        on.builder.build(_order(on, work, plan, tag, say, no_cache), say, work.is_cancelled, work.started)
        work.check()
        facts = on.runtime.image(tag)
    if facts is None:
        raise BuildError("The build ended without an image", "push again", code="build-failed")
    check_runnable(plan.recipe.processes, bool(facts.entrypoint or facts.command))
    _say_port(plan, facts, say)
    return record_image(on, work, plan, tag, facts)


def _order(on: WorkerPlatform, work: Work, plan: BuildPlan, tag: str, say: JobLog, no_cache: bool) -> BuildOrder:
    app, settings = plan.app, plan.app.build_settings
    commit = plan.source.row.commit
    revision = {"SOURCE_VERSION": commit, "GIT_REV": commit} if commit else {}
    arguments: Mapping[str, str] = settings.get("arguments", {}) if plan.pack is None else {}
    return BuildOrder(
        app_id=app.id,
        app_name=app.name,
        tag=tag,
        source=plan.source.path,
        context=str(settings.get("build-dir", "")),
        dockerfile=DOCKERFILE_PATH if plan.pack else plan.choice.dockerfile,
        files=_pack_files(on, plan, say),
        target=str(settings.get("target", "")) if plan.pack is None else "",
        arguments={**arguments, **revision, "PAAS_APP": app.name},
        secrets=plan.secrets,
        cache_key=_cache_key(on, plan),
        labels={
            names.LABEL_INSTALLATION: on.installation, names.LABEL_APP_ID: app.id, names.LABEL_JOB: str(work.job.id)
        },
        no_cache=no_cache,
        job_id=work.job.id,
    )  # fmt: skip


def _pack_files(on: WorkerPlatform, plan: BuildPlan, say: JobLog) -> Mapping[str, bytes]:
    """A buildpack's Dockerfile and what belongs to it."""
    if plan.pack is None:
        return {}
    references = {role: on.builder.base(name, say).reference for role, name in plan.pack.bases.items()}
    return on.templates.render(plan.pack.buildpack, template_facts(plan.pack, references, sorted(plan.secrets)))


def _cache_key(on: WorkerPlatform, plan: BuildPlan) -> str:
    """Layers are shared within one app and one set of build secrets, else one tenant is served another's layer."""
    values = {key: value.reveal() for key, value in sorted(plan.secrets.items())}
    return on.vault.sign(json.dumps([plan.app.id, values]))


def _say_port(plan: BuildPlan, facts: ImageFacts, say: JobLog) -> None:
    wish = plan.config.get("PORT")
    if WEB in plan.recipe.processes and len(facts.exposed_ports) > 1 and wish is None:
        port = choose_port(None, facts.exposed_ports)
        say.remark(f"web gets port {port.number}: {port.reason}")


@step("image")
def record_image(on: WorkerPlatform, work: Work, plan: BuildPlan, tag: str, facts: ImageFacts) -> Image:
    image = Image(
        app_id=plan.app.id,
        source_id=plan.source.row.id,
        job_id=work.job.id,
        docker_id=facts.id,
        tag=tag,
        builder=plan.choice.builder,
        size=facts.size,
        processes=dict(plan.recipe.processes),
        manifest=write_manifest(plan.recipe),
        exposed_port=min(facts.exposed_ports, default=None),
        created_at=on.clock.now(),
    )
    with on.database.write() as session:
        session.add(image)
    return image
