"""Every run that is recorded: a name, what is broken in it, and how people use the gateway meanwhile.

It must never know which alert is expected of it.
"""

from typing import Final, NamedTuple

from netra.lab.scripts import json_reply
from tests.observe.metrics.runs.scenes import (
    LOGIN_THERE,
    SceneMaker,
    broken,
    by_a_clock_ahead,
    keys_from_nowhere,
    of_no_name,
    over_tls,
    says,
    scripted,
    slow_login,
    with_secret_of_another,
)
from tests.support.issuers import HANDSHAKE, KEYS, VALIDATE


class Traffic(NamedTuple):
    """What comes in between two scrapes."""

    rights_count: int = 5
    """Logins with the right password."""
    wrongs_count: int = 1
    """Logins with a wrong one, each for another account."""
    guesses_count: int = 0
    """Logins with a wrong one for a few accounts, from one address; they come with the fault, as the next do."""
    spread_count: int = 0
    """Logins with a wrong one, each for another account and from another address."""
    checks_count: int = 5
    """Checks of tokens, most of them new."""


class Run(NamedTuple):
    """One run."""

    name: str
    what: str
    """What is broken, in a sentence."""
    scene: SceneMaker
    traffic: Traffic = Traffic()
    from_the_start: bool = False
    """Was it broken before the gateway started?"""
    faulty_steps_count: int = 20
    speed: int = 15
    """How many times faster than usual its time runs."""


HEALTHY: Final = "healthy"
RUNS: Final = (
    Run(HEALTHY, "Nothing: people log in, and one in six types a wrong password.", broken(),
        faulty_steps_count=40),
    Run("port-closed", "Nothing listens at the auth service's port.", broken("connection-refused")),
    Run("port-closed-at-noon", "The same, when so many log in that the circuit opens.", broken("connection-refused"),
        Traffic(rights_count=40)),
    Run("no-such-name", "The auth service's name has no address.", of_no_name(), from_the_start=True),
    Run("accepts-and-is-silent", "The auth service takes connections and says nothing.", broken("freeze")),
    Run("nobody-let-in", "The queue of the auth service's port is full.", broken("connection-timeout")),
    Run("status-500", "The auth service answers everything with 500.", broken("status-500")),
    Run("status-503", "The auth service answers everything with 503.", broken("status-503")),
    Run("not-json", "The auth service answers logins with HTML; its health is fine.",
        broken("html-with-200", path=LOGIN_THERE)),
    Run("logins-500", "Only logins get 500; the health of the auth service is fine.",
        broken("status-500", path=LOGIN_THERE)),
    Run("slow-logins", "Logins take nearly all the time that they have.", scripted(LOGIN_THERE, slow_login),
        speed=8),
    Run("credentials-refused", "The auth service does not know the gateway's credentials any more.",
        broken("service-credentials-rejected")),
    Run("wrong-secret", "The gateway was started with a secret of somebody else.", with_secret_of_another(),
        from_the_start=True),
    Run("redirected", "The auth service has moved, and says so to logins.", broken("status-302", path=LOGIN_THERE)),
    Run("endpoint-missing", "A release of the auth service has lost the route of logins.",
        broken("status-404", path=LOGIN_THERE)),
    Run("certificate-expired", "The auth service's certificate expired.", over_tls("certificate-expired"), speed=10),
    Run("certificate-of-a-stranger", "Somebody whom nobody trusts has signed the certificate.",
        over_tls("certificate-other-authority"),
        speed=10),
    Run("certificate-ends", "The certificate has ten days left.", over_tls(ending=True), from_the_start=True,
        faulty_steps_count=44, speed=10),
    Run("clocks-apart", "The auth service's clock is a minute and a half ahead.",
        scripted(HANDSHAKE, by_a_clock_ahead), faulty_steps_count=40),
    Run("keys-missing", "The keys by which tokens are checked were never to be had.", keys_from_nowhere(),
        from_the_start=True),
    Run("keys-stale", "The keys were to be had, and then not any more.",
        scripted(KEYS, json_reply(500, {"message": "no"})), faulty_steps_count=180, speed=20),
    Run("checks-fail", "The auth service fails at saying what tokens are worth.",
        scripted(VALIDATE, json_reply(500, {"message": "no"}), opaque=True)),
    Run("settings-differ", "The auth service says that it is of another environment.", says(environment="production"),
        faulty_steps_count=40),
    Run("password-flood", "Somebody guesses at a few accounts from one address.", broken(),
        Traffic(guesses_count=60), faulty_steps_count=40, speed=6),
    Run("distributed-guessing", "Somebody tries one password at each of many accounts, from many addresses.", broken(),
        Traffic(spread_count=45), faulty_steps_count=40, speed=6),
)  # fmt: skip
BY_NAME: Final = {run.name: run for run in RUNS}
