"""How do we speak to the Docker Engine? Two clients, one way to say that it is down, one filter for what is ours.

https://docs.docker.com/engine/api/ - the version is negotiated: Debian 12 speaks at most 1.41, Engine 29 at least 1.44.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from paas.errors import PaasError, UnavailableError
from paas.ports import EngineFacts
from paas.rules import names

REQUEST_TIMEOUT = 120  # a loaded engine has been seen to take 30 s for a start
CONNECTIONS_KEPT = 32


class Engine:
    """The connection to one engine, seen as one installation."""

    def __init__(self, host: str, installation: str) -> None:
        self.installation = installation
        self._host = host
        self._lock = Lock()
        self._clients: dict[bool, APIClient] = {}

    @property
    def client(self) -> APIClient:
        """For questions that are answered soon."""
        return self._client(is_stream=False)

    @property
    def streams(self) -> APIClient:
        """For answers that may be silent for hours: no read time-out."""
        return self._client(is_stream=True)

    @contextlib.contextmanager
    def talking(self) -> Iterator[Any]:
        """The client, while what goes wrong between us and Docker becomes UnavailableError.

        Its code is `docker-down` or `docker-failed`. (Any: the SDK's stubs leave half of what we call untyped.)
        """
        try:
            yield self.client
        except PaasError:
            raise
        except APIError as error:
            raise UnavailableError(f"Docker failed: {said(error)}", "paas doctor", code="docker-failed") from error
        except (DockerException, RequestException) as error:
            self._forget_clients()
            raise UnavailableError(
                f"Docker does not answer at {self._host}", "start it: systemctl start docker", code="docker-down"
            ) from error

    def open_stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        upgrade: bool = False,
    ) -> requests.Response:
        """A request whose answer is read piece by piece, or (`upgrade`) whose connection becomes a raw stream.

        Raises APIError as the SDK's own calls do.
        """
        client = self.streams
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"} if upgrade else {}
        url = f"{client.base_url}/v{client.api_version}{path}"
        answer = client.request(method, url, params=params, json=json, headers=headers, stream=True, timeout=None)
        if answer.status_code >= 400:
            explanation = answer.json().get("message", answer.reason) if answer.content else answer.reason
            raise APIError(f"{answer.status_code} {answer.reason}", answer, explanation)
        return answer

    def ours(self, **more: str) -> dict[str, list[str]]:
        """The filter that sees this installation only; `app_id` narrows it."""
        labels = [f"{names.LABEL_INSTALLATION}={self.installation}"]
        labels += [f"{label}={value}" for label, value in more.items()]
        return {"label": labels}

    def is_ours(self, labels: Mapping[str, str] | None) -> bool:
        return (labels or {}).get(names.LABEL_INSTALLATION) == self.installation

    def facts(self) -> EngineFacts:
        with self.talking() as client:
            info = client.info()
            return EngineFacts(
                version=info["ServerVersion"],
                api_version=client.api_version,
                live_restore=bool(info.get("LiveRestoreEnabled")),
                cgroup_version=int(info.get("CgroupVersion") or 1),
                storage_driver=info.get("Driver", ""),
                root=info.get("DockerRootDir", ""),
            )

    def _client(self, *, is_stream: bool) -> APIClient:
        with self._lock:
            if is_stream not in self._clients:
                self._clients[is_stream] = APIClient(
                    base_url=self._host,
                    version="auto",
                    timeout=None if is_stream else REQUEST_TIMEOUT,  # type: ignore[arg-type]  # None: no time-out
                    max_pool_size=CONNECTIONS_KEPT,
                )
            return self._clients[is_stream]

    def _forget_clients(self) -> None:
        """The engine that comes back may speak other versions."""
        with self._lock:
            self._clients.clear()


def said(error: APIError) -> str:
    """Docker's own words on one line."""
    return " ".join(str(error.explanation or error).split())
