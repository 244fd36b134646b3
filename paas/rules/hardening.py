"""What may a container do beside running its program? As little as usual images bear."""

from __future__ import annotations

# Dropped: everything else of Docker's default set. NET_RAW forges packets to neighbours, MKNOD makes device files,
# SYS_CHROOT, AUDIT_WRITE, SETFCAP, SETPCAP and FSETID serve log-in daemons and package managers, not apps.
KEPT_CAPABILITIES = (
    "CHOWN",  # entrypoints start as root, hand their data folder over ...
    "DAC_OVERRIDE",  # ... look into it although it belongs to the app's user ...
    "FOWNER",  # ... set its modes ...
    "SETGID",  # ... and become that user (gosu, su-exec, setpriv, nginx, postgres)
    "SETUID",
    "KILL",  # a root master ends workers that became another user (nginx, supervisord)
    "NET_BIND_SERVICE",  # images that listen on port 80
)
DROPPED_CAPABILITIES = ("ALL",)

# sudo and setuid programs gain nothing; seccomp and AppArmor keep Docker's default profiles.
SECURITY_OPTIONS = ("no-new-privileges:true",)

# What the worker can still catch up with after an absence; beyond it the oldest lines go.
LOG_DRIVER = "json-file"
LOG_OPTIONS = {"max-size": "20m", "max-file": "3"}

# The reconciler decides what runs (a killed daemon forgets `unless-stopped`), and health is probed from the host.
RESTART_POLICY = "no"
NO_HEALTHCHECK = ("NONE",)
