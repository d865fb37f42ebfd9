"""The three logins, sent: a good one, a wrong password, an unknown user; and before them as many guesses as it takes.

It must never send more than the announced number, follow a redirect, or go on after an answer that is no verdict.
"""

from collections.abc import Callable, Mapping
from os import urandom
from secrets import choice, token_hex
from typing import Any, Final, NamedTuple

from netra.core.secret import Secret
from netra.core.verdict.classify import classify
from netra.core.verdict.operations import LOGIN
from netra.core.verdict.outcomes import Outcome
from netra.core.verdict.reply import Broken, Reply, Standing
from netra.core.verdict.wire import Label, Wire
from netra.doctor.learn import stops
from netra.doctor.learn.drafts import BodyForm, Constants, Guess, Problem, document, with_rows
from netra.doctor.learn.guesses import MOST_GUESSES, Guesses, kind_of
from netra.doctor.learn.places import Found, places
from netra.doctor.learn.stops import Stopped
from netra.doctor.learn.toml_text import wire_text
from netra.link.exchange import Exchange
from netra.link.seals import Seal
from netra.settings.field import Problem as Unusable
from netra.settings.values import url
from netra.wires.load import load
from netra.wires.problem import WireProblem

GOOD, WRONG, NOBODY = "good login", "wrong password", "unknown user"
STANDING: Final = Standing(handshake="accepted", credentials_configured=True)
_AGENT: Final = "netra-wire-learn"
_ANY_ROW: Final = {"status": [200], "require": ["access_token"], "accept": {"access_token": "/any"}}
_KEPT_DIGITS: Final = 4


class Target(NamedTuple):
    """Where logins go."""

    base_url: str
    path: str
    """With its query."""


class Plan(NamedTuple):
    """What is to be tried. The three secrets are all that is sent of anybody."""

    target: Target
    name: str
    """Of the wire."""
    identifier: Secret
    password: Secret
    nobody: Secret
    """An identifier that no account has."""
    wrong_password: Secret
    constants: Constants = Constants()
    form: BodyForm | None = None
    """None: to be found out."""
    identifier_field: str = ""
    password_field: str = ""
    timeout_s: float = 10.0

    @property
    def sent(self) -> tuple[str, ...]:
        """Everything that goes out and that no output may repeat."""
        secrets = (self.identifier, self.password, self.nobody, self.wrong_password, self.constants.service_secret)
        return tuple(each.reveal() for each in secrets if each) + tuple(filter(None, [self.constants.service_id]))


class Asked(NamedTuple):
    """One request that was sent, and what came of it."""

    what: str
    guess: Guess
    got: Reply | Broken


class Three(NamedTuple):
    """The replies to the three logins, and the document that they were sent by."""

    document: Mapping[str, Any]
    found: Found
    good: Reply
    wrong: Reply
    nobody: Reply


Tell = Callable[[Asked], None]


def target(text: str) -> Target | Problem:
    """Scheme, host and port, and apart from them path and query of a login's URL."""
    scheme, mark, rest = text.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    base_url = url("https", "http").parse(f"{scheme}{mark}{rest[:end]}")
    if isinstance(base_url, Unusable):
        return Problem("--login", f"{base_url.what}. {base_url.fix}")
    if "#" in rest:
        return Problem("--login", "has a fragment, which is never sent; end it before the #")
    path = rest[end:]
    return Target(str(base_url), path if path.startswith("/") else f"/{path}")


def nobody_like(identifier: str) -> str:
    """A random identifier of the same kind."""
    kind = kind_of(identifier)
    if kind == "email":
        return f"netra-check-{token_hex(6)}@{identifier.rpartition('@')[2]}"
    if kind == "username":
        return f"netracheck{token_hex(5)}"
    digits = [at for at, char in enumerate(identifier) if char.isdigit()]
    changed = {at: choice("0123456789") for at in digits[_KEPT_DIGITS:] or digits}
    return "".join(changed.get(at, char) for at, char in enumerate(identifier))


def wrong_password() -> Secret:
    """A random password that any rule for passwords lets through."""
    return Secret(f"Wrong-{token_hex(8)}-1!")


def most_requests(plan: Plan) -> int:
    """How many requests there may be in all; the last two of them, and one before, are logins."""
    return 2 + (1 if _guesses(plan).only else MOST_GUESSES)


def objections(plan: Plan) -> Stopped | None:
    """What is wrong with the options of a plan, while nothing has been sent; None when nothing is."""
    made = document(plan.name, plan.target.path, _guesses(plan).first(), plan.constants)
    wire = _option(made) if isinstance(made, Problem) else _wire(with_rows(made, [_ANY_ROW]))
    return wire if isinstance(wire, Stopped) else None


async def three_logins(plan: Plan, exchange: Exchange, tell: Tell) -> Three | Stopped:
    """Send them one after the other; the next one only when the one before was a clear word."""
    logins = _Logins(plan, exchange, tell)
    begun = await logins.good()
    if isinstance(begun, Stopped):
        return begun
    made, found, good = begun
    accept = {"status": [good.status], "require": ["access_token"], "accept": found.accept}
    wire = _wire(with_rows(made, [accept]))
    if isinstance(wire, Stopped):
        return wire
    replies = []
    for what, identifier, password in (
        (WRONG, plan.identifier, plan.wrong_password),
        (NOBODY, plan.nobody, plan.wrong_password),
    ):
        got = await logins.send(what, wire, identifier, password)
        if isinstance(got, Broken):
            return stops.broken(what, got)
        if objection := stops.of_refusal(what, _read(wire, got), got):
            return objection
        replies.append(got)
    return Three(made, found, good, replies[0], replies[1])


class _Logins:
    """Sends what a plan says, and tells what came of it."""

    def __init__(self, plan: Plan, exchange: Exchange, tell: Tell) -> None:
        self._plan = plan
        self._exchange = exchange
        self._tell = tell
        self._guesses = _guesses(plan)

    async def good(self) -> tuple[dict[str, Any], Found, Reply] | Stopped:
        """The good login, in as many forms as it takes until it is understood."""
        plan, guess = self._plan, self._guesses.first()
        while True:
            made = document(plan.name, plan.target.path, guess, plan.constants)
            if isinstance(made, Problem):
                return _option(made)
            wire = _wire(with_rows(made, [_ANY_ROW]))
            if isinstance(wire, Stopped):
                return wire
            got = await self.send(GOOD, wire, plan.identifier, plan.password)
            if isinstance(got, Broken):
                return stops.broken(GOOD, got)
            found = places(got) if 200 <= got.status < 300 else None
            if found is not None:
                return made, found, got
            outcome = _read(wire, got)
            following = None if stops.is_verdict(outcome) else self._guesses.next(got)
            if following is None:
                return stops.of_good_login(outcome, got, self._guesses.made)
            guess = following

    async def send(self, what: str, wire: Wire, identifier: Secret, password: Secret) -> Reply | Broken:
        """One login."""
        constants = self._plan.constants
        seal = Seal(wire, constants.service_id, constants.service_secret)
        label = Label(f"learn-{token_hex(8)}", f"00-{urandom(16).hex()}-{urandom(8).hex()}-00", user_agent=_AGENT)
        call = wire.call(LOGIN, {"identifier": identifier, "password": password}, label)
        got = await self._exchange(call, seal, self._plan.timeout_s)
        self._tell(Asked(what, self._guesses.made[-1], got))
        return got


def _guesses(plan: Plan) -> Guesses:
    return Guesses(plan.identifier.reveal(), plan.sent, plan.form, plan.identifier_field, plan.password_field)


def _option(problem: Problem) -> Stopped:
    return Stopped((f"{problem.option}: {problem.what}.",))


def _wire(made: Mapping[str, Any]) -> Wire | Stopped:
    """The wire that a document describes, or all that is wrong with what it was made of."""
    try:
        return load(wire_text(made), "")
    except WireProblem as problem:
        return Stopped(tuple(f"{each.where}: {each.what}." for each in problem.problems))


def _read(wire: Wire, reply: Reply) -> Outcome[Any]:
    return classify(wire.call(LOGIN, {}, Label("learn", "")), reply, STANDING)
