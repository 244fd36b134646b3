"""What does this process hold open?"""

from __future__ import annotations

import contextlib
from pathlib import Path


def inotify_instances() -> int:
    """Those of readers that have just ended may be among them for a moment more."""
    names = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile, as is the one of this listing
            names.append(entry.readlink().name)
    return names.count("anon_inode:inotify")
