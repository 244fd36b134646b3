"""What is it called? Names that the platform gives to things outside its database, and the grammar of given names.

Networks, volumes, image tags and log folders carry the immutable app id, never the name: renaming an app is a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from paas.errors import BadInputError

APP_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
APP_ID_LENGTH = 8
LONGEST_APP_NAME = 32  # a name is a DNS label (63) and leaves room for a demo's suffix

RESERVED_APP_NAMES = frozenset(
    {"paas", "demo", "demos", "www", "api", "admin", "dashboard", "localhost", "help", "host", "global", "all", "none"}
)

_APP_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_PROCESS_TYPE = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?", re.ASCII | re.IGNORECASE)
_APP_ID = re.compile(r"[a-z0-9]{1,32}", re.ASCII)
_CONTAINER = re.compile(r"paas-(?P<app>[a-z0-9]{8})-(?P<type>[A-Za-z0-9_-]+)-(?P<copy>\d+)-r(?P<rollout>\d+)", re.ASCII)

_RUN = re.compile(r"paas-[a-z0-9]{8}-run-j(?P<number>[0-9]{1,18})", re.ASCII)

LABEL_APP = "paas.app"
LABEL_APP_ID = "paas.app_id"
LABEL_TYPE = "paas.type"
LABEL_COPY = "paas.copy"
LABEL_RELEASE = "paas.release"
LABEL_ROLLOUT = "paas.rollout"
LABEL_INSTALLATION = "paas.installation"
LABEL_JOB = "paas.job"  # one-offs, release tasks and builds: the job they belong to

CHILD_MARK = "PAAS_WORKER_CHILD"  # a variable of the programs that a worker starts and its successor may kill

TYPE_RUN = "run"  # one-offs
TYPE_RELEASE_TASK = "release"  # the `release:` line of the Procfile and app.json's deploy scripts
RESERVED_PROCESS_TYPES = frozenset({TYPE_RUN, TYPE_RELEASE_TASK})


def check_app_name(name: str) -> str:
    """Return `name` if an app may be called so, else raise BadInputError (code `app-name`)."""
    if len(name) > LONGEST_APP_NAME:
        raise BadInputError(
            f"App names have at most {LONGEST_APP_NAME} characters, this one has {len(name)}", code="app-name"
        )
    if not _APP_NAME.fullmatch(name):
        raise BadInputError(
            f"{name!a} cannot be an app name" if name else "An app needs a name",
            "use lower-case letters, digits and hyphens, beginning and ending with a letter or digit: my-app-2",
            code="app-name",
        )
    if name in RESERVED_APP_NAMES:
        raise BadInputError(f"The name {name} is reserved by the platform", "choose another name", code="app-name")
    return name


def check_process_type(name: str) -> str:
    """Return `name` if a process may be called so, else raise BadInputError (code `process-type`)."""
    if len(name) > 32 or not _PROCESS_TYPE.fullmatch(name):
        raise BadInputError(
            f"{name[:40]!a} cannot be a process name",
            "use letters, digits, - and _: web, worker-2",
            code="process-type",
        )
    return name


def is_app_id(app_id: str) -> bool:
    """Ids come from rows that a broken door may have written, and become parts of paths: `x/../../etc` is none."""
    return _APP_ID.fullmatch(app_id) is not None


def check_app_id(app_id: str) -> str:
    """Return `app_id` if it can be one, else raise BadInputError (code `app-id`)."""
    if not is_app_id(app_id):
        raise BadInputError(f"{app_id[:40]!a} is no app's id", code="app-id")
    return app_id


def container_name(app_id: str, process_type: str, copy: int, rollout: int) -> str:
    """`paas-<app id>-<type>-<copy>-r<rollout>`; unique per start of a copy."""
    return f"paas-{check_app_id(app_id)}-{process_type}-{copy}-r{rollout}"


def task_container_name(app_id: str, process_type: str, job_id: int) -> str:
    """The one-off container of a job: found again by name when the job is resumed."""
    return f"paas-{check_app_id(app_id)}-{process_type}-j{job_id}"


def run_number(container: str) -> int | None:
    """The number of a one-off's container, None for anything else."""
    match = _RUN.fullmatch(container)
    return int(match["number"]) if match else None


def run_name(app_name: str, number: int) -> str:
    """What people call a one-off: `blog.run.17`."""
    return f"{app_name}.{TYPE_RUN}.{number}"


@dataclass(frozen=True)
class ContainerName:
    app_id: str
    process_type: str
    copy: int
    rollout: int


def parse_container_name(name: str) -> ContainerName | None:
    """The parts of a copy's container name, None for anything else."""
    match = _CONTAINER.fullmatch(name)
    if not match:
        return None
    return ContainerName(match["app"], match["type"], int(match["copy"]), int(match["rollout"]))


def network_name(app_id: str) -> str:
    """The app's network and its bridge (Linux: at most 15 characters)."""
    return f"paas-{check_app_id(app_id)}"


def image_repository(app_id: str) -> str:
    return f"paas/{check_app_id(app_id)}"


def image_tag(app_id: str, token: str) -> str:
    """`token`: 128 random bits in hex, so that no other tenant's Dockerfile can guess it."""
    return f"{image_repository(app_id)}:{token}"


def is_image_of(tag: str, app_id: str) -> bool:
    """Was it made for this app? What a row says of an image is not enough to remove it."""
    return tag.startswith(f"{image_repository(app_id)}:")


def site_name(app_id: str) -> str:
    """The file of an app's nginx site, without folder."""
    return f"app-{check_app_id(app_id)}.conf"


def log_folder(app_id: str) -> str:
    """Below `logs/`: the folder of an app's process logs."""
    return check_app_id(app_id)


def process_log(process_type: str, copy: int) -> str:
    """The log file of one copy, kept over redeploys."""
    return f"{process_type}.{copy}.log"


def display_name(process_type: str, copy: int) -> str:
    """What people call a copy: `web.1`."""
    return f"{process_type}.{copy}"
