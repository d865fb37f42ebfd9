"""A wire by its name or from a file: everything that is wrong with it, at once.

It must never run anything that stands in a file, nor accept a key that it does not know.
"""

import errno
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path as FilePath
from typing import Any, Final, NamedTuple

from netra.core.verdict.wire import Wire
from netra.wires.build import build, shared_names
from netra.wires.calls import wire_problems
from netra.wires.lines import Lines
from netra.wires.problem import Found, Problem, WireProblem, listed, where

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32
_NO_WIRE: Final = frozenset({"codes"})
_PLACE: Final = re.compile(r" \(at line (\d+), column \d+\)$| \(at end of document\)$")


class Source(NamedTuple):
    """The text of a file, and what the file is called in problems."""

    name: str
    text: str


def resolve(value: str, setting: str = "NETRA_WIRE") -> Wire:
    """The wire that a setting means: the name of a preset, else the path of a file.

    Raises: WireProblem, with everything that is wrong.
    """
    source = source_of(value, setting)
    return load(source.text, source.name)


def preset(name: str) -> Wire:
    """A wire that comes with the package, e.g. `netra`. Raises: WireProblem."""
    source = _preset(name)
    return load(source.text, source.name)


def presets() -> tuple[str, ...]:
    """The names of the wires that come with the package."""
    found = (each.name.removesuffix(".toml") for each in files(__package__).iterdir() if each.name.endswith(".toml"))
    return tuple(sorted(set(found) - _NO_WIRE))


def load(text: str, source: str) -> Wire:
    """A wire from the text of a TOML file; `source` names the file in problems.

    Raises: WireProblem, with everything that is wrong.
    """
    return build(checked(Source(source, text), lambda document: wire_problems(document, shared_names())))


def checked(source: Source, problems: Callable[[Mapping[str, Any]], Iterator[Found]]) -> Mapping[str, Any]:
    """The document of a TOML text in which a check finds nothing wrong.

    Raises: WireProblem, with everything that is wrong.
    """
    document = _parsed(source)
    found = list(dict.fromkeys(problems(document)))
    if found:
        lines = Lines(source.text)
        raise WireProblem(source.name, (Problem(lines.of(each.path), where(each.path), each.what) for each in found))
    return document


def source_of(value: str, setting: str = "NETRA_WIRE") -> Source:
    """The text of the preset or file that a value names; problems name the setting, or the file once it is there.

    Raises: WireProblem.
    """
    if value in presets():
        return _preset(value)
    path = FilePath(value)
    name = value if value.isprintable() else ascii(value)
    try:
        if not _is_file(path):
            what = f"neither a preset ({listed(presets())}) nor the path of a file that is there"
            raise WireProblem(setting, [Problem(0, "", what)])
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise WireProblem(name, [Problem(0, "", f"larger than {MAX_BYTES // 1024} KiB: this is no wire file")])
        return Source(name, content.decode("utf-8-sig"))
    except OSError as error:
        what = f"cannot be read: {os.strerror(error.errno or 0)}"
    except UnicodeDecodeError:
        what = "is not UTF-8; save it as UTF-8"
    raise WireProblem(name, [Problem(0, "", what)])


def _is_file(path: FilePath) -> bool:
    """Is there a plain file? What is too long for a path names none. Raises: OSError."""
    try:
        return path.is_file()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise


def _preset(name: str) -> Source:
    if name not in presets():
        raise WireProblem(name, [Problem(0, "", f"is no preset; there are {listed(presets())}")])
    return Source(f"{name}.toml", files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


def _parsed(source: Source) -> dict[str, Any]:
    try:
        document = tomllib.loads(source.text)
    except RecursionError:
        raise WireProblem(source.name, [Problem(1, "", f"nested deeper than {MAX_DEPTH}")]) from None
    except ValueError as error:
        # Also what `tomllib` lets through, e.g. a number of five thousand digits.
        place = _PLACE.search(str(error))
        line = int(place[1] or source.text.count("\n") + 1) if place else 1
        what = _PLACE.sub("", str(error)) if isinstance(error, tomllib.TOMLDecodeError) else "a number is too long"
        raise WireProblem(source.name, [Problem(line, "", f"not TOML: {what}")]) from None
    if _deeper(document, MAX_DEPTH):
        raise WireProblem(source.name, [Problem(1, "", f"nested deeper than {MAX_DEPTH}")])
    return document


def _deeper(value: Any, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < 0 or any(_deeper(each, depth - 1) for each in inner)
