#!/usr/bin/env python3
"""Logs somebody in from inside a program: the gateway as a function, without a listener.

It needs an auth service, an account, and credentials of its own. With the demo's, in a terminal of its own:

    make demo

Its screen names the e-mail address, the password, and the folder of its files. Make yourself known there, then run:

    export NETRA_AUTHD_DATABASE_URL=sqlite:////tmp/netra-demo-…/auth-service.db
    export $(.venv/bin/netra services add my-backend)
    export ENVIRONMENT=development AUTH_SERVICE_URL=http://127.0.0.1:8081
    .venv/bin/python examples/embedded_login.py demo@netra.test

Try the right password, a wrong one, and then the faults that the demo's screen offers.
Exit code: 0 accepted, 1 rejected, 2 unknown, 78 settings that cannot be used.
"""

import argparse
import asyncio
import getpass
import logging
import os
import sys

from netra.embed import Accepted, Gate, ProblemResponse, Rejected, Secret, Session, SettingsProblem, Unknown, open_gate


async def log_in(gate: Gate, email: str, password: Secret) -> int:
    """What a route of your backend would do; returns the exit code instead of a response."""
    # In a route: gate.request_id(headers.get("x-request-id")), so that one id finds answer, log line and trace.
    request_id = gate.request_id()
    outcome = await gate.log_in(
        email,
        password,
        client_address="127.0.0.1",
        user_agent="embedded-login/1.0",
        request_id=request_id,
    )
    match outcome:
        case Accepted(session):
            return await welcome(gate, session)
        case Rejected():
            show(gate.problem_response(outcome, request_id=request_id))
            return 1
        case Unknown():
            show(gate.problem_response(outcome, request_id=request_id))
            return 2


async def welcome(gate: Gate, session: Session) -> int:
    """Use the session once, then end it."""
    who = await gate.who_is(session.access_token)
    if isinstance(who, Accepted):
        say(f"accepted: {who.value.user.email} is {who.value.user.id}")
    # A Secret prints as dots; session.access_token.reveal() is the text, for the response to your client.
    say(f"access token: {session.access_token}, good for {session.expires_in_s} s")
    await gate.log_out(session.access_token, session.refresh_token)
    return 0


def show(response: ProblemResponse) -> None:
    """Print what the HTTP route would have answered; your framework takes the same three parts."""
    say(f"{response.status}")
    for name, value in response.headers:
        say(f"{name}: {value}")
    say(f"\n{response.body.decode()}")


def say(line: str) -> None:
    """Print a line on standard output."""
    sys.stdout.write(f"{line}\n")


async def run(email: str, password: Secret, url: str | None) -> int:
    """Open a gate, log in, close it. A server opens one when it starts, and closes it when it ends."""
    environ = {**os.environ, "AUTH_SERVICE_URL": url} if url else os.environ
    async with open_gate(environ) as gate:
        return await log_in(gate, email, password)


def main() -> int:
    """Read the command line, and the password from the terminal or the first line of standard input."""
    parser = argparse.ArgumentParser(description="Logs somebody in through a gateway inside this program.")
    parser.add_argument("email", help="who logs in")
    parser.add_argument("--url", help="the auth service's address; without it AUTH_SERVICE_URL")
    told = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        return asyncio.run(run(told.email, Secret(password), told.url))
    except SettingsProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return os.EX_CONFIG


if __name__ == "__main__":
    sys.exit(main())
