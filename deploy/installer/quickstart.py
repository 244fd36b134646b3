"""From a bare machine to an app that was pushed with git. On a machine that has an older release: the upgrade."""

from __future__ import annotations

import argparse
from concurrent.futures import Future
from pathlib import Path

from installer import firstapp, person, service
from installer.addresses import advice, own_addresses
from installer.engine import start_engine
from installer.firstapp import Facts
from installer.packages import install_packages, missing_packages
from installer.release import Release, install_release, release_of, remove_old_releases
from installer.steps import Steps, run
from installer.wishes import Wishes, read_wishes, write_config

CHECKOUT = Path(__file__).resolve().parents[2]
QUICKSTART_PORTS = {"http_port": 8080, "https_port": 8443}
BASE_HINT = "Debian's package mirror must be reachable, see /etc/apt/sources.list.d; then run it again"


def quickstart(words: list[str], steps: Steps) -> None:
    """1. packages, beside them the release  2. Docker  3. the platform, beside it the base image  4. the first app."""
    argparse.ArgumentParser(prog="deploy/quickstart", description=__doc__).parse_args(words)
    write_config(QUICKSTART_PORTS)
    wishes = read_wishes()
    release = install(wishes, steps)
    base = begin_base_image(release, steps)
    service.bring_up(release, wishes, steps)
    who = person.caller()
    with steps.step("Administrator and SSH key"):
        password = firstapp.make_admin(release)
        token = firstapp.make_token(release, wishes)
        facts = _facts(wishes, token, password)
        firstapp.write_facts(wishes, facts)  # at once: the password is never shown again
        person.make_key(who)
        firstapp.add_key(release, who.public_key.read_text(), who.key_name)
        person.trust_host_key(who, wishes)
    base.result()
    with steps.step("App hello, by git push"):
        folder = firstapp.deploy_hello(release, who, wishes)
    with steps.step("Fetching its page through nginx"):
        firstapp.fetch_page(wishes)
    remove_old_releases(wishes)
    _tell(facts, wishes, folder, steps, is_new=bool(password))


def install(wishes: Wishes, steps: Steps) -> Release:
    """Packages, this checkout's release and a Docker Engine."""
    packages = missing_packages(wishes.packages)
    if "git" in packages:  # it names the release
        install_packages(["git"])
        packages.remove("git")
    release = release_of(CHECKOUT, wishes)
    installed = steps.beside(f"Release {release.name}", lambda: install_release(CHECKOUT, release, wishes))
    with steps.step(f"Debian packages: {' '.join(packages) or 'all are here'}"):
        install_packages(packages)
    with steps.step("Docker Engine"):
        steps.say(start_engine(wishes.docker_host))
    installed.result()
    return release


def begin_base_image(release: Release, steps: Steps) -> Future[str]:
    """It is made while the platform starts; only the push needs it."""
    run([release.paas, "setup"], service.LOG_HINT)  # it carries the installation's id
    return steps.beside("Base image for Python apps", lambda: run([release.paas, "base"], BASE_HINT))


def _facts(wishes: Wishes, token: str, password: str) -> Facts:
    dashboard = wishes.url(f"paas.{wishes.domain}")
    return Facts(
        app_url=wishes.url(f"{firstapp.APP}.{wishes.domain}"),
        dashboard_url=dashboard,
        api_url=f"{dashboard}api/v1",
        api_token=token,
        git_remote=person.git_remote(wishes, firstapp.APP),
        ssh_command=" ".join(person.ssh_words(wishes)),
        paas_command=str(wishes.wrapper),
        admin_user=firstapp.ADMIN,
        admin_password=password or firstapp.read_facts(wishes).get("admin_password", ""),
    )


def _tell(facts: Facts, wishes: Wishes, folder: Path, steps: Steps, *, is_new: bool) -> None:
    """What a person wants to know now, and the next three things to try."""
    kept = f"see {firstapp.facts_file(wishes)}" if facts.admin_password else "as deploy/install showed it"
    password = facts.admin_password if is_new else f"unchanged, {kept}"
    others = " ".join(wishes.url(address) for address in own_addresses()[:1])
    print(f"""
  Your app      {facts.app_url}
  Dashboard     {facts.dashboard_url}  {others}
  Sign in       {facts.admin_user}   password: {password}
  Git remote    {facts.git_remote}
  SSH           {facts.ssh_command}

  Try next
    1. change a line and push again:   cd {folder} && git commit --allow-empty -m again && git push paas main
    2. push an app of your own:        git remote add paas {person.git_remote(wishes, "myapp")} && git push paas main
    3. look around:                    {facts.ssh_command} help      {facts.ssh_command} logs {firstapp.APP}
""")
    for line in advice(wishes):
        print(f"  {line}")
    print(f"\n  Ready after {steps.elapsed():.0f} s. These facts are kept in {firstapp.facts_file(wishes)}.")
