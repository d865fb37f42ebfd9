"""What is written for teams to copy runs as it stands, and the page lists all that there is.

It must never import the example: it is run as its readers run it.
"""

import re
from pathlib import Path
from typing import Final

from netra.testing import plugin
from netra.testing.authds import authd_beside
from netra.testing.conformance import CHECKS, WRONG_PASSWORDS
from netra.testing.gateways import GatewayBeside
from netra.testing.labs import LabBeside
from tests.testing.support import ROOT, ran, ran_file

PAGE: Final = (ROOT / "docs/testing.md").read_text("utf-8")
EXAMPLE: Final = ROOT / "examples/test_my_backend.py"
DJANGO: Final = """
import json, urllib.error, urllib.request
from types import SimpleNamespace

import pytest

@pytest.fixture
def settings():
    return SimpleNamespace(LOGIN_API="")

@pytest.fixture
def client(settings):
    def post(path, form):
        asked = urllib.request.Request(
            settings.LOGIN_API + path, json.dumps(form).encode(), {"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(asked, timeout=20).close()
            return SimpleNamespace(content=b"welcome")
        except urllib.error.HTTPError as refused:
            refused.close()
            return SimpleNamespace(content=b"wrong password" if BLAMES(refused.code) else b"later")
    return SimpleNamespace(post=post)
"""
"""What stands in for a project: a client and settings as pytest-django has them, and a page that blames somebody."""


def snippets() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_is_green() -> None:
    suite = ran_file(EXAMPLE)
    assert suite.exit_code == 0, suite.text
    assert suite.counts == {"passed": 4}


def test_the_ten_lines_are_green_for_a_page_that_blames_rightly_and_red_for_one_that_does_not(tmp_path: Path) -> None:
    lines = snippets()[0]
    assert len(lines.splitlines()) <= 10
    good = ran(tmp_path, DJANGO.replace("BLAMES", "(401).__eq__") + lines)
    assert good.counts == {"passed": 1}, good.text
    bad = ran(tmp_path, DJANGO.replace("BLAMES", "(503).__ge__") + lines)
    assert bad.counts == {"failed": 1}, bad.text


def test_the_class_of_the_page_is_green_at_the_auth_service_that_comes_along(tmp_path: Path) -> None:
    with authd_beside(tmp_path) as authd:
        told = {
            "AUTH_SERVICE_URL": authd.url, "SERVICE_ID": authd.service_id, "SERVICE_SECRET": authd.service_secret,
            "TEST_USER": authd.email, "TEST_PASSWORD": authd.password,
        }  # fmt: skip
        suite = ran(tmp_path, f"import os\nos.environ.update({told!r})\n{snippets()[1]}")
    assert suite.counts == {"passed": len(CHECKS) - 1, "skipped": 1}, suite.text


def test_the_page_lists_every_check_and_every_fixture() -> None:
    below = PAGE.partition("| test, after `test_` | what is asked |")[2]
    listed = re.findall(r"^\| `(\w+)` \| (.+) \|$", below, re.MULTILINE)
    assert listed == [(check.name, check.asks) for check in CHECKS]
    fixtures = {name for name in vars(plugin) if name.startswith("netra_")}
    assert set(re.findall(r"^\| `(netra_\w+)` \|", PAGE, re.MULTILINE)) == fixtures
    for kind in (LabBeside, GatewayBeside):
        words = {name for name in vars(kind) if not name.startswith("_")}
        assert [word for word in words if not re.search(rf"\b{word}\b", PAGE)] == []
    assert f"at most {['never', 'once', 'twice'][WRONG_PASSWORDS]} with a wrong password" in PAGE
