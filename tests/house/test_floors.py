"""A floor imports only lower floors: the house stands as long as nothing calls upwards.

It must never be silenced by an import inside a function: those count too.
"""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import Import, Source, hold, imports, problem, sample, sources

# The top floor is 7. A room that is not here has no floor, and that is a finding.
FLOORS = {
    "netra.__main__": 8,
    "netra.cli": 7,
    "netra.embed": 7,
    "netra.integrations": 7,
    "netra.demo": 7,
    "netra.testing": 7,
    "netra.assemble": 6,
    "netra.assemble_admin": 6,
    "netra.assemble_tokens": 6,
    "netra.listen": 6,
    "netra.web": 5,
    "netra.doctor": 4,
    "netra.gateway": 3,
    "netra.observe": 3,
    "netra.upkeep": 2,
    "netra.link": 1,
    "netra.asgi": 1,
    "netra.wires": 1,
    "netra.pages": 1,
    "netra.settings": 1,
    "netra.core": 0,
}
SEPARATE_UP_TO = 3
"""Up to this floor, the rooms of one floor know nothing of each other."""

BESIDE = {
    "netra.authd": ("netra.asgi", "netra.settings", "netra.core.secret", "netra.core.findings"),
    "netra.lab": ("netra.asgi", "netra.settings", "netra.core.secret", "netra.core.findings"),
}
"""The rooms beside the house, and all they may know of it."""
VISITORS = ("netra.assemble", "netra.cli", "netra.demo", "netra.testing")
"""Who may enter the rooms beside the house."""

INSIDE_CORE = {
    "netra.core.secret": (),
    "netra.core.findings": (),
    "netra.core.identifier": (),
    "netra.core.trace": (),
    "netra.core.value": (),
    "netra.core.fill": ("netra.core.secret",),
    "netra.core.unmatched": ("netra.core.fill", "netra.core.secret"),
    # What reads bytes and decides nothing stands below what decides.
    "netra.core.verdict.strict_json": (),
    "netra.core.token.claims": ("netra.core.verdict.strict_json",),
    "netra.core.verdict": (
        "netra.core.secret",
        "netra.core.findings",
        "netra.core.fill",
        "netra.core.unmatched",
        "netra.core.trace",
        "netra.core.value",
        "netra.core.verdict.strict_json",
        "netra.core.token.claims",
    ),
    "netra.core.pace": ("netra.core.verdict", "netra.core.secret", "netra.core.findings"),
    "netra.core.events": ("netra.core.verdict", "netra.core.pace", "netra.core.findings", "netra.core.value"),
    "netra.core.token": (
        "netra.core.verdict",
        "netra.core.verdict.strict_json",
        "netra.core.token.claims",
        "netra.core.events",
        "netra.core.secret",
        "netra.core.findings",
    ),
}
"""Inside the ground floor: what each part may use besides itself."""

CURE = "Move the code to the room that may know both, or hand the value in as an argument"


def within(module: str, rooms: Iterable[str]) -> str | None:
    """The room of `rooms` that a dotted name belongs to."""
    return next((room for room in rooms if module == room or module.startswith(f"{room}.")), None)


def floors(source: Source) -> Iterator[str]:
    """What a file imports that its floor does not allow."""
    if source.module == "netra":
        yield from (_no(source, each, "the package itself imports nothing") for each in imports(source))
        return
    if not within(source.module, (*FLOORS, *BESIDE)):
        yield problem(source, 1, f"{source.module} stands on no floor", "Add its room to FLOORS in tests/house")
        return
    for each in imports(source):
        # `from netra import x` names the room, `from netra.core import events` the module.
        target = each.full if within(each.full, (*FLOORS, *BESIDE, *INSIDE_CORE)) else each.module
        if target.partition(".")[0] == "netra" and target != "netra" and (why := _objection(source.module, target)):
            yield _no(source, each, why)


def _no(source: Source, each: Import, why: str) -> str:
    return problem(source, each.line, f"{source.module} imports {each.full}, but {why}", CURE)


def _objection(module: str, target: str) -> str:
    if beside := within(module, BESIDE):
        allowed = (beside, *BESIDE[beside])
        return "" if within(target, allowed) else f"{beside} knows only {', '.join(BESIDE[beside])}"
    if entered := within(target, BESIDE):
        return "" if within(module, VISITORS) else f"only {', '.join(VISITORS)} may know {entered}"
    room, other = within(module, FLOORS), within(target, FLOORS)
    if room is None or other is None:
        return "no floor is known for it"
    if room == other:
        return _objection_in_core(module, target) if room == "netra.core" else ""
    if FLOORS[room] < FLOORS[other]:
        return f"floor {FLOORS[room]} must not call up to floor {FLOORS[other]}"
    if FLOORS[room] == FLOORS[other] <= SEPARATE_UP_TO:
        return f"rooms of floor {FLOORS[room]} don't know each other"
    return ""


def _objection_in_core(module: str, target: str) -> str:
    part, other = within(module, INSIDE_CORE), within(target, INSIDE_CORE)
    if module == "netra.core" or target == "netra.core" or part == other:
        return ""
    if part is None or other is None:
        return f"{target if part else module} is no part of the core: name it in INSIDE_CORE in tests/house"
    return "" if other in INSIDE_CORE[part] else f"{part} uses only {', '.join(INSIDE_CORE[part]) or 'nothing'}"


def test_nothing_calls_upwards() -> None:
    hold(floors, sources("src/netra"))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("src/netra/core/verdict/broken.py", "import netra.link.calls"),
        ("src/netra/core/verdict/broken.py", "from netra.core import events"),
        ("src/netra/core/pace/retry.py", "from netra.core.token.claims import Claims"),
        ("src/netra/core/verdict/strict_json.py", "from netra.core.verdict.wire import Wire"),
        ("src/netra/core/token/claims.py", "from netra.core.verdict.outcomes import Rejected"),
        ("src/netra/core/fill.py", "from netra.core.verdict.wire import Wire"),
        ("src/netra/link/calls.py", "from netra.wires.load import preset"),
        ("src/netra/link/calls.py", "from netra import settings"),
        ("src/netra/link/__init__.py", "from ..gateway import login"),
        ("src/netra/gateway/login.py", "from netra.observe.log import writing"),
        ("src/netra/gateway/login.py", "from netra.authd import app"),
        ("src/netra/web/render.py", "from netra.assemble import assemble"),
        ("src/netra/authd/app.py", "from netra.core.verdict.causes import TABLE"),
        ("src/netra/authd/app.py", "from netra.lab import faults"),
        ("src/netra/lab/faults.py", "from netra.gateway import login"),
        ("src/netra/__init__.py", "import netra.core"),
        ("src/netra/attic/box.py", "import json"),
    ],
)
def test_an_import_that_the_house_forbids_is_found(path: str, line: str) -> None:
    assert list(floors(sample(path, line)))
    if "attic" not in path:
        assert list(floors(sample(path, f"def late():\n    {line}")))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("src/netra/link/calls.py", "from netra.core.verdict.classify import classify"),
        ("src/netra/core/pace/throttle.py", "from netra.core.verdict.outcomes import Rejected"),
        ("src/netra/core/events.py", "from netra.core.findings import Finding"),
        ("src/netra/core/verdict/classify.py", "from netra.core.verdict import strict_json"),
        ("src/netra/cli/demo.py", "from netra.demo.assembly import assembly"),
        ("src/netra/demo/assembly.py", "from netra.authd.app import opened"),
        ("src/netra/authd/app.py", "from netra.asgi.adapter import App"),
        ("src/netra/cli/main.py", "from netra import __version__"),
        ("src/netra/link/exchange.py", "import aiohttp"),
    ],
)
def test_an_import_downwards_is_fine(path: str, line: str) -> None:
    assert not list(floors(sample(path, line)))


def test_the_plan_of_the_ground_floor_has_no_circle() -> None:
    known: set[str] = set()
    for part, used in INSIDE_CORE.items():
        assert known.issuperset(used), f"{part} uses a part that is listed after it"
        known.add(part)


def test_a_relative_import_is_resolved_from_its_room() -> None:
    tree = ast.parse("from .reply import Reply")
    assert [each.full for each in imports(Source("src/netra/core/verdict/wire.py", "", tree))] == [
        "netra.core.verdict.reply.Reply"
    ]
