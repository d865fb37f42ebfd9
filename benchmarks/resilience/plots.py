"""A picture of each experiment: answers, latency and load on the auth service over time, the gateways side by side.

It must never be needed: figures come without it, and matplotlib is only loaded when something is drawn.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK: Final = "#30343b"
_FAINT: Final = "#8a9099"
_SHADE: Final = "#eceae4"
_RIGHT: Final = "#3b6ea5"
_RIGHT_P99: Final = "#9dbbd9"
_FAILED: Final = "#c8743c"
_UPSTREAM: Final = "#5b5f77"
_ANSWERS: Final = {
    "right": (_RIGHT, "right answers"),
    "guess 401": ("#b9bec6", "guesses refused (401)"),
    "guess 429": ("#dfe2e6", "guesses kept out (429)"),
    "user 429": ("#e9d8a6", "429"),
    "user 503": ("#f0cba8", "503"),
    "user 504": ("#dd9a63", "504"),
    "user 502": ("#b5693a", "502"),
    "user 500": ("#874126", "500"),
    "user none": ("#4a4a4a", "no answer: the user gave up"),
}
_CIRCUIT: Final = {"closed": "#a9c7a5", "half_open": "#e6c75b", "open": "#c0594d"}
_WIDTH_PX: Final = 1200
_HEIGHT_PX: Final = 860
_DPI: Final = 100
_LEFT: Final = 0.075
_SMOOTH_STEPS: Final = 2
"""To each side."""
_COLOURS_COUNT: Final = 256


def draw(document: dict[str, Any], path: Path) -> None:
    """Draw one experiment from its figures, as a PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - see above

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415 - comes with matplotlib

    runs = [_within(run) for run in document["runs"]]
    with plt.rc_context(_style()):
        figure, grid = plt.subplots(
            4,
            len(runs),
            figsize=(_WIDTH_PX / _DPI, _HEIGHT_PX / _DPI),
            dpi=_DPI,
            sharex=True,
            sharey="row",
            squeeze=False,
            height_ratios=(0.14, 3, 2.2, 2.2),
        )
        figure.suptitle(document["title"], x=_LEFT, y=0.985, ha="left", fontsize=14, color=_INK, weight="bold")
        labels: dict[str, Any] = {}
        ends_s = max(run["spans"][-1]["end_s"] for run in runs)
        for column, run in enumerate(runs):
            _circuit(grid[0][column], run, ends_s)
            labels |= _answers(grid[1][column], run)
            labels |= _latency(grid[2][column], run)
            labels |= _upstream(grid[3][column], run)
            for row in range(1, 4):
                _phases(grid[row][column], run, named=row == 1)
            grid[3][column].set_xlabel("time (s)")
            grid[3][column].set_xlim(0, ends_s)
        for row in (1, 3):
            grid[row][0].set_ylim(0, 1.15 * max(axes.dataLim.y1 for axes in grid[row]))
        for row, label in ((1, "logins answered (per s)"), (2, "latency (ms)"), (3, "load (per s)")):
            grid[row][0].set_ylabel(label)
        figure.align_ylabels(list(grid[1:, 0]))
        figure.subplots_adjust(left=_LEFT, right=0.985, top=0.9, bottom=0.145, hspace=0.13, wspace=0.06)
        _legend(figure, labels)
        drawn = io.BytesIO()
        figure.savefig(drawn)
        plt.close(figure)
    # Few colours are used: a palette makes the file a third as large.
    Image.open(drawn).convert("RGB").quantize(_COLOURS_COUNT).save(path, optimize=True)


def _style() -> dict[str, Any]:
    return {
        "font.size": 10, "axes.edgecolor": _FAINT, "axes.labelcolor": _INK, "text.color": _INK,
        "xtick.color": _INK, "ytick.color": _INK, "axes.spines.top": False, "axes.spines.right": False,
        "axes.linewidth": 0.8, "axes.axisbelow": True, "lines.solid_joinstyle": "round",
    }  # fmt: skip


def _within(run: dict[str, Any]) -> dict[str, Any]:
    """The run without what came in after its end."""
    series = run["series"]
    count = round(run["spans"][-1]["end_s"] / series["step_s"])
    cut = {name: values[:count] for name, values in series.items() if isinstance(values, list)}
    answers = {name: values[:count] for name, values in series["answers_per_s"].items()}
    return {**run, "series": {**series, **cut, "answers_per_s": answers}}


def _instants(run: dict[str, Any], count: int) -> list[float]:
    return [index * run["series"]["step_s"] for index in range(count)]


def _smooth(values: Sequence[float]) -> list[float]:
    """The mean of a second around each step: with few answers in a step, single ones would jump."""
    windows = (values[max(0, index - _SMOOTH_STEPS) : index + _SMOOTH_STEPS] for index in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def _offered(series: dict[str, Any]) -> list[float]:
    users, guesses = series["users_offered_per_s"], series["guesses_offered_per_s"]
    return [sum(pair) for pair in zip(users, guesses, strict=True)]


def _circuit(axes: "Axes", run: dict[str, Any], ends_s: float) -> None:
    """The state of the circuit as a strip above the column."""
    axes.set_title(run["label"], fontsize=12, color=_INK, pad=4, loc="left")
    axes.set_yticks([])
    axes.tick_params(bottom=False, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if "naive" in run["label"] or "no breaker" in run["label"]:
        axes.text(0, 0.5, "no circuit breaker", transform=axes.transAxes, va="center", color=_FAINT, fontsize=9)
        return
    begin_s, state = 0.0, "closed"
    for change in [*run["circuit"], {"at_s": ends_s, "state": ""}]:
        end_s = min(change["at_s"], ends_s)
        # A trial takes milliseconds: drawn a little longer than it is, so that it is seen at all.
        least_s = 0.004 * ends_s if state == "half_open" else 0.0
        axes.axvspan(begin_s, max(end_s, begin_s + least_s), color=_CIRCUIT[state], lw=0, zorder=2 + bool(least_s))
        begin_s, state = end_s, change["state"]


def _phases(axes: "Axes", run: dict[str, Any], *, named: bool) -> None:
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    for span in run["spans"]:
        if span["shaded"]:
            axes.axvspan(span["begin_s"], span["end_s"], color=_SHADE, lw=0, zorder=0)
            if named:
                axes.annotate(
                    span["name"], (span["begin_s"], 1), (4, -3), xycoords=("data", "axes fraction"),
                    textcoords="offset points", va="top", fontsize=9, color=_INK,
                )  # fmt: skip


def _answers(axes: "Axes", run: dict[str, Any]) -> dict[str, Any]:
    """Answers by kind, one upon the other; the dashed line is what users asked for."""
    series = run["series"]
    stacked = {"right": series["right_per_s"]}
    stacked |= {name: series["answers_per_s"][name] for name in _ANSWERS if name in series["answers_per_s"]}
    instants = _instants(run, len(series["right_per_s"]))
    areas = axes.stackplot(
        instants, *map(_smooth, stacked.values()), colors=[_ANSWERS[name][0] for name in stacked], lw=0, zorder=2
    )
    (asked,) = axes.plot(instants, _smooth(_offered(series)), color=_INK, lw=1, ls=(0, (4, 2)), zorder=3)
    return {"logins asked for": asked} | {
        _ANSWERS[name][1]: area for (name, values), area in zip(stacked.items(), areas, strict=True) if any(values)
    }


def _latency(axes: "Axes", run: dict[str, Any]) -> dict[str, Any]:
    series = run["series"]
    instants = _instants(run, len(series["right_p50_ms"]))
    drawn = {}
    for name, label, colour, line in (
        ("right_p99_ms", "right answers, p99", _RIGHT_P99, "-"),
        ("right_p50_ms", "right answers, p50", _RIGHT, "-"),
        # Failures of several kinds take turns: a line between them would be of nobody's.
        ("failed_p50_ms", "failures, p50", _FAILED, ""),
    ):
        values = [float("nan") if value is None else max(1.0, value) for value in series[name]]
        (drawn[label],) = axes.plot(instants, values, color=colour, lw=1.6, ls=line, marker=".", ms=3, zorder=3)
    axes.set_yscale("log")
    axes.set_ylim(1, 20_000)
    axes.set_yticks([1, 10, 100, 1000, 10_000], ["1", "10", "100", "1,000", "10,000"])
    axes.minorticks_off()
    return drawn


def _upstream(axes: "Axes", run: dict[str, Any]) -> dict[str, Any]:
    series = run["series"]
    instants = _instants(run, len(series["upstream_per_s"]))
    calls = _smooth(series["upstream_per_s"])
    axes.fill_between(instants, calls, color=_UPSTREAM, alpha=0.25, lw=0, zorder=2)
    (line,) = axes.plot(instants, calls, color=_UPSTREAM, lw=1.4, zorder=3)
    axes.plot(instants, _smooth(_offered(series)), color=_INK, lw=1, ls=(0, (4, 2)), zorder=4)
    return {"calls that reach the auth service": line}


def _legend(figure: Any, labels: dict[str, Any]) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415

    circuit = {f"circuit {state.replace('_', '-')}": Patch(color=colour) for state, colour in _CIRCUIT.items()}
    shown = {**labels, **circuit}
    figure.legend(
        shown.values(), shown.keys(), loc="lower left", bbox_to_anchor=(_LEFT - 0.008, 0.005), ncols=5, frameon=False,
        fontsize=9.5, handlelength=1.6, columnspacing=1.8, labelcolor=_INK,
    )  # fmt: skip
