"""Where the parts of a good answer stand: tokens, how long they last, and who has logged in.

It must never guess from a value that a user can choose: only usual names in usual surroundings count.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from netra.core.token.claims import unchecked_claims
from netra.core.verdict.operations import LOGIN, of_no_use
from netra.core.verdict.reply import Reply
from netra.core.verdict.strict_json import parse
from netra.core.verdict.wire import Pointer
from netra.doctor.learn.usual import plain, usual

MAX_DEPTH: Final = 5
_LEAST_TOKEN_CHARS: Final = 8
_CLOCKS_DIFFER_S: Final = 120
_JWT: Final = re.compile(r"[\w-]{8,}\.[\w-]{4,}\.[\w-]*", re.ASCII)


class Found(NamedTuple):
    """The places of a good answer as a wire file writes them, and what a person should know of them."""

    accept: Mapping[str, str]
    notes: tuple[str, ...] = ()


class _Leaf(NamedTuple):
    pointer: Pointer
    value: Any

    @property
    def name(self) -> str:
        return plain(self.pointer[-1])

    @property
    def around(self) -> str:
        return plain(self.pointer[-2]) if len(self.pointer) > 1 else ""


def document_of(reply: Reply) -> Any:
    """The JSON object of a reply; None for any other body."""
    document = parse(reply.body)
    return document if isinstance(document, dict) else None


def text_of_pointer(pointer: Pointer) -> str:
    """Source: RFC 6901, section 3."""
    return "".join(f"/{segment.replace('~', '~0').replace('/', '~1')}" for segment in pointer)


def is_jwt(value: Any) -> bool:
    """Is it a JSON Web Token with claims?"""
    return isinstance(value, str) and bool(_JWT.fullmatch(value)) and bool(unchecked_claims(value))


def places(reply: Reply) -> Found | None:
    """The places of a good answer; None when there is no token in it."""
    document = document_of(reply)
    leaves = list(_leaves(document, ())) if document is not None else []
    token = _token(leaves, "access_token") or _only_jwt(document)
    header = None if token else _header("access_token", reply)
    if token is None and header is None:
        return None
    access = token.value if token else reply.headers[header or ""]
    accept = {"access_token": text_of_pointer(token.pointer) if token else f"header:{header}"}
    if refresh := _token(leaves, "refresh_token"):
        accept["refresh_token"] = text_of_pointer(refresh.pointer)
    elif refresh_header := _header("refresh_token", reply):
        accept["refresh_token"] = f"header:{refresh_header}"
    notes = list(_times(leaves, access, reply.received_at, accept))
    accept |= _user(leaves, access)
    return Found(accept, tuple(notes))


def _leaves(value: Any, above: Pointer) -> Iterator[_Leaf]:
    """The texts and numbers in usual surroundings."""
    if len(above) > MAX_DEPTH:
        return
    names = usual()
    for key, each in value.items():
        if not isinstance(each, dict | list):
            yield _Leaf((*above, key), each)
        elif isinstance(each, dict) and plain(key) in names.around_tokens | names.around_users:
            yield from _leaves(each, (*above, key))


def _usable(place: str, value: Any) -> bool:
    return value is not None and not of_no_use(LOGIN.shape, {place: value})


def _token(leaves: list[_Leaf], place: str) -> _Leaf | None:
    """The token with the most usual name, nearest to the top."""
    names = usual().places[place]
    found = [
        (names.index(name), len(leaf.pointer), leaf)
        for leaf in leaves
        if (name := _said_of(leaf, place)) in names and _looks_like_a_token(leaf.value)
    ]
    return min(found, key=lambda each: each[:2])[2] if found else None


def _said_of(leaf: _Leaf, place: str) -> str:
    """What a leaf is called for this place: in `refresh.token` the surroundings say which token it is."""
    spoken = {other for other in ("access_token", "refresh_token") if leaf.around in usual().places[other]}
    if leaf.name not in usual().values or leaf.around in usual().values or not spoken:
        return leaf.name
    return leaf.around if place in spoken else ""


def _looks_like_a_token(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= _LEAST_TOKEN_CHARS and _usable("access_token", value)


def _only_jwt(document: Any) -> _Leaf | None:
    """The one JSON Web Token of an answer, whatever it is called."""
    found = [each for each in every_leaf(document) if is_jwt(each[1]) and _looks_like_a_token(each[1])]
    return _Leaf(*found[0]) if len(found) == 1 else None


def every_leaf(value: Any, above: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """All texts and constants of a document with their pointers; of a list only the first."""
    if isinstance(value, dict) and len(above) <= MAX_DEPTH:
        for key, each in value.items():
            if key:
                yield from every_leaf(each, (*above, key))
    elif isinstance(value, list) and value and len(above) <= MAX_DEPTH:
        yield from every_leaf(value[0], (*above, "0"))
    elif above and not isinstance(value, dict | list):
        yield above, value


def _header(place: str, reply: Reply) -> str | None:
    there = (name for name in usual().headers[place] if _looks_like_a_token(reply.headers.get(name)))
    return next(there, None)


def _times(leaves: list[_Leaf], access: str, now: float, accept: dict[str, str]) -> Iterator[str]:
    """Adds kind and lifetime of the token, where they can be believed."""
    for place in ("token_type", "expires_in"):
        for leaf in leaves:
            if leaf.name in usual().places[place] and _usable(place, leaf.value):
                if place == "expires_in" and (doubt := _doubt(leaf.value, access, now)):
                    yield f"{ascii(text_of_pointer(leaf.pointer))[1:-1]} {doubt}"
                else:
                    accept[place] = text_of_pointer(leaf.pointer)
                    break


def _doubt(lifetime: int, access: str, now: float) -> str:
    """Why a number is no lifetime in seconds; nothing when it may well be one."""
    claims = unchecked_claims(access)
    begins, ends = claims.get("iat"), claims.get("exp")
    began = begins if isinstance(begins, int | float) else now
    if isinstance(ends, int | float) and abs(began + lifetime - ends) > _CLOCKS_DIFFER_S:
        return "is left out: the token itself says that it lasts longer or shorter, so these are no seconds"
    return ""


def _user(leaves: list[_Leaf], access: str) -> dict[str, str]:
    """Who it is: said in the answer, else by the claims of its token. Nothing is of use without an id."""
    beside = {leaf.pointer[:-1] for leaf in leaves if leaf.name in usual().beside_an_id}
    found = {}
    for place in ("user_id", "user_email", "user_name"):
        names = usual().places[place]
        there = [
            (names.index(leaf.name), len(leaf.pointer), leaf)
            for leaf in leaves
            if leaf.name in names and _is_of_the_user(leaf, beside) and _usable(place, leaf.value)
        ]
        if there:
            found[place] = text_of_pointer(min(there, key=lambda each: each[:2])[2].pointer)
        elif claim := _claim(place, access):
            found[place] = f"jwt:{claim}"
    return found if "user_id" in found else {}


def _is_of_the_user(leaf: _Leaf, beside: set[Pointer]) -> bool:
    """Does it stand in what is called a user, or beside something that only a user has?"""
    known = usual()
    return leaf.around in known.around_users or leaf.name in known.of_users or leaf.pointer[:-1] in beside


def _claim(place: str, access: str) -> str | None:
    claims = unchecked_claims(access)
    spelt = {plain(name): name for name in claims}
    names = (spelt[name] for name in usual().claims[place] if name in spelt)
    return next((name for name in names if _usable(place, claims[name])), None)
