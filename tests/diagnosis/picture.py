"""A confusion matrix as a picture: a square for every pair of what is true and what was said, with how often.

It must never need a script, a font or a colour alone to be read: each square has its number, each line its name.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

_CELL: Final = 18
_NAMES: Final = 204
"""What the longest name takes, across and upright."""
_STYLE: Final = """\
text { font: 11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328; }
.n { font-size: 10px; text-anchor: middle; fill: #ffffff; }
.e { text-anchor: end; }
.g { stroke: #d1d9e0; stroke-width: 1; }
.y { fill: #1a7f37; }
.x { fill: #cf222e; }
@media (prefers-color-scheme: dark) {
  text { fill: #d1d7e0; }
  .n { fill: #0d1117; }
  .g { stroke: #3d444d; }
  .y { fill: #57ab5a; }
  .x { fill: #f47067; }
}
"""


def picture(pairs: Sequence[tuple[str, str]], last: str) -> str:
    """Pairs of what is true and what was said, as SVG; `last` is the name that comes at the end."""
    true, said = _in_order([pair[0] for pair in pairs], last), _in_order([pair[1] for pair in pairs], last)
    # What is only said stands behind what is true, so that the diagonal is that of agreement.
    columns = [*(name for name in true if name != last), *(name for name in said if name not in true), last]
    rows = [*(name for name in true if name != last), last]
    width, height = _NAMES + _CELL * len(columns) + 8, _NAMES + _CELL * len(rows) + 8
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            "<title>Rows: the true cause. Columns: the first finding.</title>",
            f"<style>\n{_STYLE}</style>",
            *_grid(columns, rows),
            *_squares(Counter(pairs), columns, rows),
            "</svg>\n",
        )
    )


def _in_order(names: Sequence[str], last: str) -> list[str]:
    return [name for name in dict.fromkeys(names) if name != last] + ([last] if last in names else [])


def _grid(columns: Sequence[str], rows: Sequence[str]) -> Iterator[str]:
    right, bottom = _NAMES + _CELL * len(columns), _NAMES + _CELL * len(rows)
    for number, name in enumerate(columns):
        x = _NAMES + _CELL * number
        yield f'<line class="g" x1="{x}" y1="{_NAMES}" x2="{x}" y2="{bottom}"/>'
        yield f'<text transform="translate({x + 13} {_NAMES - 6}) rotate(-90)">{escape(name)}</text>'
    for number, name in enumerate(rows):
        y = _NAMES + _CELL * number
        yield f'<line class="g" x1="{_NAMES}" y1="{y}" x2="{right}" y2="{y}"/>'
        yield f'<text class="e" x="{_NAMES - 6}" y="{y + 13}">{escape(name)}</text>'
    yield f'<line class="g" x1="{right}" y1="{_NAMES}" x2="{right}" y2="{bottom}"/>'
    yield f'<line class="g" x1="{_NAMES}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'


def _squares(counts: "Counter[tuple[str, str]]", columns: Sequence[str], rows: Sequence[str]) -> Iterator[str]:
    for (true, said), count in sorted(counts.items()):
        x, y = _NAMES + _CELL * columns.index(said), _NAMES + _CELL * rows.index(true)
        kind = "y" if true == said else "x"
        yield f'<rect class="{kind}" x="{x + 1}" y="{y + 1}" width="{_CELL - 2}" height="{_CELL - 2}" rx="3"/>'
        yield f'<text class="n" x="{x + _CELL // 2}" y="{y + 13}">{count}</text>'
