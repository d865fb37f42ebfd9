"""The front door of the command line: one table of commands, of which only the asked one is loaded.

It must never import a command, or the library that parses its options, before somebody asks for that command.
"""

import errno
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_USAGE: Final = 2
_BUG: Final = 70
"""EX_SOFTWARE of sysexits.h."""
_INTERRUPTED: Final = 130
_HELP_WORDS: Final = frozenset({"--help", "-h", "help"})
_VERSION_WORDS: Final = frozenset({"--version", "-V"})


class Command(NamedTuple):
    """Where a command lives, and its line in the help."""

    line: str
    module: str
    attribute: str
    """A function with typer's annotations, or a `typer.Typer` with commands of its own."""
    extra: str = ""
    """The extra of the distribution that it needs."""


class Extra(NamedTuple):
    """What an extra of the distribution is for, and the modules that come with it."""

    what: str
    modules: tuple[str, ...]


COMMANDS: Final = {
    "serve": Command("Run the gateway: the public listener and the admin listener.", "netra.cli.serve", "serve"),
    "demo": Command("Gateway, auth service and one user, to try and to break.", "netra.cli.demo", "demo", "authd"),
    "doctor": Command("Say why logins fail, or would fail, and the cure.", "netra.cli.doctor", "doctor"),
    "explain": Command("Say what a code means, and what to check first.", "netra.cli.explain", "explain"),
    "trace": Command("Tell what became of a request, by its id.", "netra.cli.trace.app", "trace"),
    "health": Command("Ask a running gateway how it is, for probes of containers.", "netra.cli.health", "health"),
    "wire": Command("Show, check and learn how an auth service is spoken to.", "netra.cli.wire.app", "app"),
    "lab": Command("Run an auth service, or a proxy, that fails as it is told.", "netra.cli.lab.app", "app"),
    "authd": Command("Run the embedded auth service.", "netra.cli.authd", "authd", "authd"),
    "users": Command("Add and list users of the embedded auth service.", "netra.cli.users", "app", "authd"),
    "services": Command("Register services with the embedded auth service.", "netra.cli.services", "app", "authd"),
}
_EXTRAS: Final = {
    "authd": Extra("the embedded auth service", ("aiosqlite", "alembic", "argon2", "joserfc", "sqlalchemy")),
}


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; the default is what the process was started with.

    Raises: SystemExit, from a command that ends by itself.
    """
    _open_standard_streams()
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    return safely(lambda: _answer(name, rest))


def _answer(name: str, arguments: list[str]) -> int:
    if name in _HELP_WORDS:
        return _say(sys.stdout, overview(coloured=_wants_colour(sys.stdout)))
    if name in _VERSION_WORDS:
        from netra import __version__

        return _say(sys.stdout, f"netra {__version__}")
    if name not in COMMANDS:
        return _say(sys.stderr, _unknown(name), _USAGE)
    return _run_command(name, arguments)


def safely(work: "Callable[[], int]") -> int:
    """The exit code of some work, also when it ends unforeseen: then is told where, and nothing of any value.

    Raises: SystemExit, from work that ends by itself.
    """
    try:
        return work()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has enough, e.g. `netra --help | head -1`.
        return _unheard()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            return _bug(error)
        print(f"netra: what was to be said could not be written: {error.strerror}", file=sys.stderr)
        return _unheard()
    except Exception as crash:  # noqa: BLE001 - what Python would print holds the text of the exception
        return _bug(crash)


def _bug(crash: BaseException) -> int:
    from netra.upkeep.crashes import crash_lines

    told = "netra: ended unforeseen. If it does so again, report it with these lines; they hold no value of yours."
    return _say(sys.stderr, "\n".join((told, *crash_lines(crash))), _BUG)


def _unheard() -> int:
    """The exit code when what we print gets nowhere; the interpreter's last flush must not complain of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _open_standard_streams() -> None:
    """A stream that was closed before the start would lend its number to a socket, and lines would go there.

    Python has no object for it: commands that ask whether it is a terminal would fail.
    """
    while (lent := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(lent, True)
    os.close(lent)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def overview(*, coloured: bool = False) -> str:
    """The help of `netra` itself, made from the table alone."""
    bold, dim, plain = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if coloured else ("", "", "")
    options = {"--version": "Print the version.", "--help": "Print this."}
    width = max(map(len, (*COMMANDS, *options)))

    def row(word: str, line: str) -> str:
        return f"  {bold}{word:<{width}}{plain}  {line}"

    return "\n".join(
        (
            f"{bold}netra{plain}: the login path of a backend that always says why.",
            "",
            f"Usage: netra COMMAND [OPTIONS]    {dim}netra COMMAND --help tells more{plain}",
            "",
            "Commands:",
            *(row(name, command.line) for name, command in COMMANDS.items()),
            "",
            "Options:",
            *(row(word, line) for word, line in options.items()),
        )
    )


def _run_command(name: str, arguments: list[str]) -> int:
    extra = COMMANDS[name].extra
    if extra and _is_missing(extra):
        what = _EXTRAS[extra].what
        return _say(sys.stderr, f"`netra {name}` needs {what}: pip install 'netra-gateway[{extra}]'", _USAGE)
    _loaded(name)(args=arguments, prog_name=f"netra {name}")
    return 0


def _loaded(name: str) -> "Callable[..., Any]":
    from importlib import import_module

    import typer
    from typer.main import get_command

    found = getattr(import_module(COMMANDS[name].module), COMMANDS[name].attribute)
    if isinstance(found, typer.Typer):
        app = found
    else:
        app = typer.Typer(add_completion=False)
        app.command(name)(found)
    # Help in plain text: drawing it with rich would cost half a second.
    app.rich_markup_mode = None
    return get_command(app)


def _is_missing(extra: str) -> bool:
    """Looks for the modules without loading them."""
    from importlib.util import find_spec

    return any(find_spec(module) is None for module in _EXTRAS[extra].modules)


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    if name.startswith("-"):
        return f"netra: no option {name!r}. `netra --help` lists what there is."
    near = get_close_matches(name, COMMANDS, n=3, cutoff=0.5)
    if near:
        return f"netra: no command {name!r}. Did you mean {' or '.join(near)}? `netra --help` lists all."
    return f"netra: no command {name!r}. There are: {', '.join(COMMANDS)}."


def _say(stream: TextIO, text: str, code: int = 0) -> int:
    print(text, file=stream, flush=True)
    return code


def _wants_colour(stream: TextIO) -> bool:
    """Source: no-color.org."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
