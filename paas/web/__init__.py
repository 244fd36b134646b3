"""DOOR: HTTP (Flask). The API is a route per declared command; pages call the same commands."""

from paas.web.application import create_app

__all__ = ["create_app"]
