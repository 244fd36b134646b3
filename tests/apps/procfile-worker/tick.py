import os
import signal
import sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(os.environ.get("NAME", "the clock"), "started", "with a PORT" if os.environ.get("PORT") != "5000" else "")
signal.pause()
