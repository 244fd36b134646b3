"""What becomes of a body that a refusal left unread? It is read to its end before the answer goes out.

nginx sends a request to its end before it reads the answer: a server that answers and closes in the middle of it makes
nginx tell the visitor 502 in our place. nginx limits how much there is, and has it all before it asks us.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

AT_ONCE = 1 << 18  # bytes


def read_out(application: WSGIApplication) -> WSGIApplication:
    """Wraps a WSGI application."""

    def whole(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = application(environ, start_response)
        if environ.get("wsgi.input_terminated"):  # one that is not would wait for ever behind its end
            while environ["wsgi.input"].read(AT_ONCE):
                pass
        return answer

    return whole
