"""DOOR: time and the queue. Claims jobs, runs flows, keeps the timetable, bridges consoles, follows containers."""
