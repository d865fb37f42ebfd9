"""The plugin in the hands of somebody else: fixtures for tests of every kind, and no trace of it besides.

It must never be loaded by the pytest that runs this file.
"""

import inspect
from pathlib import Path
from typing import Final

import pytest

from netra.testing import plugin
from tests.support.programs import python
from tests.testing.support import ran

FIXTURES: Final = ("netra_authd", "netra_chaos_proxy", "netra_gateway", "netra_lab")
ASKING: Final = """
import http.client
import json
from urllib.parse import urlsplit

def log_in(api, password="Swordfish-and-chips-42", email="ada.byron@example.com"):
    gateway = http.client.HTTPConnection(urlsplit(api).netloc, timeout=20)
    body = json.dumps({"email": email, "password": password})
    gateway.request("POST", urlsplit(api).path + "/login", body, {"Content-Type": "application/json"})
    answer = gateway.getresponse()
    said = json.loads(answer.read())
    gateway.close()
    return answer.status, said.get("code")
"""
"""How somebody's synchronous backend asks."""


def test_to_load_it_costs_nothing_but_pytest() -> None:
    told = python(
        "-c",
        "import sys, pytest; before = set(sys.modules); import netra.testing.plugin;"
        "print(sorted({each.partition('.')[0] for each in set(sys.modules) - before}),"
        " sorted(each for each in sys.modules if each.startswith('netra')))",
        told={},
    )
    assert told.stdout.strip() == "['netra'] ['netra', 'netra.testing', 'netra.testing.plugin']", told.stderr


def test_it_has_four_fixtures_that_nobody_gets_unasked_and_no_hook() -> None:
    names = {name for name in vars(plugin) if not name.startswith("_")}
    assert {name for name in names if name.startswith("pytest_")} == set()
    fixtures = {
        name: value for name, value in vars(plugin).items() if type(value).__name__ == "FixtureFunctionDefinition"
    }
    assert tuple(sorted(fixtures)) == FIXTURES
    source = inspect.getsource(plugin)
    assert "autouse" not in source
    assert "scope" not in source, "each is of one test"


def test_every_fixture_is_listed_with_what_it_is_for(tmp_path: Path) -> None:
    listed = ran(tmp_path, "def test_nothing(): pass", "--fixtures").text
    for name in FIXTURES:
        after = listed.partition(f"\n{name} --")[2]
        assert after, f"{name} is not listed"
        assert "no docstring available" not in after.partition("\n\n")[0]


def test_a_suite_that_asks_for_nothing_sees_nothing_of_it(tmp_path: Path) -> None:
    suite = ran(
        tmp_path,
        """
        import sys, threading

        def test_theirs():
            assert [each for each in sys.modules if each.startswith("netra.") and "testing" not in each] == []
            assert threading.active_count() == 1
        """,
    )
    assert suite.counts == {"passed": 1}, suite.text


def test_synchronous_tests_fail_on_command_and_heal(tmp_path: Path) -> None:
    suite = ran(
        tmp_path,
        ASKING
        + """
def test_faults(netra_lab, netra_gateway):
    gateway = netra_gateway(netra_lab.url)
    assert log_in(gateway.api) == (200, None)
    assert log_in(gateway.api, "wrong") == (401, "invalid_credentials")
    fault = netra_lab.fault("html-with-200")
    assert log_in(gateway.api) == (fault.status, fault.code) == (502, "invalid_response")
    netra_lab.fault("connection-refused")
    assert log_in(gateway.api) == (503, "connection_refused")
    netra_lab.heal()
    assert log_in(gateway.api) == (200, None)
    assert len(netra_lab.deliveries()) == 4
    assert gateway.codes[:2] == ["invalid_credentials", "invalid_response"]

def test_for_one_user(netra_lab, netra_gateway):
    gateway = netra_gateway(netra_lab.url)
    assert netra_lab.deliveries() == (), "every test has its own"
    netra_lab.fault("account-locked", user="grace")
    assert log_in(gateway.api, email="grace@example.com") == (423, "account_locked")
    assert log_in(gateway.api) == (200, None)
    assert log_in(gateway.api, email="account_disabled@lab.test") == (403, "account_disabled")

def test_a_route_of_theirs(netra_lab):
    from netra.lab.scripts import json_reply

    netra_lab.answer("/oauth/token", json_reply(200, {"access_token": "x"}))
    address = http.client.HTTPConnection(urlsplit(netra_lab.url).netloc, timeout=20)
    address.request("POST", "/oauth/token", b"grant_type=password")
    assert json.loads(address.getresponse().read()) == {"access_token": "x"}
    address.close()
    assert netra_lab.journal[-1].body == b"grant_type=password"
""",
    )
    assert suite.counts == {"passed": 3}, suite.text


def test_asynchronous_tests_and_any_loop_may_use_them(tmp_path: Path) -> None:
    suite = ran(
        tmp_path,
        ASKING
        + """
import asyncio

def test_async(netra_lab, netra_gateway):
    gateway = netra_gateway(netra_lab.url)

    async def main():
        netra_lab.fault("status-503")
        return await asyncio.gather(*(asyncio.to_thread(log_in, gateway.api) for _ in range(3)))

    assert asyncio.run(main()) == [(503, "auth_service_unavailable")] * 3
""",
    )
    assert suite.counts == {"passed": 1}, suite.text


def test_a_real_auth_service_stands_behind_a_proxy_that_misbehaves(tmp_path: Path) -> None:
    suite = ran(
        tmp_path,
        ASKING
        + """
from netra.lab.chaos_ways import Ending, Faults, Way

def test_all(netra_authd, netra_chaos_proxy, netra_gateway):
    proxy = netra_chaos_proxy(netra_authd.url)
    gateway = netra_gateway(proxy.url, **netra_authd.variables)
    good = {"email": netra_authd.email, "password": netra_authd.password}
    assert log_in(gateway.api, **good) == (200, None)
    proxy.switch(Faults(to_client=Way(ending=Ending("reset", 40, 40))))
    assert log_in(gateway.api, **good) == (502, "connection_terminated")
    proxy.heal()
    assert log_in(gateway.api, **good) == (200, None)
    assert log_in(gateway.api, netra_authd.email, "not it") == (401, "invalid_credentials")
    assert proxy.tally.connections_count > 0
    assert netra_authd.password not in repr(netra_authd) + str(gateway.lines)
    other = netra_chaos_proxy(f"127.0.0.1:{proxy.port}")
    assert other.url != proxy.url
""",
    )
    assert suite.counts == {"passed": 1}, suite.text


def test_settings_that_cannot_be_used_name_the_variable_and_those_of_the_shell_are_not_read(tmp_path: Path) -> None:
    suite = ran(
        tmp_path,
        ASKING
        + """
import pytest
from netra.settings.read import SettingsProblem

def test_wrong(netra_lab, netra_gateway):
    with pytest.raises(SettingsProblem, match="NETRA_TRIES"):
        netra_gateway(netra_lab.url, NETRA_TRIES="many")

def test_shell(netra_lab, netra_gateway, monkeypatch):
    monkeypatch.setenv("NETRA_TRIES", "many")
    monkeypatch.setenv("NETRA_PREFIX", "/elsewhere")
    assert log_in(netra_gateway(netra_lab.url).api) == (200, None)
    assert log_in(netra_gateway(netra_lab.url, NETRA_PREFIX="/auth").api) == (200, None)
    assert log_in(netra_gateway(netra_lab.url, SERVICE_ID=None, SERVICE_SECRET=None).api) == (200, None)
""",
    )
    assert suite.counts == {"passed": 2}, suite.text


@pytest.mark.parametrize("fixture", ["netra_lab", "netra_authd"])
def test_a_test_that_fails_leaves_nothing_behind(fixture: str, tmp_path: Path) -> None:
    suite = ran(
        tmp_path,
        """
        import socket
        import threading
        from urllib.parse import urlsplit

        import pytest

        left = []

        def test_theirs(FIXTURE, netra_gateway):
            gateway = netra_gateway(FIXTURE.url)
            left.extend([FIXTURE.url, gateway.url])
            socket.create_connection(address(FIXTURE.url)).close()
            raise ValueError("theirs")

        def test_after():
            assert [each.name for each in threading.enumerate() if "netra" in each.name] == []
            for url in left:
                with pytest.raises(OSError):
                    socket.create_connection(address(url))

        def address(url):
            return urlsplit(url).hostname, urlsplit(url).port
        """.replace("FIXTURE", fixture),
    )
    assert suite.counts == {"failed": 1, "passed": 1}, suite.text
    assert "ValueError: theirs" in suite.text
