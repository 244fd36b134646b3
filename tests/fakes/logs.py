"""Log files in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Condition


class FakeLogs:
    def __init__(self) -> None:
        self._files: dict[str, bytearray] = {}
        self._grown = Condition()

    def writer(self, name: str) -> FakeLogWriter:
        return FakeLogWriter(self, name)

    def append(self, name: str, text: str) -> None:
        with self._grown:
            self._files.setdefault(name, bytearray()).extend(text.encode())
            self._grown.notify_all()

    def text(self, name: str) -> str:
        return bytes(self._files.get(name, b"")).decode()

    def size(self, name: str) -> int:
        return len(self._files.get(name, b""))

    def start(self, name: str) -> int:
        return 0

    def read(self, name: str, offset: int, limit: int = 65536) -> bytes:
        return bytes(self._files.get(name, b"")[offset : offset + limit])

    def tail(self, name: str, lines: int) -> list[str]:
        return self.text(name).splitlines()[-lines:] if lines else []

    def follow(
        self, name: str, offset: int, is_over: Callable[[], bool], timeout: float = 1.0
    ) -> Iterator[tuple[int, bytes]]:
        while True:
            ended = is_over()  # asked before reading: what was written before the end is still read
            chunk = self.read(name, offset)
            offset += len(chunk)
            quiet = False
            if chunk:
                yield offset, chunk
            elif ended:
                return
            else:
                with self._grown:
                    if self.size(name) == offset and not self._grown.wait(timeout):
                        quiet = True
                if quiet:
                    yield offset, b""

    def files(self, folder: str) -> list[str]:
        return sorted(name for name in self._files if name.startswith(f"{folder}/"))

    def remove(self, folder: str) -> None:
        for name in [folder, *self.files(folder)]:
            self._files.pop(name, None)


class FakeLogWriter:
    def __init__(self, logs: FakeLogs, name: str) -> None:
        self._logs = logs
        self._name = name

    def write(self, text: str) -> None:
        self._logs.append(self._name, text if text.endswith("\n") else f"{text}\n")

    def close(self) -> None:
        self._logs.append(self._name, "")
