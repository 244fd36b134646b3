"""How is a container said in Docker's words, and what do Docker's words say of one?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from paas.ports import Container, ContainerSpec, ContainerState
from paas.rules import hardening, names

NEVER = "0001-01-01T00:00:00Z"  # Docker's zero moment


def container_config(spec: ContainerSpec, installation: str) -> dict[str, Any]:
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


def container_from_inspect(told: Mapping[str, Any]) -> Container:
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


def container_from_list(entry: Mapping[str, Any]) -> Container:
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
