"""How do web, ssh and worker share what all of them load? They are forked from one process that has loaded it.

Each alone would hold some 50 MiB of the same libraries. The supervisor writes one line of JSON for each process that it
wants (a ChildPlan) and reads its pid. The new process is forked twice, so that it becomes the child of the supervisor
(prctl(2), PR_SET_CHILD_SUBREAPER), which sees it end; the nursery may die without any harm to those it bore.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from setproctitle import setproctitle

from paas.rules.supervision import ChildPlan

SET_DEATH_SIGNAL, SET_NO_NEW_PRIVILEGES = 1, 38  # prctl(2)
ADOPTION_TIMEOUT = 5.0

_libc = ctypes.CDLL(None, use_errno=True)


def serve(run: Callable[[str], None]) -> None:
    """Bear processes until stdin ends. `run` is what a new process does, given its name; it ends with it."""
    setproctitle("paas nursery")
    supervisor = os.getppid()
    gc.collect()
    gc.freeze()  # the collector would write into, and so copy, every page that is shared
    for line in sys.stdin:
        print(_bear(json.loads(line), supervisor, run), flush=True)


def _bear(plan: Mapping[str, Any], supervisor: int, run: Callable[[str], None]) -> int:
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            os.close(writing)
            _live(ChildPlan.from_json(plan), supervisor, run)
        os.write(writing, str(pid).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        pid = int(answer.read())
    os.waitpid(middle, 0)
    return pid


def _live(plan: ChildPlan, supervisor: int, run: Callable[[str], None]) -> NoReturn:
    """Become what the plan says, in this order: the kernel forgets the death signal when the user changes."""
    code = 1
    try:
        _await_adoption(supervisor)
        _leave_the_nursery()
        if plan.user:
            _become_user(plan)
        _prctl(SET_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() != supervisor:  # it died before it could be told
            os._exit(1)
        setproctitle(f"paas {plan.name}")
        run(plan.name)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def _await_adoption(supervisor: int) -> None:
    deadline = time.monotonic() + ADOPTION_TIMEOUT
    while os.getppid() != supervisor and time.monotonic() < deadline:
        time.sleep(0.001)


def _leave_the_nursery() -> None:
    """A session of its own, and none of the pipes to the supervisor: stdout goes where stderr goes."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)


def _become_user(plan: ChildPlan) -> None:
    import grp
    import pwd

    user = pwd.getpwnam(plan.user)
    group = grp.getgrnam(plan.group).gr_gid if plan.group else user.pw_gid
    os.setgroups([grp.getgrnam(name).gr_gid for name in plan.groups])
    os.setresgid(group, group, group)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    _prctl(SET_NO_NEW_PRIVILEGES, 1)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
