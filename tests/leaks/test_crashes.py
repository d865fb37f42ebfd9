"""What is printed of bugs: where they are, and nothing of what was at hand.

It must never make a bug in the product: those that are looked at stand beside, in a gateway with routes of its own.
"""

import asyncio
import json
from pathlib import Path
from typing import Final

import pytest

from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.leaks import crashing
from tests.leaks.asking import JSON, OPERATOR
from tests.leaks.planted import ACCESS, EMAIL, PASSWORD, environment, needles
from tests.leaks.served import Pile, Served, serving
from tests.support.programs import ROOT, python
from tests.support.wire import LONGEST_S, message

PROGRAM: Final = str(ROOT / "tests" / "leaks" / "crashing.py")
BOTH: Final = f"{ROOT / 'src'}:{ROOT}"
BODY: Final = json.dumps({"email": EMAIL, "password": PASSWORD, "token": ACCESS}).encode()
TOLD_OF: Final = {
    "raise": b"Internal error",
    "raise-a-group": b"ExceptionGroup",
    "forget-a-task": b"Task exception was never retrieved",
    "forget-a-result": b"Future exception was never retrieved",
    "call-back": b"Exception in callback",
    "complain": b"something broke",
    "in-a-thread": b"Exception in a thread",
    "for-nobody": b"Exception that nobody could be given",
    "by-a-library": b"a request of ours failed",
}
"""By way: the words by which a log tells that it has happened."""


@pytest.mark.parametrize("form", ["json", "text"])
async def test_a_bug_is_told_by_its_type_and_place_and_by_nothing_that_was_at_hand(tmp_path: Path, form: str) -> None:
    authority, pile = Authority(tmp_path / "authority"), Pile()
    async with FaultyAuthService(authority=authority) as service:
        told = {
            **environment(service.url, authority, tmp_path, "http://127.0.0.1:9"),
            "NETRA_LOG_FORMAT": form, "PYTHONPATH": BOTH, "PYTHONFAULTHANDLER": "1", "PYTHONASYNCIODEBUG": "1",
        }  # fmt: skip
        async with serving("crashing", tmp_path, told, PROGRAM) as gateway:
            for way in crashing.WAYS:
                pile.put(f"answer of {way}", await _asked(gateway, way))
                # What nobody waits for is noticed later, and written later still.
                await asyncio.sleep(0.2)
        gateway.told(pile)
    log, errors = gateway.stdout.read_bytes(), gateway.stderr.read_bytes()
    missing = [way for way, words in TOLD_OF.items() if words not in log]
    assert not missing, f"nothing is told of {missing}:\n{log.decode()}\n{errors.decode()}"
    assert b"crashing.py" in log, "it is not told where"
    assert b"Fatal Python error: Aborted" in errors
    pile.assert_clean(needles())


def test_a_command_that_ends_unforeseen_says_where_and_nothing_of_what_was_at_hand(tmp_path: Path) -> None:
    ended = python(PROGRAM, "fail", told={"PYTHONPATH": BOTH}, folder=tmp_path)
    assert ended.returncode == 70, ended.stderr
    assert "Broken, raised at\n  crashing.py:" in ended.stderr
    assert "FileNotFoundError (No such file or directory), raised at\n" in ended.stderr
    pile = Pile()
    pile.put("standard error", ended.stderr.encode())
    pile.put("standard output", ended.stdout.encode())
    pile.assert_clean(needles())


async def _asked(gateway: Served, way: str) -> bytes:
    """Whatever is answered, whole or not."""
    host, _, port = gateway.admin.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(message("POST", crashing.PATH + way, (JSON, OPERATOR), BODY))
    try:
        async with asyncio.timeout(LONGEST_S):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
