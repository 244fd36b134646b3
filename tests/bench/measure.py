"""How is a figure taken? Both sides in turn, in one run, medians of at least five, shown as a ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

RUNS = 7


@dataclass(frozen=True)
class Pair:
    """Seconds of ours and of the same by hand."""

    ours: float
    by_hand: float

    @property
    def ratio(self) -> float:
        return self.ours / self.by_hand


def seconds(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began


def median_of(deed: Callable[[], object], runs: int = RUNS) -> float:
    return statistics.median(seconds(deed) for _ in range(runs))


def pair(ours: Callable[[], object], by_hand: Callable[[], object], runs: int = RUNS) -> Pair:
    """Medians of both, taken alternately after one unmeasured round of each."""
    ours()
    by_hand()
    taken = [(seconds(ours), seconds(by_hand)) for _ in range(runs)]
    return Pair(statistics.median(each[0] for each in taken), statistics.median(each[1] for each in taken))


def show(name: str, figure: str, target: str, is_met: bool) -> None:
    print(f"{'ok  ' if is_met else 'MISS'}  {name:<46} {figure:<44} target {target}", flush=True)


def show_pair(name: str, figures: Pair, most: float, most_over: float | None = None) -> None:
    is_met = figures.ratio <= most and (most_over is None or figures.ours - figures.by_hand <= most_over)
    over = f" and <= {most_over:g} s over" if most_over is not None else ""
    shown = f"{figures.ours:.3f} s against {figures.by_hand:.3f} s = {figures.ratio:.2f}x"
    show(name, shown, f"<= {most:g}x{over}", is_met)
