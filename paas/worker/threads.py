"""How does the worker start a thread? As a daemon with a small stack: there is one per container and per job."""

from __future__ import annotations

import threading
from collections.abc import Callable

STACK = 512 * 1024
_lock = threading.Lock()


def start_thread(target: Callable[[], object], name: str) -> threading.Thread:
    """A daemon: what it does must stand being cut off, as by kill -9."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    with _lock:
        before = threading.stack_size(STACK)  # is the process's, and taken by the next thread to start
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    return thread
