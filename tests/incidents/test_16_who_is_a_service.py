"""A hundred times 403 for services that were known: whether somebody was one was guessed from how his id began.

There are two kinds of callers, and they never meet: whoever a token or a login stands for is a user, whatever he is
called, and a service is who shows the credentials of one. It must never be read from a name who somebody is.
"""

import ast
import asyncio
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest

from netra.doctor.debugger import AuthServiceDebugger
from netra.doctor.diagnosis import Hop
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, session
from tests.house.source import Source, dotted, hold, problem, sample, sources
from tests.support.gateways import EMAIL, ENVIRONMENT, SECRET, SERVICE_ID, Running, gateway
from tests.support.issuers import KEYS, VALIDATE, new_signer, publishes
from tests.support.problems import assert_problem
from tests.support.wire import Answer, Headers

SIGNER: Final = new_signer()
TIMES: Final = 100
AT_ONCE: Final = 5
"""Few enough that nobody is turned away for want of room on a busy machine."""
NAMES: Final = (
    "service:netra-backend", "service_reports", "svc-reports", "system", "system:cron", "internal/backup", "admin",
    SERVICE_ID, "user-1", "urn:service:1", "SERVICE", " service",
)  # fmt: skip
"""What users are called, and what services are."""
SAYS_SERVICE: Final[dict[str, Any]] = {
    "type": "service", "principal_type": "service", "client_id": SERVICE_ID, "roles": ["service"], "scope": "internal",
}  # fmt: skip
"""What a token or an answer may say besides, and which makes nobody a service."""
CLAIMS_TO_BE_ONE: Final[Headers] = [("X-Service-ID", "netra-admin"), ("X-Service-Secret", "of-somebody-else")]


async def check(running: Running, token: str, headers: Headers = ()) -> Answer:
    """Whom does this token stand for?"""
    return await running.get("/verify", [("Authorization", f"Bearer {token}"), *headers])


def vouched(name: str, **more: Any) -> Any:
    """The auth service's word for a token."""
    return json_reply(200, {"valid": True, "user_id": name, "expires_at": 2_000_000_000, **more})


def assert_stands_for(answer: Answer, name: str) -> None:
    """It is this user, under his own name, and nothing else is said of him."""
    assert answer.status == 200, answer
    assert answer.json["subject"] == name
    assert answer.header("X-Auth-Subject") == quote(name, safe="!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")
    told = {header for header, _ in answer.headers if header.startswith("x-auth-")}
    assert told <= {"x-auth-subject", "x-auth-email", "x-auth-expires", "x-auth-source"}


async def test_whoever_a_token_stands_for_is_a_user_whatever_he_is_called() -> None:
    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        async with gateway(service.url) as running:
            for name in NAMES:
                answer = await check(running, SIGNER.with_claims(sub=name, email=..., **SAYS_SERVICE))
                assert_stands_for(answer, name)
                assert answer.json["source"] == "jwt"


async def test_it_makes_no_difference_who_knows_whom_a_token_stands_for() -> None:
    async with FaultyAuthService() as service, gateway(service.url) as running:
        for number, name in enumerate(NAMES):
            service.answer(VALIDATE, vouched(name, **SAYS_SERVICE))
            answer = await check(running, f"opaque-{number}")
            assert_stands_for(answer, name)
            assert answer.json["source"] == "auth_service"


async def test_whoever_logs_in_is_a_user_whatever_he_is_called() -> None:
    async with FaultyAuthService() as service, gateway(service.url) as running:
        for name in NAMES:
            service.answer("/auth/login", json_reply(200, session(EMAIL, user={"id": name, "email": EMAIL})))
            answer = await running.log_in()
            assert answer.status == 200, answer
            assert answer.json["user"] == {"id": name, "email": EMAIL, "name": None}


async def test_nobody_becomes_a_service_by_saying_so() -> None:
    async with FaultyAuthService(secret=SECRET) as service, gateway(service.url) as running:
        for name in NAMES:
            service.answer(VALIDATE, vouched(name))
            assert_stands_for(await check(running, f"opaque-{name.strip()}", CLAIMS_TO_BE_ONE), name)
        assert (await running.log_in(headers=CLAIMS_TO_BE_ONE)).status == 200
        said = {(each.header("X-Service-ID"), each.header("X-Service-Secret")) for each in service.journal}
        counts = {each.count("X-Service-ID") for each in service.journal}
    sealed = {pair for pair in said if pair != (None, None)}
    assert sealed == {(SERVICE_ID, SECRET)}
    assert counts <= {0, 1}


async def test_a_service_that_is_refused_is_never_its_users_403() -> None:
    async with FaultyAuthService() as service, gateway(service.url) as running:
        service.fault("status-403")
        answers = []
        for begin in range(0, TIMES, AT_ONCE):
            users = [f"user-{number}@shop.test" for number in range(begin, begin + AT_ONCE)]
            answers += await asyncio.gather(*map(running.log_in, users))
        assert {answer.status for answer in answers} == {502}
        assert {answer.code for answer in answers} == {"service_credentials_rejected"}
        body = assert_problem(answers[0], 502, "service_credentials_rejected")
        assert (body["owner"], body["action"]) == ("us", "wait")
        service.heal()
        assert (await running.log_in()).status == 200, "a hundred refusals have left something behind"


async def test_a_diagnosis_names_the_service_and_asks_about_no_user() -> None:
    async with FaultyAuthService(secret="the-one-that-is-registered") as service:
        diagnosis = await AuthServiceDebugger({**ENVIRONMENT, "AUTH_SERVICE_URL": service.url}).run()
        paths = {each.path for each in service.journal if each.email is not None}
    assert diagnosis.first is not None
    assert diagnosis.first.code == "service_credentials_rejected"
    assert SERVICE_ID in diagnosis.first.what
    (refused,) = [check for check in diagnosis.checks if diagnosis.first in check.findings]
    assert refused.hop is Hop.SERVICE_CREDENTIALS
    assert paths == set()


PARTS_OF_SOMEBODY: Final = frozenset(
    {"id", "sub", "subject", "user_id", "service_id", "client_id", "principal", "identity", "user", "issuer"}
)
QUESTIONS: Final = frozenset({"startswith", "endswith", "removeprefix", "removesuffix", "split", "partition", "find"})


def read_from_names(source: Source) -> Iterator[str]:
    """Where it is asked how the name of somebody begins, ends, or what is in it."""
    cure = "Let a type say who somebody is: an Identity is a user, a Seal is a service"
    for node in ast.walk(source.tree):
        asked: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in QUESTIONS:
            asked = node.func.value
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant) and isinstance(node.ops[0], ast.In):
            asked = node.comparators[0]
        if asked is not None and dotted(asked).rpartition(".")[2] in PARTS_OF_SOMEBODY:
            yield problem(source, node, "who somebody is, is read from a name", cure)


def test_no_line_of_the_gateway_asks_how_somebodys_name_begins() -> None:
    rooms = ("core", "link", "upkeep", "gateway", "web", "integrations", "embed")
    hold(read_from_names, [each for each in sources("src/netra") if each.path.split("/")[2] in rooms])


@pytest.mark.parametrize(
    "line",
    ["user.id.startswith('service:')", "'service' in claims.sub", "subject.partition(':')", "a.b.client_id.find('x')"],
)
def test_such_a_line_would_be_found(line: str) -> None:
    assert list(read_from_names(sample("src/netra/core/x.py", f"answer = {line}")))
    assert not list(read_from_names(sample("src/netra/core/x.py", "answer = path.startswith('/') or 'x' in names")))


async def test_a_key_set_is_asked_for_without_saying_who_asks() -> None:
    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        async with gateway(service.url) as running:
            assert_stands_for(await check(running, SIGNER.with_claims(sub="service:x")), "service:x")
        asked = service.delivered(KEYS)
    assert asked
    assert {each.header("X-Service-ID") for each in asked} == {None}
