"""WHAT WE TOUCH: product names. Adapters do one thing and hold no policy. Imported by app.py only."""
