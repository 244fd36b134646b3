"""Installs, upgrades and removes the platform. Standard library only: it runs before anything else is installed."""
