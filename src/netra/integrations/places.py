"""Which of the auth routes a host wants, and where.

It must never know a framework, nor hold a list of routes of its own: the rows of the listener are the routes.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from netra.web.endpoints import ENDPOINTS, Endpoint

PREFIX: Final = "/api/v1/auth"
_OF_LISTENERS: Final = frozenset({"livez", "readyz"})
"""A host says itself whether it lives; and no proxy asks it whether others may pass."""


class Placed(NamedTuple):
    """One route of a host."""

    name: str
    endpoint: Endpoint
    path: str
    """Where it stands in the host; a free last segment is written `{code}`."""

    def asked(self, rest: str | None) -> str:
        """The listener's own path for a request."""
        return self.endpoint.path if rest is None else self.endpoint.path.replace("*", rest)


def name_of(endpoint: Endpoint) -> str:
    """The name by which a host chooses a route: its path without its slashes, `login` for `/login`."""
    return endpoint.path.strip("/*")


def names() -> tuple[str, ...]:
    """The names of all routes that a host may choose."""
    return tuple(name_of(each) for each in _endpoints())


def _endpoints() -> tuple[Endpoint, ...]:
    return tuple(each for each in ENDPOINTS if not each.for_proxies and name_of(each) not in _OF_LISTENERS)


def placed(prefix: str, only: Collection[str] | None, paths: Mapping[str, str] | None) -> tuple[Placed, ...]:
    """The chosen routes; each stands at its own path, or at the one that `paths` says, below the prefix.

    What stands outside of the listener's prefix (the pages of problems) stands outside of this one, too.
    Raises: ValueError, for a name or a path that cannot be.
    """
    known = names()
    moved = dict(paths or {})
    for name in (*(only or ()), *moved):
        if name not in known:
            raise ValueError(f"There is no route {name!r}. There are: {', '.join(known)}.")
    for path in (*moved.values(), *([prefix] if prefix else [])):
        if not path.startswith("/") or path.endswith("/") or "{" in path:
            raise ValueError(f"{path!r} is no path for a route. Write it like /login: a slash before, none behind.")
    chosen = [each for each in _endpoints() if name_of(each) in (known if only is None else only)]
    return tuple(Placed(name_of(each), each, _path(each, prefix, moved)) for each in chosen)


def _path(endpoint: Endpoint, prefix: str, moved: Mapping[str, str]) -> str:
    name = name_of(endpoint)
    own = endpoint.path.replace(f"/{name}", moved.get(name, f"/{name}"), 1)
    return ("" if endpoint.bare else prefix) + own.replace("*", "{code}")
