"""One question for many callers: shared while it is under way, by those who ask the very same, and by nobody later.

It must never depend on how fast the machine is: the event loop of the machine turns only when a test turns it.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from netra.link.flight import Abandoned, Flights
from tests.link.test_slots import HandTurnedLoop

Answer = tuple[str, int]
"""For which key, and by which of all questions."""

pytestmark = pytest.mark.usefixtures("only_what_is_new")


class Broke(Exception):
    """A question that ends with an exception: a bug, as outcomes are values."""


class Question:
    """A question that has begun, and is answered when a test says so."""

    def __init__(self, key: str, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self.key = key
        self.number = number
        self.under_way = True
        self.answered: asyncio.Future[Answer] = loop.create_future()

    def end(self, how: str) -> None:
        """Let it be answered, break, or be cancelled by what it waits for."""
        if self.answered.done():
            return
        if how == "answered":
            self.answered.set_result((self.key, self.number))
        elif how == "breaks":
            self.answered.set_exception(Broke(self.key, self.number))
        else:
            self.answered.cancel()


class Desk:
    """Where questions are asked: keeps all that began, and hears what the event loop complains of."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.flights = Flights[str, Answer]()
        self.questions: list[Question] = []
        self.complaints: list[dict[str, Any]] = []
        self._loop = loop
        loop.set_exception_handler(lambda _, complaint: self.complaints.append(complaint))

    async def ask(self, key: str) -> Answer:
        """Join the question under way for `key`, or begin one."""
        return await self.flights.join(key, lambda: self._begin(key))

    async def _begin(self, key: str) -> Answer:
        question = Question(key, len(self.questions), self._loop)
        self.questions.append(question)
        try:
            return await question.answered
        finally:
            question.under_way = False

    def under_way(self, key: str) -> int:
        """How many questions there are for one key at the moment."""
        return sum(each.under_way for each in self.questions if each.key == key)

    def nothing_to_complain_of(self) -> None:
        """No task and no exception was forgotten: the event loop says so when they are collected."""
        gc.collect()
        assert self.complaints == []


def came_to(task: "asyncio.Task[Answer]") -> Answer:
    """What a caller was told, whether it is an answer or an exception that names it."""
    error = task.exception()
    if error is None:
        return task.result()
    assert isinstance(error, Broke), error
    key, number = error.args
    return key, number


class Departures(RuleBasedStateMachine):
    """Callers come and leave, questions are answered, break and are cancelled, in every order, also within one turn."""

    @initialize()
    def open(self) -> None:
        self.loop = HandTurnedLoop()
        self.desk = Desk(self.loop)
        self.callers: list[tuple[str, asyncio.Task[Answer]]] = []
        self.left: set[asyncio.Task[Answer]] = set()
        self.closing: asyncio.Task[None] | None = None

    @rule(key=st.sampled_from("ab"))
    def arrive(self, key: str) -> None:
        self.callers.append((key, self.loop.create_task(self.desk.ask(key))))

    @rule(times=st.integers(1, 3))
    def turn(self, times: int) -> None:
        self.loop.turn(times)

    @precondition(lambda self: self.callers)
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        _, task = data.draw(st.sampled_from(self.callers))
        task.cancel()
        self.left.add(task)

    @precondition(lambda self: self.desk.questions)
    @rule(data=st.data(), how=st.sampled_from(["answered", "breaks", "cancelled"]))
    def end(self, data: Any, how: str) -> None:
        data.draw(st.sampled_from(self.desk.questions)).end(how)

    @precondition(lambda self: self.closing is None)
    @rule()
    def close(self) -> None:
        self.closing = self.loop.create_task(self.desk.flights.close())

    @invariant()
    def never_two_questions_of_one_key(self) -> None:
        if hasattr(self, "desk"):
            assert all(self.desk.under_way(key) <= 1 for key in "ab")
            assert self.desk.flights.under_way_count <= 2

    @invariant()
    def everybody_hears_of_his_own_question_alone(self) -> None:
        for key, task in self.callers if hasattr(self, "desk") else ():
            if task.done() and not task.cancelled() and not isinstance(task.exception(), Abandoned):
                assert came_to(task)[0] == key

    @rule()
    def come_to_rest(self) -> None:
        """Whoever still waits has a question under way; and what is under way was called off by no caller."""
        self.loop.turn(8)
        for key, task in self.callers:
            assert task.done() or self.desk.under_way(key) == 1
        if self.closing is not None:
            assert self.closing.done()
            assert self.desk.flights.under_way_count == 0

    def teardown(self) -> None:
        if not hasattr(self, "desk"):
            return
        for _ in range(3):
            self.loop.turn(8)
            for question in self.desk.questions:
                question.end("answered")
        self.loop.turn(8)
        assert self.desk.flights.under_way_count == 0, "a flight was left behind"
        assert all(task.done() for _, task in self.callers)
        for _, task in self.callers:
            if task.cancelled():
                assert task in self.left, "a caller was cancelled whom nobody had asked to leave"
            else:
                assert isinstance(task.exception(), Broke | Abandoned | None)
        assert not asyncio.all_tasks(self.loop)
        self.callers.clear()
        self.left.clear()
        self.desk.nothing_to_complain_of()
        self.loop.close()


TestDepartures = Departures.TestCase
TestDepartures.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)


@pytest.fixture
def loop() -> Iterator[HandTurnedLoop]:
    """An event loop in the hands of the test."""
    turned = HandTurnedLoop()
    yield turned
    turned.close()


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk in the event loop of the test, which has nothing to complain of in the end."""
    opened = Desk(asyncio.get_running_loop())
    yield opened
    await opened.flights.close()
    opened.nothing_to_complain_of()


async def asked(opened: Desk, *keys: str) -> list["asyncio.Task[Answer]"]:
    """A caller for each key, all of whom have asked."""
    tasks = [asyncio.create_task(opened.ask(key)) for key in keys]
    await asyncio.sleep(0.01)
    return tasks


async def test_a_thousand_callers_of_one_question_ask_it_once() -> None:
    async with desk() as opened:
        callers = await asked(opened, *["a"] * 1000)
        assert len(opened.questions) == 1
        opened.questions[0].end("answered")
        assert set(await asyncio.gather(*callers)) == {("a", 0)}
        assert opened.flights.under_way_count == 0


async def test_different_questions_are_asked_apart_whatever_their_hash() -> None:
    class Key(str):
        """A text whose hash is that of all others."""

        __slots__ = ()

        def __hash__(self) -> int:
            return 7

        def __eq__(self, other: object) -> bool:
            return str.__eq__(self, str(other))

    async with desk() as opened:
        callers = await asked(opened, Key("ada"), Key("bob"), Key("ada"))
        for question in opened.questions:
            question.end("answered")
        assert [key for key, _ in await asyncio.gather(*callers)] == ["ada", "bob", "ada"]
        assert len(opened.questions) == 2


async def test_who_comes_after_the_answer_asks_anew() -> None:
    async with desk() as opened:
        for number in range(3):
            (caller,) = await asked(opened, "a")
            opened.questions[number].end("answered")
            assert await caller == ("a", number)


async def test_the_first_one_may_leave_and_the_others_are_answered() -> None:
    async with desk() as opened:
        first, second, third = await asked(opened, "a", "a", "a")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert opened.under_way("a") == 1
        opened.questions[0].end("answered")
        assert [await second, await third] == [("a", 0)] * 2


def test_the_first_one_may_leave_before_the_question_has_even_begun(loop: HandTurnedLoop) -> None:
    opened = Desk(loop)
    first, second = (loop.create_task(opened.ask("a")) for _ in range(2))
    loop.call_soon(first.cancel)
    loop.turn()
    assert opened.questions == [], "the callers have asked, and nothing has begun"
    loop.turn(4)
    assert first.cancelled()
    opened.questions[0].end("answered")
    loop.turn(4)
    assert second.result() == ("a", 0)
    opened.nothing_to_complain_of()


async def test_what_nobody_waits_for_any_more_goes_on_to_its_end_and_can_be_joined_again() -> None:
    async with desk() as opened:
        leaving = await asked(opened, "a", "a")
        for task in leaving:
            task.cancel()
        await asyncio.wait(leaving)
        assert opened.under_way("a") == 1
        (late,) = await asked(opened, "a")
        assert len(opened.questions) == 1
        opened.questions[0].end("answered")
        assert await late == ("a", 0)


async def test_everybody_hears_of_an_exception_and_the_next_one_asks_anew() -> None:
    async with desk() as opened:
        callers = await asked(opened, "a", "a", "a")
        opened.questions[0].end("breaks")
        heard = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(each) for each in heard] == [Broke] * 3
        (again,) = await asked(opened, "a")
        opened.questions[1].end("answered")
        assert await again == ("a", 1)


async def test_an_exception_before_the_first_wait_is_heard_as_well_and_remembered_by_nobody() -> None:
    flights = Flights[str, str]()

    async def broken() -> str:
        raise Broke

    async def good() -> str:
        return "good"

    for _ in range(2):
        with pytest.raises(Broke):
            await flights.join("a", broken)
    assert await flights.join("a", good) == "good"


def test_an_exception_that_nobody_waits_for_is_no_complaint(loop: HandTurnedLoop) -> None:
    opened = Desk(loop)
    caller = loop.create_task(opened.ask("a"))
    loop.turn(3)
    caller.cancel()
    loop.turn(3)
    assert caller.cancelled()
    del caller  # Whoever keeps it keeps the flight as well, and nothing would be heard of either.
    opened.questions[0].end("breaks")
    loop.turn(4)
    assert opened.flights.under_way_count == 0
    opened.nothing_to_complain_of()


@pytest.mark.parametrize("how", ["answered", "breaks", "cancelled"])
def test_ended_and_left_in_one_turn_the_others_are_answered_and_nothing_is_lost(how: str, loop: HandTurnedLoop) -> None:
    opened = Desk(loop)
    first, second = (loop.create_task(opened.ask("a")) for _ in range(2))
    loop.turn(3)
    opened.questions[0].end(how)
    first.cancel()
    loop.turn(6)
    assert first.cancelled()
    if how == "cancelled":
        assert isinstance(second.exception(), Abandoned)
    else:
        assert came_to(second) == ("a", 0)
    assert opened.flights.under_way_count == 0
    opened.nothing_to_complain_of()


def test_who_comes_in_the_very_turn_of_a_failure_asks_anew(loop: HandTurnedLoop) -> None:
    opened = Desk(loop)
    first = loop.create_task(opened.ask("a"))
    loop.turn(3)

    async def ask_when_it_ends() -> Answer:
        with suppress(Broke):
            await opened.questions[0].answered
        assert not opened.questions[0].under_way
        assert opened.flights.under_way_count == 1, "the question has ended, and nobody was told"
        return await opened.ask("a")

    late = loop.create_task(ask_when_it_ends())
    loop.turn()
    opened.questions[0].end("breaks")
    loop.turn(6)
    assert isinstance(first.exception(), Broke)
    assert opened.under_way("a") == 1
    opened.questions[1].end("answered")
    loop.turn(4)
    assert late.result() == ("a", 1)
    assert opened.flights.under_way_count == 0
    opened.nothing_to_complain_of()


async def test_closing_calls_off_what_is_under_way_and_lets_nothing_begin() -> None:
    async with desk() as opened:
        callers = await asked(opened, "a", "a", "b")
        await opened.flights.close()
        assert [each.under_way for each in opened.questions] == [False, False]
        heard = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(each) for each in heard] == [Abandoned] * 3
        with pytest.raises(Abandoned):
            await opened.ask("a")
        assert len(opened.questions) == 2
        await opened.flights.close()


def test_closing_before_a_question_has_begun_leaves_nobody_waiting(loop: HandTurnedLoop) -> None:
    opened = Desk(loop)
    caller = loop.create_task(opened.ask("a"))
    closing = loop.create_task(opened.flights.close())
    loop.turn(8)
    assert closing.done()
    assert isinstance(caller.exception(), Abandoned)
    assert opened.questions == []
    opened.nothing_to_complain_of()


async def test_closing_waits_until_the_last_question_has_put_its_things_away() -> None:
    put_away = asyncio.Event()

    async def slow_to_leave() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            put_away.set()
        return ""

    flights = Flights[str, str]()
    caller = asyncio.create_task(flights.join("a", slow_to_leave))
    await asyncio.sleep(0.01)
    await flights.close()
    assert put_away.is_set()
    with pytest.raises(Abandoned):
        await caller
