"""DOOR: time and the queue. Claims jobs, runs flows, keeps the timetable, bridges consoles, follows containers."""

from paas.worker.service import serve

__all__ = ["serve"]
