"""How logins fare when the auth service does not.

    python benchmarks/resilience/run.py [outage|storm|overload|flood|all] [--out FOLDER]

Plays each experiment in real time against Netra and against a naive gateway, prints what holds, and leaves a JSON file
with all figures and a picture of each in a folder. Loopback only; all of them take about a quarter of an hour.
Exit code 1 when something does not hold for Netra, 2 when something is missing.
"""

import argparse
import asyncio
import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import plots
import uvloop
from criteria import Judged, judge
from figures import Seen
from gateways import missing_for
from play import play
from report import console, document, show
from scenes import SCENES, Contender, Scene

_MISSING = 2


def main() -> int:
    chosen = _options()
    scenes = [
        scene for name in (SCENES if chosen.experiment == "all" else [chosen.experiment]) for scene in SCENES[name]
    ]
    if chosen.only:
        scenes = [_of_kind(scene, chosen.only) for scene in scenes]
    _check(scenes, plotted=chosen.plots)
    chosen.out.mkdir(parents=True, exist_ok=True)
    decides = chosen.seconds_scale == 1
    to, failed = console(), False
    for scene in scenes:
        judged = _experiment(scene, chosen, decides=decides)
        failed = failed or any(each.counts and not each.holds for each in judged)
    to.print(f"\nFigures{' and pictures' if chosen.plots else ''} are in {chosen.out}.")
    if not decides:
        to.print("Nothing is judged: times were scaled, and the limits are for times as they are.")
    return int(decides and failed)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description="How logins fare when the auth service does not.")
    options.add_argument("experiment", nargs="?", default="all", choices=[*SCENES, "all"])
    options.add_argument(
        "--seconds-scale", type=float, default=1.0, help="shorten all times, to try things; judges nothing"
    )
    options.add_argument("--out", type=Path, default=Path("build/resilience"), help="folder for figures and pictures")
    options.add_argument("--repeats", type=int, default=1, help="how often to repeat a run that others disturbed (1)")
    options.add_argument("--only", choices=["netra", "naive"], help="leave the other gateway out")
    options.add_argument("--no-plots", dest="plots", action="store_false", help="figures only; needs no matplotlib")
    chosen = options.parse_args()
    if not 0.02 <= chosen.seconds_scale <= 1:
        options.error("--seconds-scale is between 0.02 and 1")
    return chosen


def _of_kind(scene: Scene, kind: str) -> Scene:
    contenders = tuple(each for each in scene.contenders if each.kind == kind)
    return Scene(scene.name, scene.title, scene.capacity, scene.phases, contenders, scene.criteria)


def _check(scenes: list[Scene], *, plotted: bool) -> None:
    """Say what is missing before the first minute is spent."""
    kinds = {each.kind for scene in scenes for each in scene.contenders}
    missing = [name for kind in sorted(kinds) for name in missing_for(kind)]
    if missing:
        _stop(f"not installed: {', '.join(missing)}. Install it, or leave the naive gateway out: --only netra")
    if plotted and importlib.util.find_spec("matplotlib") is None:
        _stop("not installed: matplotlib. Install it, or leave the pictures out: --no-plots")


def _stop(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    raise SystemExit(_MISSING)


def _experiment(scene: Scene, chosen: argparse.Namespace, *, decides: bool) -> list[Judged]:
    seen = [_played(scene, each, chosen) for each in scene.contenders]
    judged = [found for each in scene.criteria for run in seen if (found := judge(each, run))]
    show(console(), scene, seen, judged, decides=decides)
    figures = document(scene, seen, judged, chosen.seconds_scale)
    (chosen.out / f"{scene.name}.json").write_text(json.dumps(figures, indent=1) + "\n")
    if chosen.plots:
        plots.draw(figures, chosen.out / f"{scene.name}.png")
    return judged


def _played(scene: Scene, contender: Contender, chosen: argparse.Namespace) -> Seen:
    """One run; of several, because others disturbed them, the one that they disturbed least."""
    tried = []
    for _ in range(1 + chosen.repeats):
        with (
            tempfile.TemporaryDirectory() as folder,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            tried.append(runner.run(play(scene, contender, Path(folder), chosen.seconds_scale)))
        if not tried[-1].disturbed:
            break
    return min(tried, key=lambda seen: (seen.disturbed, seen.others_ratio))


if __name__ == "__main__":
    sys.exit(main())
