"""The log proof: 100,000 numbered lines, three redeploys and a worker killed with -9: none missing, none twice."""

from __future__ import annotations

import re
from collections import Counter

from tests.journeys.installation import Installation
from tests.journeys.repository import small_app
from tests.waiting import wait_until

LINES, DEPLOYS = 100_000, 4
EACH = LINES // DEPLOYS

# Prints its share of the numbers while it serves, in bursts; the next release goes on where it ends.
PRINTER = """\
import sys, threading, time
def count():
    for number in range({first}, {last}):
        sys.stdout.write("line %d of release {release}\\n" % number)  # in one piece: the server prints, too
        if number % 1000 == 0:
            time.sleep(0.02)
    sys.stdout.write("counted\\n")
threading.Thread(target=count).start()
"""


def printing_app(release: int) -> dict[str, str]:
    files = small_app(f"release {release}")
    printer = PRINTER.format(first=release * EACH, last=(release + 1) * EACH, release=release)
    return files | {"server.py": printer + files["server.py"]}


def numbers(on: Installation) -> Counter[int]:
    answer = on.ssh("logs", "counted", "-n", str(LINES * 2), "-p", "web", timeout=120)
    assert answer.returncode == 0, answer.stderr
    return Counter(int(number) for number in re.findall(r"line (\d+) of release \d+$", answer.stdout, re.MULTILINE))


def test_a_hundred_thousand_lines_survive_three_redeploys_and_a_killed_worker(shared: Installation) -> None:
    repository = shared.repository("counted")
    for release in range(DEPLOYS):
        repository.commit(printing_app(release))
        pushed = repository.push()
        assert pushed.returncode == 0, pushed.stderr
        if release == 2:
            shared.kill("worker")  # while its lines are being written
    last = shared.home / "logs" / shared.app("counted").id
    wait_until(
        lambda: any(b"counted" in path.read_bytes()[-300:] for path in last.glob("web.1.log")), what="the last line"
    )
    assert shared.ssh("ps:stop", "counted").returncode == 0  # its end is read to the last line
    found = numbers(shared)
    assert [number for number in range(LINES) if number not in found] == []
    assert [number for number, times in found.items() if times > 1] == []
