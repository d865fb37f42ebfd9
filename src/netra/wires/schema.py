"""The words of a wire file: every key with its kind, and what fills which gap.

It must never grow a word that runs something: a wire is data.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.wire import Label
from netra.wires.problem import Found, Path, likely, listed

CALLER: Final = frozenset({"client_address", "user_agent", "request_id"})
"""What headers may say of the caller."""
SEALS: Final = frozenset({"service_id", "service_secret", "service_basic"})
"""What says who we are."""
SAID: Final[Mapping[str, frozenset[str]]] = {
    **{name: frozenset[str]() for name in OPERATIONS},
    "login": frozenset({"identifier", "password"}),
    "register": frozenset({"identifier", "password", "name"}),
    "refresh": frozenset({"refresh_token"}),
    "logout": frozenset({"refresh_token", "token"}),
    "validate": frozenset({"token"}),
    "revocations": frozenset({"cursor"}),
}
"""What a client says, by the call that it leads to; `cursor`: where the last answer has ended."""
ASKED_ABOUT: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    "login": (frozenset({"identifier"}), frozenset({"password"})),
    "register": (frozenset({"identifier"}), frozenset({"password"})),
    "refresh": (frozenset({"refresh_token"}),),
    "logout": (frozenset({"refresh_token", "token"}),),
    "validate": (frozenset({"token"}),),
}
"""Of each group, a call has to pass on one at least: else it asks about nobody."""
BEARERS: Final = frozenset({"token", "refresh_token"})
TAKES_EXTRA: Final = frozenset({"login", "register"})
TAKES_A_KEY: Final = frozenset({"login", "register", "refresh"})
TAKEN: Final = (
    frozenset(word for words in SAID.values() for word in words)
    | CALLER
    | SEALS
    | frozenset(Label.__struct_fields__)
    | {"email", "username", "phone", "confirm_password"}
)
"""Names that an extra field cannot have: they are said already."""
NEVER_IN_AN_ADDRESS: Final = SAID["login"] | SAID["register"] | SAID["refresh"] | SAID["logout"]
"""Who somebody is, and what only they know: addresses are written to logs on every way."""
METHODS: Final = frozenset({"GET", "POST"})
MAX_EXTRA_CHARS: Final = 8192
USUAL_EXTRA_CHARS: Final = 1024

WIRE_KEYS: Final[Mapping[str, type]] = {
    "name": str,
    "tried": str,
    "advice": str,
    "seal": dict,
    "seal_fields": dict,
    "extra": dict,
    "replies": list,
    "calls": dict,
}
EXTRA_KEYS: Final[Mapping[str, type]] = {"max_chars": int, "required": bool}
CALL_KEYS: Final[Mapping[str, type]] = {
    "method": str,
    "path": str,
    "query": dict,
    "form": dict,
    "json": dict,
    "headers": dict,
    "sealed": bool,
    "tells_caller": bool,
    "keyed": bool,
    "bearer": str,
    "needs": list,
    "replies": list,
}
ROW_KEYS: Final[Mapping[str, type]] = {
    "status": list,
    "body": list,
    "coded": bool,
    "needs_standing": bool,
    "pointer": str,
    "value": object,
    "accept": dict,
    "require": list,
    "code": str,
    "named": bool,
}
_KINDS: Final[Mapping[type, str]] = {
    str: "a text in quotes",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def key_problems(path: Path, table: Mapping[str, Any], known: Mapping[str, type]) -> Iterator[Found]:
    """Keys that mean nothing here, and values of the wrong kind."""
    for key, value in table.items():
        if key not in known:
            yield Found((*path, key), f"unknown key{likely(key, known)}; known are {listed(known)}")
        elif not is_a(value, known[key]):
            yield Found((*path, key), f"must be {_KINDS[known[key]]}")


def usable(table: Mapping[str, Any], known: Mapping[str, type]) -> dict[str, Any]:
    """What can be looked into: members that are known, and of their kind."""
    return {key: value for key, value in table.items() if key in known and is_a(value, known[key])}


def is_a(value: Any, kind: type) -> bool:
    """Is a value of a kind? A truth value is no number."""
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))
