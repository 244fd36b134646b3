"""Images that tests run: made once per machine from Debian packages, no registry asked."""

from __future__ import annotations

import fcntl
import subprocess
import tempfile
from pathlib import Path

import docker
from docker.errors import ImageNotFound

PYTHON_IMAGE = "paas-test-python:latest"  # Debian with sh, perl and python3
LOCK = Path(tempfile.gettempdir()) / "paas-test-images.lock"


def python_image() -> str:
    """The reference of an image with a shell and Python; takes some 20 s the first time."""
    client = docker.from_env()
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be at it
        try:
            client.images.get(PYTHON_IMAGE)
        except ImageNotFound:
            _make(PYTHON_IMAGE)
    client.close()
    return PYTHON_IMAGE


def _make(reference: str) -> None:
    with tempfile.TemporaryDirectory(prefix="paas-test-image-") as folder:
        tree = Path(folder) / "tree.tar"
        subprocess.run(
            ["mmdebstrap", "--mode=root", "--variant=minbase", "--include=python3", "bookworm", str(tree)],
            check=True,
            capture_output=True,
        )
        subprocess.run(
            ["docker", "import", "--change", 'CMD ["sh"]', str(tree), reference], check=True, capture_output=True
        )
