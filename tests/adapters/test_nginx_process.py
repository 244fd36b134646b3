from __future__ import annotations

import os
from pathlib import Path

from paas.adapters.nginx_process import NginxProcess, count_connections, is_accepting, wait_until

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100D00A:9C40 0200D00A:1388 01 00000000:00000000 00:00000000 00000000     0
   1: 0100D00A:9C41 0200D00A:1388 02 00000000:00000000 00:00000000 00000000     0
   2: 0100D00A:9C42 0200D00A:1388 06 00000000:00000000 00:00000000 00000000     0
   3: 0200D00A:1388 0100D00A:9C40 01 00000000:00000000 00:00000000 00000000     0
   4: 0100D00A:9C43 0300D00A:1388 01 00000000:00000000 00:00000000 00000000     0
"""


def test_connections_are_counted_by_remote_address_and_state(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_text(TABLE)
    assert count_connections("10.208.0.2", table) == 2  # established, and about to be
    assert count_connections("10.208.0.1", table) == 1
    assert count_connections("10.208.0.9", table) == 0


def test_where_nothing_runs_nothing_is_found(tmp_path: Path) -> None:
    process = NginxProcess(tmp_path, tmp_path / "status.sock")
    assert process.master() is None
    assert process.workers() == []
    assert process.answer() is None
    process.reopen_logs()
    process.end(0)


def test_another_process_in_the_pid_file_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "nginx.pid").write_text(str(os.getpid()))
    assert NginxProcess(tmp_path, tmp_path / "status.sock").master() is None
    assert not is_accepting(os.getpid())


def test_what_nginx_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text("events {}\nnonsense;\n")
    said = NginxProcess(tmp_path, tmp_path / "status.sock").check(tmp_path)
    assert said == 'unknown directive "nonsense" in nginx.conf:2'


def test_waiting_ends_with_the_event_or_the_time() -> None:
    moments = iter([False, False, True])
    assert wait_until(lambda: next(moments), 5)
    assert not wait_until(lambda: False, 0.01)
