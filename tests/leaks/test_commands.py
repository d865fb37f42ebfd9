"""What commands print: of settings that cannot be used, of a diagnosis, of a story; and it is nothing secret.

It must never give a command a secret as an argument, but to see that it is not repeated.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from netra.doctor.offline import examine
from netra.doctor.report.annotations import as_annotations
from netra.doctor.report.documents import as_json
from netra.doctor.report.text import offline_lines
from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.settings.read import known_names
from tests.leaks.asking import PUBLIC
from tests.leaks.planted import (
    ACCESS,
    ADMIN_TOKEN,
    DATABASE_PASSWORD,
    EMAIL,
    LOG_KEY,
    OAUTH_SECRET,
    PASSWORD,
    REFRESH,
    SERVICE_SECRET,
    environment,
    needles,
)
from tests.leaks.served import Pile, serving
from tests.support.programs import PATIENCE_S, attempt
from tests.support.programs import environment as variables_of_program

BAD_VALUES: Final[Mapping[str, str]] = {
    "quoted": f'"{SERVICE_SECRET}"',
    "an address with a password": f"https://ada:{DATABASE_PASSWORD}@db.test:x/auth?token={ACCESS}#{PASSWORD}",
    "a database's address": f"postgresql+asyncpg://netra:{DATABASE_PASSWORD}@db.internal.test:5432/{ACCESS}",
    "shell text": f"$(echo {ADMIN_TOKEN} {PASSWORD})",
    "an assignment": f"SERVICE_SECRET={SERVICE_SECRET}",
    "a header": f"Bearer {ACCESS}",
    "a list": f"{EMAIL},{REFRESH},*",
    "JSON": json.dumps({"password": PASSWORD, "key": LOG_KEY}),
    "a whole key": f"-----BEGIN PRIVATE KEY-----\n{OAUTH_SECRET}\n-----END PRIVATE KEY-----",
    "two lines": f"{SERVICE_SECRET}\nPASSWORD={PASSWORD}",
    "a number": f"5{PASSWORD}",
}
ANYTHING: Final = frozenset({"a list", "a number"})
"""Texts that a setting for any text accepts: what is accepted, a diagnosis shows."""
STARTING: Final = (("serve",), ("authd",), ("doctor", "--offline"), ("doctor", "--offline", "--format", "json"))
MORE: Final = (
    ("doctor", "--offline", "--format", "github"), ("doctor", "--timeout", "1"), ("users", "list"), ("health",),
)  # fmt: skip


def _in_every_variable(value: str) -> dict[str, str]:
    names = known_names() | {"OAUTH_SHOP_CLIENT_ID", "OAUTH_SHOP_CLIENT_SECRET"}
    return {name: value for name in names if not name.endswith("_FILE")}


@pytest.mark.parametrize(("kind", "commands"), [("quoted", (*STARTING, *MORE)), ("a database's address", STARTING[:2])])
def test_a_start_that_fails_names_variables_and_no_value(
    tmp_path: Path, kind: str, commands: Sequence[tuple[str, ...]]
) -> None:
    pile = Pile()
    for command in commands:
        ended = attempt(*command, told=_in_every_variable(BAD_VALUES[kind]), folder=tmp_path)
        assert ended.returncode != 0, f"{command} has started: {ended.stdout}"
        assert "Traceback" not in ended.stderr
        pile.put(f"netra {' '.join(command)}: standard output", ended.stdout.encode())
        pile.put(f"netra {' '.join(command)}: standard error", ended.stderr.encode())
    pile.assert_clean(needles())


@pytest.mark.parametrize("kind", BAD_VALUES)
def test_a_look_at_settings_shows_no_value_that_was_not_meant_for_them(kind: str) -> None:
    report, pile = examine(_in_every_variable(BAD_VALUES[kind])), Pile()
    pile.put("offline annotations", "\n".join(as_annotations(report)).encode())
    if kind not in ANYTHING:
        pile.put("offline report", "\n".join(line.text for line in offline_lines(report)).encode())
        pile.put("offline document", as_json(report).encode())
    pile.assert_clean(needles())


def test_what_stands_in_files_is_not_repeated_either(tmp_path: Path) -> None:
    pile, told = Pile(), {}
    for number, name in enumerate(sorted(known_names())):
        if name.endswith("_FILE"):
            path = tmp_path / f"file-{number}"
            path.write_text([*BAD_VALUES.values()][number % len(BAD_VALUES)], "utf-8")
            told[name] = str(path)
    for command in (("serve",), ("doctor", "--offline", "--format", "json"), ("doctor", "--timeout", "1"), ("health",)):
        ended = attempt(*command, told=told, folder=tmp_path)
        pile.put(f"netra {' '.join(command)}: standard output", ended.stdout.encode())
        pile.put(f"netra {' '.join(command)}: standard error", ended.stderr.encode())
    assert pile.size_bytes
    pile.assert_clean(needles())


DIAGNOSES: Final = (
    ("doctor", "--timeout", "5"),
    ("doctor", "--timeout", "5", "--format", "json", "--canary", EMAIL, "--sockets"),
    ("doctor", "--timeout", "5", "--format", "github", "--rejection-check", "--origin", "https://shop.test"),
)


@pytest.mark.parametrize("fault", ["", "service-credentials-rejected"])
async def test_a_diagnosis_tells_no_secret_in_any_form(tmp_path: Path, fault: str) -> None:
    authority, pile = Authority(tmp_path / "authority"), Pile()
    async with FaultyAuthService(authority=authority) as service:
        told = environment(service.url, authority, tmp_path, "http://127.0.0.1:9")
        if fault:
            service.fault(fault)
        for command in DIAGNOSES:
            code, said = await _run(told, tmp_path, *command, stdin=f"{PASSWORD}\n")
            assert code in (0, 1), said
            # Who was named on the command line is named in the answer.
            pile.put(f"netra {' '.join(command[:5])}", said, frozenset({"e-mail"}) if EMAIL in command else frozenset())
    assert pile.size_bytes > 1_000
    pile.assert_clean(needles(tmp_path / "authority" / "gateway.key"))


async def test_what_is_told_of_a_running_gateway_holds_no_secret(tmp_path: Path) -> None:
    authority, pile = Authority(tmp_path / "authority"), Pile()
    async with FaultyAuthService(authority=authority) as service:
        told = {**environment(service.url, authority, tmp_path, "http://127.0.0.1:9"), "NETRA_LOG_FORMAT": "json"}
        async with serving("gateway", tmp_path, told) as gateway:
            service.fault("status-500")
            login, *_ = await gateway.ask_all(PUBLIC, pile, "status-500")
            request_id = login.header("X-Request-ID")
            assert request_id
            await asyncio.sleep(0.2)
            for command in (
                ("health", "--url", gateway.admin),
                ("trace", request_id, "--admin", gateway.admin),
                ("trace", request_id, "--from-logs", str(gateway.stdout), "--format", "json"),
                ("explain", "auth_service_error"),
                ("explain", "destination_unavailable", "--format", "json"),
            ):
                code, said = await _run(told, tmp_path, *command)
                assert code == 0 or (command[0], code) == ("health", 1), said
                pile.put(f"netra {command[0]}", said)
    pile.assert_clean(needles(tmp_path / "authority" / "gateway.key"))


async def _run(told: Mapping[str, str], folder: Path, *command: str, stdin: str = "") -> tuple[int, bytes]:
    """A command to its end; its exit code, and everything that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "netra", *command, env=variables_of_program(told), cwd=folder,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE_S):
        said, _ = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, said
