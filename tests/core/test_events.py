"""Events carry ids, codes and timings, and nothing that was said by anyone."""

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_type_hints

import pytest

from netra.core import events
from netra.core.events import AttemptEnded, Event
from netra.core.findings import Finding
from netra.core.pace.breaker import Circuit
from netra.core.secret import Secret
from netra.core.verdict.operations import Session
from netra.core.verdict.outcomes import Accepted, Rejected, Tried, Unknown

FIELDS: dict[str, dict[str, Any]] = {
    "AttemptEnded": {
        "journey": str,
        "request_id": str,
        "outcome": Accepted[Any] | Rejected | Unknown,
        "elapsed_s": float,
        "account": str | None,
        "trace_id": str | None,
        "span_id": str | None,
    },
    "CircuitChanged": {"kind": str, "circuit": Circuit},
    "ConnectivityChecked": {
        "request_id": str,
        "code": str | None,
        "phase": str | None,
        "elapsed_s": float,
        "changed": bool,
        "facts": Mapping[str, str],
    },
    "HandshakeEnded": {
        "request_id": str,
        "state": str,
        "code": str | None,
        "phase": str | None,
        "elapsed_s": float,
    },
    "KeysChanged": {"key_ids": tuple[str, ...], "code": str | None, "reason": str},
    "TryEnded": {"operation": str, "verdict": Literal["accepted", "rejected", "unknown"], "tried": Tried},
    "Changed": {
        "what": Literal[
            "version",
            "configuration",
            "service_id",
            "service_secret",
            "service_secret_previous",
            "peer_certificate",
            "auth_service_version",
        ],
        "now": str,
        "before": str | None,
    },
    "RevocationFeed": {"state": Literal["up", "down"], "code": str | None},
    "ConfigurationProblem": {"finding": Finding},
    "Stage": {"name": str, "addresses": tuple[tuple[str, str], ...]},
    "Crashed": {"request_id": str, "error_type": str, "places": tuple[str, ...], "elapsed_s": float},
}
"""Closed: a field more is a field that every listener, log and trace will see."""


def test_every_event_of_the_room_can_be_told() -> None:
    here = {name for name, each in vars(events).items() if getattr(each, "__module__", "") == events.__name__}
    assert here == {event.__name__ for event in get_args(Event)} == set(FIELDS)


@pytest.mark.interpreted
@pytest.mark.parametrize("event", get_args(Event), ids=lambda event: event.__name__)
def test_an_event_holds_these_fields_and_no_call_reply_header_or_body(event: Any) -> None:
    assert get_type_hints(event) == FIELDS[event.__name__]


def test_the_event_of_a_login_prints_without_its_tokens() -> None:
    session = Session(Secret("access-token"), Secret("refresh-token"), 900, None)
    told = repr(AttemptEnded("login", "req-1", Accepted(session), 0.1))
    assert "req-1" in told
    assert "access-token" not in told
    assert "refresh-token" not in told
