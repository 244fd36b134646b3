"""`python3 -m installer quickstart|install|uninstall ...`: run one story; a failure is one line and exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Callable

from installer.production import production
from installer.quickstart import quickstart
from installer.removal import removal
from installer.steps import InstallError, Steps, fail, log_file

STORIES: dict[str, Callable[[list[str], Steps], None]] = {
    "quickstart": quickstart,
    "install": production,
    "uninstall": removal,
}


def main(words: list[str]) -> int:
    story = f"deploy/{words[0]}"
    log_file().touch(mode=0o600)
    try:
        STORIES[words[0]](words[1:], Steps())
    except InstallError as failure:
        return fail(story, failure)
    except OSError as error:
        return fail(story, InstallError(str(error), f"look at {log_file()}, then run it again"))
    except KeyboardInterrupt:
        return fail(story, InstallError("Interrupted", "run it again: it goes on where it was"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
