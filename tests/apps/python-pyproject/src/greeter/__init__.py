from importlib.metadata import version

GREETING = f"greeter {version('greeter')}"
