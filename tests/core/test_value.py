"""Values stay what they are, compiled or not."""

import pytest

from netra.core.events import AttemptEnded, TryEnded
from netra.core.value import Value
from netra.core.verdict.operations import Session
from netra.core.verdict.outcomes import Tried
from netra.core.verdict.reply import Reply
from netra.core.verdict.wire import Label
from netra.gateway.attempts import LoginAttempt, RegisterAttempt, TokenAttempt

VALUES = (AttemptEnded, Label, LoginAttempt, RegisterAttempt, Reply, Session, TokenAttempt, Tried, TryEnded)


def test_these_are_all_there_are() -> None:
    ours = {each for each in Value.__subclasses__() if each.__module__.startswith("netra.")}
    assert ours == set(VALUES)


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_nobody_changes_a_value(kind: type[Value]) -> None:
    assert kind.__struct_config__.frozen
    assert kind.__struct_config__.eq


def test_a_value_is_a_key_like_any_other() -> None:
    one, other = (Label("one", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") for _ in range(2))
    assert {one: "found"}[other] == "found"
    with pytest.raises(AttributeError):
        one.request_id = "two"  # type: ignore[misc]
