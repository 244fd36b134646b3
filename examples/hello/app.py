"""The bundled example: one page that says which release, commit and container answered. Change it and push."""

import os
import socket
import time

from flask import Flask, Response, render_template

STARTED = time.time()

app = Flask(__name__)


@app.get("/")
def home() -> str:
    return render_template(
        "home.html",
        app=os.environ.get("PAAS_APP") or "hello",
        release=os.environ.get("PAAS_RELEASE", ""),
        commit=os.environ.get("GIT_REV", "")[:7],
        host=socket.gethostname(),
        uptime=int(time.time() - STARTED),
        greeting=os.environ.get("GREETING", "It works."),
    )


@app.get("/healthz")
def healthz() -> Response:
    return Response("ok\n", mimetype="text/plain")
