"""DOOR: HTTP (Flask). The API is a route per declared command; pages call the same commands."""
