"""A self-hosted mini-PaaS: a git push becomes a source, an image, a release, processes and routes."""

__version__ = "0.1.0"
