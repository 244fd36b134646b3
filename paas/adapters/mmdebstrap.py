"""How is an image made where no registry answers? mmdebstrap makes a tree of Debian packages, the engine imports it.

The tar streams from one into the other. Both are watched: nothing is left when either fails, and what a killed worker
left (a folder in memory, a running mmdebstrap) is ended by the next one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from docker.errors import DockerException

from paas.adapters.buildkit_client import SEARCH_PATH
from paas.adapters.docker_engine import Engine
from paas.errors import BuildError, UnavailableError
from paas.ports import Say
from paas.rules.bases import LABEL_BASE, Recipe, apt_sources, mmdebstrap_words
from paas.settings import Settings

TMPFS_NEEDED = 3_000_000_000  # bytes of free memory from which the tree is made in memory: 15 s instead of 23 s
MAKER = "maker.pid"
APT_SOURCES = Path("/etc/apt")


class Mmdebstrap:
    """`make` must not run twice at once for one name: whoever calls it holds a lock."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine

    def make(self, recipe: Recipe, certificates: Mapping[str, str], uv: Path | None, say: Say) -> str:
        """The image's id, without a tag. `certificates`: file name -> PEM. Raises BuildError."""
        if not shutil.which("mmdebstrap", path=SEARCH_PATH):
            raise UnavailableError("mmdebstrap is missing, base images cannot be made", "apt-get install mmdebstrap")
        with self._workspace(recipe.name) as folder:
            added = [(str(folder / name), "/usr/local/share/ca-certificates") for name in certificates]
            for name, text in certificates.items():
                (folder / name).write_text(text)
            added += [(str(uv), "/usr/local/bin")] if uv else []
            sources = folder / "sources.list"
            sources.write_text(apt_sources(recipe.suite, _host_sources()))
            # A mount namespace of its own: whatever is mounted into the tree is gone with the last process.
            words = ["unshare", "--mount", "--propagation=private", *mmdebstrap_words(recipe, str(sources), added)]
            return self._run(recipe, words, folder, say)

    def _run(self, recipe: Recipe, words: list[str], folder: Path, say: Say) -> str:
        process = subprocess.Popen(
            words,
            env=self._environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        lines: list[str] = []
        try:
            (folder / MAKER).write_text(str(process.pid))
            with ThreadPoolExecutor(1) as pool:
                importing = pool.submit(self._import, recipe, process)
                assert process.stderr is not None  # noqa: S101 - for the type checker
                for raw in process.stderr:
                    lines.append(raw.decode("utf-8", "replace").strip())
                    if lines[-1].startswith("I: ") and lines[-1].endswith("...") and str(folder) not in lines[-1]:
                        say(f"  {lines[-1].removeprefix('I: ').removesuffix('...')}")
                code = process.wait()
                answer = importing.result()
        finally:
            _stop(process)
        return self._check(recipe, code, answer, lines)

    def _environment(self, folder: Path) -> dict[str, str]:
        proxy = self._settings.build_http_proxy
        return {
            "PATH": SEARCH_PATH,
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "TMPDIR": str(folder),
            "DEBIAN_FRONTEND": "noninteractive",
            **({"http_proxy": proxy, "https_proxy": proxy} if proxy else {}),
        }

    def _import(self, recipe: Recipe, process: subprocess.Popen[bytes]) -> str:
        changes = [f"LABEL {LABEL_BASE}={recipe.name}", f"ENV PATH={SEARCH_PATH}", 'CMD ["bash"]']
        try:
            with self._engine.talking():
                answer: str = self._engine.client.import_image_from_stream(process.stdout, changes=changes)
        finally:
            if process.stdout is not None:
                process.stdout.close()  # when the engine is lost, mmdebstrap would wait for a reader for ever
        return answer

    def _check(self, recipe: Recipe, code: int, answer: str, lines: list[str]) -> str:
        last = json.loads(answer.strip().splitlines()[-1]) if answer.strip() else {}
        image_id = str(last.get("status", ""))
        if code == 0 and image_id.startswith("sha256:"):
            return image_id
        if image_id.startswith("sha256:"):
            with contextlib.suppress(DockerException):
                self._engine.client.remove_image(image_id)
        errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
        why = errors[0] if errors else str(last.get("error", f"exit code {code}"))
        raise BuildError(
            f"The base image {recipe.name} could not be made: {why[:300]}",
            "see whether the server reaches its Debian mirror: apt-get update",
            code="base-image",
            tail=tuple(lines[-15:]),
        )

    @contextlib.contextmanager
    def _workspace(self, name: str) -> Iterator[Path]:
        """A folder in memory where there is enough; what a killed maker left there is removed first."""
        parent = _fastest_folder(self._settings.folder("docker"))
        prefix = f"paas-base-{name}-{hashlib.sha256(str(self._settings.home).encode()).hexdigest()[:8]}-"
        for left in parent.glob(f"{prefix}*"):
            _end_maker(left)
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=prefix, ignore_cleanup_errors=True) as folder:
            yield Path(folder)


def _host_sources() -> list[str]:
    files = [APT_SOURCES / "sources.list", *sorted((APT_SOURCES / "sources.list.d").glob("*"))]
    return [
        file.read_text(errors="replace") for file in files if file.suffix in (".list", ".sources") and file.is_file()
    ]


def _fastest_folder(fallback: Path) -> Path:
    memory, shared = Path("/proc/meminfo"), Path("/dev/shm")  # noqa: S108 - a 0700 folder is made in it
    available = next(
        int(line.split()[1]) * 1024 for line in memory.read_text().splitlines() if line.startswith("MemAvailable")
    )
    is_fit = shared.is_dir() and not os.statvfs(shared).f_flag & os.ST_NOEXEC
    if is_fit and min(available, shutil.disk_usage(shared).free) >= TMPFS_NEEDED:
        return shared
    fallback.mkdir(mode=0o700, parents=True, exist_ok=True)
    return fallback


def _end_maker(folder: Path) -> None:
    """Kill the mmdebstrap of a killed worker, known by the folder in its command line."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / MAKER).read_text())
        if folder.name.encode() in Path("/proc", str(pid), "cmdline").read_bytes():
            os.killpg(pid, signal.SIGKILL)
            time.sleep(0.2)  # until its children's files are closed; only after a crash


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
