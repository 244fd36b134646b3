import os
import sys

from flask import Flask

app = Flask(__name__)


@app.get("/")
def home() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"hello from python {version} uid {os.getuid()} {os.environ['GIT_REV'][:7]}"
