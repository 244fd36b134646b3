from tests.ssh.conftest import admin, ana, door, host_keys

__all__ = ["admin", "ana", "door", "host_keys"]
