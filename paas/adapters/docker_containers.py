"""How does a container of ours live? Created, started, stopped, awaited and looked at, always by its name."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from docker.errors import APIError, NotFound
from requests.exceptions import ConnectionError as RequestConnectionError
from requests.exceptions import ReadTimeout

from paas.adapters.docker_engine import Engine, said
from paas.errors import DeployError
from paas.ports import Container, ContainerSpec, ContainerState, IsCancelled
from paas.rules import hardening, names

CANCEL_GLANCE = 0.5  # a wait looks this often after a wish to cancel (s)
NEVER = "0001-01-01T00:00:00Z"  # Docker's zero moment


class DockerContainers:
    """The part of ports.Runtime that is about containers."""

    _engine: Engine

    def containers(self, app_id: str | None = None) -> list[Container]:
        """One question for all that run, one more for each that does not: only those have an end to tell of."""
        client = self._engine.client
        narrowed = {names.LABEL_APP_ID: app_id} if app_id else {}
        with self._engine.talking():
            listed = client.containers(all=True, filters=self._engine.ours(**narrowed))
            shown = [
                _from_list(entry) if entry["State"] == "running" and app_id is None else self._inspect(entry["Id"])
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
        client: Any = self._engine.client  # its types want whole seconds
        until = time.monotonic() + timeout
        while not is_cancelled() and (left := until - time.monotonic()) > 0:
            with self._engine.talking():
                try:
                    return int(client.wait(name, timeout=min(left, CANCEL_GLANCE))["StatusCode"])
                except NotFound:
                    return None
                except (ReadTimeout, RequestConnectionError) as error:
                    if "timed out" not in str(error).lower():
                        raise
        return None

    def stats(self, name: str) -> Mapping[str, float]:
        with self._engine.talking():
            told = self._engine.client.stats(name, stream=False, one_shot=True)
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
        client: Any = self._engine.client
        try:
            client.create_container_from_config(_config(spec, self._engine.installation), spec.name)
        except APIError as error:
            if error.status_code == 409 and self._inspect(spec.name) is not None:
                return
            if error.status_code == 404:
                raise DeployError(
                    f"The image of {spec.name} is gone", f"ps:rebuild {spec.app_name}", code="image-gone"
                ) from error
            raise DeployError(f"{spec.name} cannot be created: {said(error)}", code="start-failed") from error

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
        return _from_inspect(told) if self._engine.is_ours(told["Config"]["Labels"]) else None

    def _await_removal(self, name: str) -> None:
        try:
            self._engine.client.wait(name, timeout=30, condition="removed")
        except NotFound:
            return


def _config(spec: ContainerSpec, installation: str) -> dict[str, Any]:
    """The body of POST /containers/create."""
    endpoint = {"IPAMConfig": {"IPv4Address": spec.address}} if spec.address else {}
    config: dict[str, Any] = {
        "Image": spec.image,
        "Env": [f"{key}={value.reveal()}" for key, value in spec.environment.items()],
        "Labels": _labels(spec, installation),
        "Tty": spec.tty,
        "OpenStdin": spec.stdin,
        "StdinOnce": spec.stdin,
        "StopTimeout": math.ceil(spec.stop_timeout),
        "Healthcheck": {"Test": list(hardening.NO_HEALTHCHECK)},
        "HostConfig": {
            "Init": True,  # a process without a SIGTERM handler as PID 1 would cost the whole stop time-out
            "NetworkMode": spec.network or "none",
            "CapDrop": list(hardening.DROPPED_CAPABILITIES),
            "CapAdd": list(hardening.KEPT_CAPABILITIES),
            "SecurityOpt": list(hardening.SECURITY_OPTIONS),
            "PidsLimit": spec.pids,
            "Memory": spec.memory,
            "MemorySwap": spec.memory,
            "LogConfig": {"Type": hardening.LOG_DRIVER, "Config": hardening.LOG_OPTIONS},
            "RestartPolicy": {"Name": hardening.RESTART_POLICY},
        },
        "NetworkingConfig": {"EndpointsConfig": {spec.network: endpoint}} if spec.network else {},
    }
    if spec.command is not None:
        config["Cmd"] = list(spec.command)
    if spec.entrypoint is not None:
        config["Entrypoint"] = list(spec.entrypoint)
    return config


def _labels(spec: ContainerSpec, installation: str) -> dict[str, str]:
    labels = {
        names.LABEL_INSTALLATION: installation,
        names.LABEL_APP: spec.app_name,
        names.LABEL_APP_ID: spec.app_id,
        names.LABEL_TYPE: spec.process_type,
        names.LABEL_COPY: str(spec.copy),
        names.LABEL_RELEASE: str(spec.release),
        names.LABEL_ROLLOUT: str(spec.rollout),
    }
    return labels if spec.job_id is None else labels | {names.LABEL_JOB: str(spec.job_id)}


def _from_inspect(told: Mapping[str, Any]) -> Container:
    state = told["State"]
    has_ended = state["Status"] in ("exited", "dead")
    return _container(
        told["Config"]["Labels"],
        told["NetworkSettings"]["Networks"],
        id=told["Id"],
        name=told["Name"].lstrip("/"),
        state=cast(ContainerState, state["Status"]),
        exit_code=int(state["ExitCode"]) if has_ended else None,
        oom_killed=bool(state["OOMKilled"]),
        image=told["Image"],
        started_at=_moment(state["StartedAt"]),
        finished_at=_moment(state["FinishedAt"]) if has_ended else None,
    )


def _from_list(entry: Mapping[str, Any]) -> Container:
    return _container(
        entry["Labels"],
        entry["NetworkSettings"]["Networks"],
        id=entry["Id"],
        name=entry["Names"][0].lstrip("/"),
        state=cast(ContainerState, entry["State"]),
        exit_code=None,
        oom_killed=False,
        image=entry["ImageID"],
        started_at=None,
        finished_at=None,
    )


def _container(labels: Mapping[str, str], networks: Mapping[str, Any], **more: Any) -> Container:
    job = labels.get(names.LABEL_JOB)
    return Container(
        app_id=labels.get(names.LABEL_APP_ID, ""),
        app_name=labels.get(names.LABEL_APP, ""),
        process_type=labels.get(names.LABEL_TYPE, ""),
        copy=int(labels.get(names.LABEL_COPY, 0)),
        release=int(labels.get(names.LABEL_RELEASE, 0)),
        rollout=int(labels.get(names.LABEL_ROLLOUT, 0)),
        job_id=int(job) if job else None,
        address=_address(networks),
        **more,
    )


def _address(networks: Mapping[str, Any]) -> str | None:
    """The one it has, or the one it keeps while it is stopped."""
    for endpoint in networks.values():
        kept = (endpoint.get("IPAMConfig") or {}).get("IPv4Address")
        if endpoint.get("IPAddress") or kept:
            return str(endpoint.get("IPAddress") or kept)
    return None


def _moment(text: str) -> datetime | None:
    return None if text == NEVER else datetime.fromisoformat(text)


def _reason(text: str) -> str:
    """The part of an OCI runtime's message that a person can use."""
    _, _, reason = text.rpartition("starting container process caused: ")
    if not reason:
        _, _, reason = text.rpartition("unable to start container process: ")
    return (reason or text).removesuffix(": unknown")
