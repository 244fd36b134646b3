"""What may the worker be asked to do? A closed set of typed orders, validated when queued and again when run.

No order carries a Docker option, a host path, a host command or a readable secret: a broken web process can write rows.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from paas.errors import BadInputError

Commit = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{40,64}\z")]
Ref = Annotated[str, StringConstraints(pattern=r"\Arefs/[^\x00-\x20\x7f]{1,500}\z")]
ProcessType = Annotated[str, StringConstraints(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,31}\z")]
Count = Annotated[int, Field(ge=0, le=40)]
Sealed = Annotated[str, StringConstraints(pattern=r"\A[A-Za-z0-9+/=]*\z", max_length=2_000_000)]  # the vault's, base64


class Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Push(Order):
    """What git knew when the push was queued; the worker decides from this and `branch_commit` alone."""

    branch: str
    old: Commit | None
    new: Commit
    descends_from: tuple[Commit, ...] = ()  # of branch_commit and the commits ahead in the queue, those that `new` has
    tags: dict[Ref, Commit] = {}


class Deploy(Order):
    kind: Literal["deploy"] = "deploy"
    source_id: int
    push: Push | None = None
    no_cache: bool = False


class ApplyConfig(Order):
    """Roll the app with a config change (a row in config_change)."""

    kind: Literal["config"] = "config"
    change_id: int


class Rollback(Order):
    kind: Literal["rollback"] = "rollback"
    version: int = Field(ge=1)


class Rebuild(Order):
    """Build the current source again and release it."""

    kind: Literal["rebuild"] = "rebuild"
    no_cache: bool = False


class Restart(Order):
    kind: Literal["restart"] = "restart"
    process_types: tuple[ProcessType, ...] = ()  # empty: all


class Scale(Order):
    kind: Literal["scale"] = "scale"
    counts: dict[ProcessType, Count]


class Stop(Order):
    kind: Literal["stop"] = "stop"


class Start(Order):
    kind: Literal["start"] = "start"


class Repair(Order):
    """Start anew what is recorded and gone; queued by the reconciler."""

    kind: Literal["repair"] = "repair"


class Destroy(Order):
    kind: Literal["destroy"] = "destroy"


class RunDetached(Order):
    """A one-off nobody watches. The words are given to the app's own container."""

    kind: Literal["run"] = "run"
    command: tuple[str, ...] = Field(min_length=1)
    variables: Sealed = ""  # beside the app's: JSON {key: value}


class StopRuns(Order):
    """End one-offs of an app, watched and detached ones."""

    kind: Literal["stop-run"] = "stop-run"
    numbers: tuple[int, ...] = ()  # as run:list shows them; empty: all


class Route(Order):
    """Render all sites as the database says; global."""

    kind: Literal["route"] = "route"


class Prune(Order):
    """Remove images past settings.images_kept, sources nobody needs, build cache over its limit; global."""

    kind: Literal["prune"] = "prune"


AnyOrder = (
    Deploy | ApplyConfig | Rollback | Rebuild | Restart | Scale | Stop | Start | Repair | Destroy | RunDetached
    | StopRuns | Route | Prune
)  # fmt: skip
KINDS: dict[str, type[Order]] = {order.model_fields["kind"].default: order for order in get_args(AnyOrder)}
HEAVY = frozenset({"deploy", "rebuild"})
GLOBAL = frozenset({"route", "prune"})


class ConsoleOrder(Order):
    """An interactive session: a one-off of the current release (`run`) or a command in a running copy (`enter`)."""

    kind: Literal["run", "enter"]
    command: tuple[str, ...] = ()  # empty: a shell
    variables: Sealed = ""  # run: beside the app's
    process: str = ""  # enter: "web.1"
    tty: bool = False
    columns: int = Field(default=80, ge=1, le=1000)
    rows: int = Field(default=24, ge=1, le=1000)


def read_order(kind: str, payload: dict[str, object]) -> Order:
    """The typed order of a job row. Raises BadInputError (code `bad-job`) for anything else."""
    known = KINDS.get(kind)
    if known is None:
        raise BadInputError(f"Unknown job kind {kind[:40]!a}", code="bad-job")
    try:
        return known.model_validate(payload)
    except ValidationError as error:
        raise BadInputError(f"Job {kind}: {error.errors()[0]['msg']}", code="bad-job") from None
