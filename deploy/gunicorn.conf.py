"""How does gunicorn serve the dashboard and the API? (docs.gunicorn.org/en/stable/settings.html)

One worker with many threads: every open stream holds one. The application is loaded once, in the master, and shared.
"""

import gc

from paas.settings import read_settings

settings = read_settings()

bind = f"unix:{settings.folder('run', 'web.sock')}"
umask = 0o117  # the socket: paas-web:www-data 0660
worker_class = "gthread"
workers = 1
threads = settings.web_threads
preload_app = True
control_socket_disable = True
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat file; a disk that is busy must not look like a dead worker
graceful_timeout = 5
timeout = 60
keepalive = 75  # nginx keeps its connections to us
accesslog = None  # nginx writes one
errorlog = "-"
loglevel = "warning"
forwarded_allow_ips = "*"  # only nginx reaches the socket
proc_name = "paas web"


def when_ready(server):
    """Keep the garbage collector from touching, and so copying, what master and worker share."""
    gc.collect()
    gc.freeze()
