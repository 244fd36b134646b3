"""How does a container of ours live? Created, started, stopped, awaited and looked at, always by its name."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from docker.errors import APIError, NotFound
from requests.exceptions import ConnectionError as RequestConnectionError
from requests.exceptions import ReadTimeout

from paas.adapters.docker_engine import Engine, said
from paas.adapters.docker_specs import container_config, container_from_inspect, container_from_list
from paas.errors import DeployError
from paas.ports import Container, ContainerSpec, IsCancelled
from paas.rules import names

NAME_TIMEOUT = 10  # a name that Docker says is taken is waited for this long (s)
NAME_PAUSE = 0.02
CANCEL_GLANCE = 0.5  # a wait looks this often after a wish to cancel (s)


class DockerContainers:
    """The part of ports.Runtime that is about containers."""

    _engine: Engine

    def containers(self, app_id: str | None = None) -> list[Container]:
        """One question for all that run, one more for each that does not: only those have an end to tell of."""
        narrowed = {names.LABEL_APP_ID: app_id} if app_id else {}
        with self._engine.talking() as client:
            listed = client.containers(all=True, filters=self._engine.ours(**narrowed))
            shown = [
                container_from_list(entry)
                if entry["State"] == "running" and app_id is None
                else self._inspect(entry["Id"])
                for entry in listed
            ]
        return [container for container in shown if container is not None]

    def find(self, name: str) -> Container | None:
        with self._engine.talking():
            return self._inspect(name)

    def create(self, spec: ContainerSpec) -> Container:
        with self._engine.talking():
            self._create(spec)
            return self._found(spec.name)

    def start(self, spec: ContainerSpec) -> Container:
        with self._engine.talking():
            self._create(spec)
            return self._run(spec.name)

    def start_again(self, name: str) -> Container:
        with self._engine.talking():
            if self._found(name).state == "paused":
                self._engine.client.unpause(name)
            return self._run(name)

    def stop(self, name: str, timeout: float) -> None:
        with self._engine.talking():
            found = self._inspect(name)
            if found is None or found.state not in ("running", "paused", "restarting"):
                return
            try:
                if found.state == "paused":
                    self._engine.client.unpause(name)  # else the signal waits, and the whole time-out with it
                self._engine.client.stop(name, timeout=math.ceil(timeout))
            except NotFound:
                return

    def kill(self, name: str) -> None:
        with self._engine.talking():
            found = self._inspect(name)
            if found is None or found.state not in ("running", "paused", "restarting"):
                return
            try:
                self._engine.client.kill(name)
            except APIError as error:
                if error.status_code not in (404, 409):  # gone, or ended by itself a moment ago
                    raise

    def remove(self, name: str) -> None:
        with self._engine.talking():
            if self._inspect(name) is None:
                return
            try:
                self._engine.client.remove_container(name, v=True, force=True)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != 409:
                    raise
                self._await_removal(name)  # someone else is at it

    def wait(self, name: str, timeout: float, is_cancelled: IsCancelled = lambda: False) -> int | None:
        until = time.monotonic() + timeout
        while not is_cancelled() and (left := until - time.monotonic()) > 0:
            with self._engine.talking() as client:
                try:
                    return int(client.wait(name, timeout=min(left, CANCEL_GLANCE))["StatusCode"])
                except NotFound:
                    return None
                except (ReadTimeout, RequestConnectionError) as error:
                    if "timed out" not in str(error).lower():
                        raise
        return None

    def stats(self, name: str) -> Mapping[str, float]:
        with self._engine.talking() as client:
            told = client.stats(name, stream=False, one_shot=True)
        memory = told.get("memory_stats", {})
        detail = memory.get("stats", {})
        cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))  # cgroup v1, v2
        links = (told.get("networks") or {}).values()
        return {
            "cpu_seconds": told.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0) / 1e9,
            "memory_bytes": float(max(0, memory.get("usage", 0) - cache)),
            "network_in": float(sum(link.get("rx_bytes", 0) for link in links)),
            "network_out": float(sum(link.get("tx_bytes", 0) for link in links)),
        }

    def _create(self, spec: ContainerSpec) -> None:
        """Unless there. Docker reserves a name some time before it shows the container, and after it is gone."""
        until = time.monotonic() + NAME_TIMEOUT
        while True:
            try:
                self._post_create(spec)
                return
            except APIError as error:
                if error.status_code != 409:
                    raise _refusal(spec, error) from error
                if self._inspect(spec.name) is not None:
                    return
                if time.monotonic() > until:
                    raise _refusal(spec, error) from error
            time.sleep(NAME_PAUSE)

    def _post_create(self, spec: ContainerSpec) -> None:
        client: Any = self._engine.client
        client.create_container_from_config(container_config(spec, self._engine.installation), spec.name)

    def _run(self, name: str) -> Container:
        try:
            self._engine.client.start(name)  # 304 when it runs: no error
        except APIError as error:
            raise DeployError(f"{name} cannot start: {_reason(said(error))}", code="start-failed") from error
        return self._found(name)

    def _found(self, name: str) -> Container:
        found = self._inspect(name)
        if found is None:
            raise DeployError(f"Container {name} is gone", "ps:restart makes it anew", code="container-gone")
        return found

    def _inspect(self, name: str) -> Container | None:
        try:
            told = self._engine.client.inspect_container(name)
        except NotFound:
            return None
        return container_from_inspect(told) if self._engine.is_ours(told["Config"]["Labels"]) else None

    def _await_removal(self, name: str) -> None:
        try:
            self._engine.client.wait(name, timeout=30, condition="removed")
        except NotFound:
            return


def _refusal(spec: ContainerSpec, error: APIError) -> DeployError:
    if error.status_code == 404 and "image" in said(error).lower():
        return DeployError(f"The image of {spec.name} is gone", f"ps:rebuild {spec.app_name}", code="image-gone")
    return DeployError(f"{spec.name} cannot be created: {said(error)}", code="start-failed")


def _reason(text: str) -> str:
    """The part of an OCI runtime's message that a person can use."""
    _, _, reason = text.rpartition("starting container process caused: ")
    if not reason:
        _, _, reason = text.rpartition("unable to start container process: ")
    return (reason or text).removesuffix(": unknown")
