"""How does the worker start a thread? As a daemon: what it does must stand being cut off, as by kill -9."""

from __future__ import annotations

import threading
from collections.abc import Callable

SMALL = 512 * 1024  # for threads that mostly wait: there is one for each container

_lock = threading.Lock()


def start_thread(target: Callable[[], object], name: str, stack: int = 0) -> threading.Thread:
    """`stack` in bytes; 0: the system's size."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    with _lock:
        before = threading.stack_size(stack)  # is the process's, and taken by the next thread to start
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    return thread
