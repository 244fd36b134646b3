"""DOOR: SSH (paramiko). Turns keys into callers, exec requests into commands, git verbs into git."""
