"""May this push deploy, now that its turn has come? Decided from rows alone: git is not asked again."""

from __future__ import annotations

from paas.errors import ConflictError
from paas.rules.jobs import Push


def check_turn(push: Push, branch_commit: str | None) -> None:
    """Raise ConflictError (code `branch-moved`) when the branch moved in a way that the push does not know.

    branch_commit: where the deploy branch stands by now. It must be the value that the pusher saw, or a commit that the
    pushed one descends from (git was asked when the push was queued). None: nothing was deployed from it yet.
    """
    if branch_commit is None or branch_commit in (push.old, push.new, *push.descends_from):
        return
    raise ConflictError(
        f"{push.branch} moved while you waited: fetch and push again",
        f"git pull --rebase paas {push.branch} && git push paas {push.branch}",
        code="branch-moved",
    )
