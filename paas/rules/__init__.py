"""WHAT WE DECIDE: pure, one question per file. Opens nothing, asks no clock."""
