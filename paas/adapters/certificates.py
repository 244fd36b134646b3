"""Which certificate authorities do builds and base images trust? The host's own, and those of build_ca_certificates."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from paas.errors import UnavailableError

HOST_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
DEBIAN_CERTIFICATES = Path("/usr/share/ca-certificates")
LARGEST_BUNDLE = 450_000  # BuildKit takes secrets of at most 500 KiB

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def read_bundle(extra: Path | None, host: Path = HOST_BUNDLE) -> str:
    """All certificates as PEM, each once, the extra ones first; "" when no extra ones are set."""
    if extra is None:
        return ""
    certificates = _certificates(extra)
    if not certificates:
        raise UnavailableError(f"{extra} holds no certificate in PEM", "see the setting build_ca_certificates")
    known = _certificates(host) if host.exists() else []
    bundle = ""
    for certificate in dict.fromkeys([*certificates, *known]):
        if len(bundle) + len(certificate) < LARGEST_BUNDLE:
            bundle += certificate + "\n"
    return bundle


def extra_certificates(extra: Path | None, debian: Path = DEBIAN_CERTIFICATES) -> list[str]:
    """Those of the setting that Debian's own package does not bring."""
    if extra is None:
        return []
    known = _shipped(debian)
    return [certificate + "\n" for certificate in _certificates(extra) if certificate not in known]


@functools.lru_cache(maxsize=2)
def _shipped(folder: Path) -> frozenset[str]:
    """140 small files, read once per process."""
    return frozenset(certificate for file in folder.rglob("*.crt") for certificate in _certificates(file))


def _certificates(path: Path) -> list[str]:
    try:
        return _CERTIFICATE.findall(path.read_text("ascii", "ignore"))
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be read: {error.strerror}", "see the setting build_ca_certificates"
        ) from None
