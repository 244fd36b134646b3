"""WHAT MAY BE ASKED: plural topics. `topic:verb` is the file and the function."""
