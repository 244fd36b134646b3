from __future__ import annotations

import pytest

from paas.errors import BadInputError
from paas.rules.formation import MOST_COPIES, check_copies, formation_for, idle_processes


@pytest.mark.parametrize(
    ("processes", "wanted", "suggested", "result"),
    [
        (["web", "worker"], {}, {}, {"web": 1, "worker": 0}),
        (["web", "worker"], {}, {"worker": 2}, {"web": 1, "worker": 2}),
        (["web", "worker"], {"worker": 1}, {"worker": 2, "web": 3}, {"web": 3, "worker": 1}),
        (["web"], {"web": 0}, {"web": 3}, {"web": 0}),
        (["worker"], {"web": 2}, {"clock": 1}, {"worker": 0}),
        ([], {}, {}, {}),
    ],
)
def test_scale_comes_before_app_json_and_that_before_the_default(
    processes: list[str], wanted: dict[str, int], suggested: dict[str, int], result: dict[str, int]
) -> None:
    assert formation_for(processes, wanted, suggested) == result


def test_processes_without_copies_are_named() -> None:
    assert idle_processes({"web": 1, "worker": 0, "clock": 0}) == ["worker", "clock"]


def test_more_copies_in_all_than_the_network_has_room_for_are_refused() -> None:
    check_copies({"web": MOST_COPIES - 1, "worker": 1})
    with pytest.raises(BadInputError, match="at most 40 copies"):
        check_copies({"web": MOST_COPIES, "worker": 1})
