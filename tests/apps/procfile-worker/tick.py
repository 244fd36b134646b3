import os
import signal
import sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(os.environ.get("NAME", "the clock"), "started", "with a PORT" if "PORT" in os.environ else "without a PORT")
signal.pause()
