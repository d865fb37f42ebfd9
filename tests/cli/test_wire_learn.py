"""`netra wire learn` over real sockets: what is sent, what is written, and what is never shown."""

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import pytest

from netra.lab.certificates import Authority
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import html, json_reply, raw_then_close, redirect, silence
from tests.authd.support import EMAIL, SERVICE_ID, SERVICE_SECRET, running, settings_in
from tests.authd.support import PASSWORD as PASSWORD_AT_AUTHD
from tests.cli.support import Command, Ended, program_of_others
from tests.support.labs import lab
from tests.support.places import UNRESOLVABLE, free_port
from tests.support.programs import attempt, environment

ADA: Final = "ada.byron@example.com"
PASSWORD: Final = "Swordfish-and-chips-42"
TOKEN: Final = "opaque-0123456789abcdef"
PATH: Final = "/sessions"
OF_OTHERS: Final = {
    "fastapi_tutorial": ("fastapi", "jwt", "multipart", "uvicorn"),
    "django_simplejwt": ("django", "rest_framework_simplejwt"),
}
"""What the auth services of others need to run."""


def needs(name: str) -> pytest.MarkDecorator:
    """Skips where an auth service of others cannot run."""
    missing = [module for module in OF_OTHERS[name] if find_spec(module) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{name} needs {', '.join(missing)}")


def only_ada(field: str = "email", *, form: bool = False) -> Script:
    """A login that knows one user, and takes JSON or a form."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        said = {name: values[0] for name, values in parse_qs(delivery.body.decode()).items()} if form else delivery.json
        if (said or {}).get(field) is None:
            answer = json_reply(422, {"detail": [{"loc": ["body", name]} for name in (field, "password")]})
        elif (said[field], said["password"]) == (ADA, PASSWORD):
            answer = json_reply(200, {"access_token": TOKEN, "user": {"id": "u-1", "email": ADA, "name": "Ada Byron"}})
        else:
            answer = json_reply(401, {"code": "bad_login", "detail": f"{said[field]} or the password is wrong"})
        await answer(connection, delivery)

    return script


Learn = Callable[..., Ended]


@pytest.fixture
def learn(netra: Command) -> Learn:
    def run(url: str, *more: str, stdin: str | bytes = f"{PASSWORD}\n", identifier: str = ADA) -> Ended:
        ended = netra("wire", "learn", "--login", url, "--identifier", identifier, *more, stdin=stdin)
        assert not any(each in ended.out + ended.err for each in (ADA, PASSWORD, TOKEN, "Ada Byron", "Wrong-"))
        return ended

    return run


def lines_of(text: str) -> list[str]:
    """The lines of a file that are neither blank nor a comment."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_a_wire_and_its_replies_are_written_and_pass_the_check(learn: Learn, netra: Command, tmp_path: Path) -> None:
    with lab() as service:
        service.answer(PATH, only_ada())
        ended = learn(f"{service.url}{PATH}", "--json", "--identifier-field", "email", "--out", "acme.toml")
        sent = service.delivered(PATH)
    assert (ended.code, ended.out) == (0, "")
    assert [each.json["password"] == PASSWORD for each in sent] == [True, False, False]
    assert [each.json["email"] == ADA for each in sent] == [True, True, False]
    assert sent[1].json["password"] == sent[2].json["password"]
    assert sent[2].json["email"].endswith("@example.com")
    wire, replies = (tmp_path / "acme.toml").read_text(), (tmp_path / "acme.replies.toml").read_text()
    assert tomllib.loads(wire)["calls"]["login"]["replies"] == [
        {
            "status": [200],
            "require": ["access_token"],
            "accept": {
                "access_token": "/access_token", "user_id": "/user/id", "user_email": "/user/email",
                "user_name": "/user/name",
            },
        },
        {"status": [401], "pointer": "/code", "value": "bad_login", "code": "invalid_credentials"},
    ]  # fmt: skip
    for text in (ADA, PASSWORD, TOKEN, "Ada Byron", sent[1].json["password"], sent[2].json["email"]):
        assert text not in wire + replies
    checked = netra("wire", "check", "acme.toml")
    assert checked.code == 0
    assert "3 saved replies are read as expected" in checked.out


def test_what_is_sent_is_announced_and_each_answer_is_shown_masked(learn: Learn) -> None:
    with lab() as service:
        service.answer(PATH, only_ada("username", form=True))
        ended = learn(f"{service.url}{PATH}")
        sent = service.delivered(PATH)
    assert ended.code == 0
    assert len(sent) == 4
    told = ended.err.splitlines()
    assert told[0].startswith(f"Three logins go to {service.url}{PATH}: ")
    assert "6 requests at most" in told[0]
    assert told[1] == "The wrong password counts as an attempt on the account."
    assert [line for line in told if re.search(r": \d{3}$", line)] == [
        "good login (json with email, password): 422",
        "good login (form with username, password): 200",
        "wrong password (form with username, password): 401",
        "unknown user (form with username, password): 401",
    ]
    assert f"  /access_token  text of {len(TOKEN)}" in told
    assert lines_of(ended.out)[:2] == ['name = "learnt"', "[calls.login]"]


def test_the_headers_of_a_login_are_those_of_a_gateway(learn: Learn) -> None:
    with lab() as service:
        service.answer(PATH, only_ada())
        ended = learn(f"{service.url}{PATH}", "--header", "X-Tenant=blue", "--member", "kind=web")
        sent = service.delivered(PATH)
    assert ended.code == 0
    for each in sent:
        assert each.header("X-Tenant") == "blue"
        assert each.json["kind"] == "web"
        assert each.header("Accept-Encoding") == "identity"
        assert each.header("User-Agent") == "netra-wire-learn"
    assert len({each.header("X-Request-ID") for each in sent}) == 3


def test_secrets_are_filled_from_the_environment_and_written_as_gaps(
    learn: Learn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("k7Qz-secret-of-the-service\n")
    monkeypatch.setenv("SERVICE_ID", "acme-app")
    monkeypatch.setenv("SERVICE_SECRET_FILE", str(tmp_path / "secret"))
    with lab() as service:
        service.answer(PATH, only_ada())
        given = ["--header", "Authorization=Basic {service_basic}", "--member", "client_id={service_id}"]
        ended = learn(f"{service.url}{PATH}", *given)
        sent = service.delivered(PATH)
    assert [(each.header("Authorization"), each.json["client_id"]) for each in sent] == [
        ("Basic YWNtZS1hcHA6azdRei1zZWNyZXQtb2YtdGhlLXNlcnZpY2U=", "acme-app")
    ] * 3
    assert tomllib.loads(ended.out)["seal"] == {"Authorization": "Basic {service_basic}"}
    assert tomllib.loads(ended.out)["seal_fields"] == {"client_id": "{service_id}"}
    assert not any(each in ended.out + ended.err for each in ("acme-app", "k7Qz", "YWNtZS1"))


def test_a_secret_on_the_command_line_is_sent_and_neither_shown_nor_written(learn: Learn) -> None:
    with lab() as service:
        service.answer(PATH, only_ada())
        ended = learn(f"{service.url}{PATH}", "--header", "X-Api-Key=k7Qz-secret")
        sent = service.delivered(PATH)
    assert [each.header("X-Api-Key") for each in sent] == ["k7Qz-secret"] * 3
    assert tomllib.loads(ended.out)["seal"] == {"X-Api-Key": "{service_secret}"}
    assert "k7Qz" not in ended.out + ended.err


NOTHING: Final[dict[str, tuple[Script, str]]] = {
    "a redirect": (redirect(302, "/elsewhere"), "redirected"),
    "a page": (html(200, "<title>Sign in</title>"), "invalid_response"),
    "an outage": (html(503, "<h1>no</h1>"), "auth_service_unavailable"),
    "a break": (raw_then_close(), "connection_terminated"),
    "silence": (silence(), "response_timeout"),
}


@pytest.mark.parametrize(("script", "says"), NOTHING.values(), ids=NOTHING)
def test_from_an_answer_that_is_none_nothing_is_written(
    learn: Learn, tmp_path: Path, script: Script, says: str
) -> None:
    with lab() as service:
        service.answer(PATH, script)
        service.answer("/elsewhere", only_ada())
        ended = learn(f"{service.url}{PATH}", "--out", "acme.toml", "--timeout", "0.5")
        sent = service.journal
    assert (ended.code, ended.out) == (1, "")
    assert says in ended.err
    assert ended.err.splitlines()[-1] == "Nothing is written."
    assert not list(tmp_path.glob("*.toml"))
    assert len(sent) == 1


def test_a_service_that_lets_everybody_in_is_told_of(learn: Learn) -> None:
    """The lab's own login refuses one password alone."""
    with lab() as service:
        ended = learn(f"{service.url}/auth/login")
        assert len(service.journal) == 2
    assert ended.code == 1
    assert "LET IN" in ended.err


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"http://127.0.0.1:{free_port()}/login", "connection_refused"),
        (f"{UNRESOLVABLE}/login", "dns_error"),
    ],
    ids=["refused", "unresolved"],
)
def test_a_service_that_is_not_reached_is_told_by_its_cause(learn: Learn, url: str, says: str) -> None:
    ended = learn(url)
    assert ended.code == 1
    assert says in ended.err
    assert "Traceback" not in ended.err


WRONG_USAGE: Final[dict[str, tuple[list[str], str]]] = {
    "no scheme": (["--login", "auth.example/login"], "Put https:// in front"),
    "user info": (["--login", "http://ada:s3cr3t@auth.example/"], "carries a user name or password"),
    "fragment": (["--login", "http://auth.example/#x"], "has a fragment"),
    "path": (["--login", "http://auth.example/a b"], "[calls.login] path: would break the request"),
    "secret in the path": (["--login", "http://auth.example/?apikey=s3cr3t"], "looks like a secret"),
    "both forms": (["--form", "--json"], "not both"),
    "no value": (["--header", "X-Key"], "write NAME=VALUE"),
    "header of ours": (["--header", "Host=other"], "headers.Host: is written by the gateway itself"),
    "said twice": (["--member", "email=s3cr3t-not"], "email is said twice"),
    "no secret there": (["--member", "x={service_secret}"], "set it in the environment"),
    "preset": (["--out", "spring"], "name of a preset"),
    "no folder": (["--out", "nowhere/acme.toml"], "nothing can be written to the folder nowhere"),
    "authorities": (
        ["--login", "https://127.0.0.1:9/", "--ca-file", "nowhere.pem"],
        "names a file that cannot be read",
    ),
    "empty identifier": (["--identifier", ""], "is empty"),
    "not UTF-8": (["--member", "x=\udcff"], "not UTF-8"),
    "timeout": (["--timeout", "0"], "0.1"),
    "no number": (["--timeout", "nan"], "--timeout"),
}


@pytest.mark.parametrize(("more", "says"), WRONG_USAGE.values(), ids=WRONG_USAGE)
def test_wrong_usage_is_told_before_anything_is_sent(learn: Learn, more: list[str], says: str) -> None:
    with lab() as service:
        ended = learn(f"{service.url}{PATH}", *more)
        assert not service.journal
    assert (ended.code, ended.out) == (2, "")
    assert says in " ".join(ended.err.split())
    assert "s3cr3t" not in ended.err


@pytest.mark.parametrize(("stdin", "says"), [("", "no password"), ("\n", "no password"), (b"\xff\n", "not UTF-8")])
def test_a_password_that_is_none_is_told_before_anything_is_sent(learn: Learn, stdin: str | bytes, says: str) -> None:
    with lab() as service:
        ended = learn(f"{service.url}{PATH}", stdin=stdin)
        assert not service.journal
    assert ended.code == 1
    assert says in ended.err


@pytest.mark.parametrize("there", ["acme.toml", "acme.replies.toml"])
def test_nothing_is_overwritten_unless_it_is_said(learn: Learn, tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with lab() as service:
        service.answer(PATH, only_ada())
        ended = learn(f"{service.url}{PATH}", "--out", "acme.toml")
        assert not service.journal
        assert (ended.code, (tmp_path / there).read_text()) == (2, "mine")
        assert "--force" in ended.err
        assert learn(f"{service.url}{PATH}", "--out", "acme.toml", "--force").code == 0
    assert (tmp_path / there).read_text() != "mine"


def test_a_folder_is_never_overwritten(learn: Learn, tmp_path: Path) -> None:
    (tmp_path / "acme.toml").mkdir()
    assert learn("http://127.0.0.1:9/login", "--out", "acme.toml", "--force").code == 2


@pytest.mark.parametrize(("out", "name"), [("Acme Login.toml", "acme-login"), ("acme", "acme"), ("___.toml", "learnt")])
def test_a_wire_is_called_like_its_file(learn: Learn, tmp_path: Path, out: str, name: str) -> None:
    with lab() as service:
        service.answer(PATH, only_ada())
        assert learn(f"{service.url}{PATH}", "--out", out).code == 0
    assert tomllib.loads((tmp_path / out).read_text())["name"] == name


def test_a_private_authority_is_trusted_when_its_file_is_named(learn: Learn, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    with lab(tls=authority.good()) as service:
        service.answer(PATH, only_ada())
        ended = learn(f"{service.url}{PATH}")
        assert ended.code == 1
        assert "tls_certificate_error" in ended.err
        assert "--ca-file" in ended.err
        assert not service.journal
        assert learn(f"{service.url}{PATH}", "--ca-file", str(authority.file)).code == 0
    with lab(tls=authority.of_another_name()) as service:
        assert learn(f"{service.url}{PATH}", "--ca-file", str(authority.file)).code == 1


def test_a_password_in_clear_to_another_machine_is_warned_of(learn: Learn) -> None:
    assert "in clear" in learn(f"{UNRESOLVABLE}/login").err
    assert "in clear" not in learn("https://auth.invalid/login").err
    assert "in clear" not in learn(f"http://localhost:{free_port()}/login").err


async def test_on_a_terminal_the_password_is_asked_for_and_not_echoed(tmp_path: Path) -> None:
    async with FaultyAuthService() as service:
        service.answer(PATH, only_ada())
        terminal, inner = pty.openpty()
        command = [sys.executable, "-m", "netra", "wire", "learn", "--login", f"{service.url}{PATH}"]
        process = await asyncio.create_subprocess_exec(
            *command, "--identifier", ADA, stdin=inner, stdout=subprocess.PIPE, stderr=inner,
            env=environment({"TERM": "xterm"}), cwd=tmp_path, start_new_session=True,
        )  # fmt: skip
        os.close(inner)
        drawn = b""
        # The blank comes when nothing is echoed any more; what is typed before is thrown away.
        while b"Password: " not in drawn:
            drawn += await asyncio.to_thread(os.read, terminal, 65_536)
        os.write(terminal, f"{PASSWORD}\n".encode())
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        drawn += os.read(terminal, 65_536)
        os.close(terminal)
    assert process.returncode == 0
    assert PASSWORD not in drawn.decode() + out.decode()
    assert tomllib.loads(out.decode())["name"] == "learnt"


async def test_the_embedded_auth_service_is_learnt_with_its_credentials(tmp_path: Path) -> None:
    told = {"SERVICE_ID": SERVICE_ID, "SERVICE_SECRET": SERVICE_SECRET}
    async with running(settings_in(tmp_path)) as authd:
        words = ["wire", "learn", "--login", f"{authd.url}/auth/login", "--identifier", EMAIL, "--out", "authd.toml",
                 "--header", "X-Service-ID={service_id}", "--header", "X-Service-Secret={service_secret}"]  # fmt: skip
        done = await asyncio.to_thread(attempt, *words, told=told, stdin=PASSWORD_AT_AUTHD, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    wire = (tmp_path / "authd.toml").read_text()
    login = tomllib.loads(wire)["calls"]["login"]
    assert login["replies"][0]["accept"].keys() == {
        "access_token", "refresh_token", "token_type", "expires_in", "user_id", "user_email", "user_name",
    }  # fmt: skip
    assert login["replies"][1:] == [
        {"status": [401], "pointer": "/code", "value": "invalid_credentials", "code": "invalid_credentials"}
    ]
    for text in (EMAIL, PASSWORD_AT_AUTHD, SERVICE_SECRET, SERVICE_ID, "Lovelace"):
        assert text not in wire + (tmp_path / "authd.replies.toml").read_text() + done.stderr
    assert attempt("wire", "check", "authd.toml", told={}, folder=tmp_path).returncode == 0


def of_others(netra: Command, learn: Learn, name: str, path: str) -> dict[str, Any]:
    """The login that is learnt from an auth service of others; its file passes the check."""
    with program_of_others(name) as url:
        ended = learn(f"{url}{path}", "--out", "other.toml")
    assert ended.code == 0, ended.err
    checked = json.loads(netra("wire", "check", "other.toml", "--format", "json").out)
    assert checked["ok"]
    assert [each["read_as"] for each in checked["replies"]] == ["accepted", *["invalid_credentials"] * 2]
    text = Path("other.toml").read_text()
    assert len(lines_of(text)) <= 15
    return dict(tomllib.loads(text)["calls"]["login"])


@needs("fastapi_tutorial")
def test_the_app_of_fastapis_tutorial_is_learnt_in_a_dozen_lines(netra: Command, learn: Learn) -> None:
    assert of_others(netra, learn, "fastapi_tutorial", "/token") == {
        "method": "POST",
        "path": "/token",
        "form": {"username": "{identifier}", "password": "{password}"},
        "tells_caller": True,
        "replies": [
            {
                "status": [200],
                "require": ["access_token"],
                "accept": {"access_token": "/access_token", "token_type": "/token_type", "user_id": "jwt:sub"},
            },
            {
                "status": [401],
                "pointer": "/detail",
                "value": "Incorrect username or password",
                "code": "invalid_credentials",
            },
        ],
    }


@needs("django_simplejwt")
def test_django_with_simplejwt_is_learnt(netra: Command, learn: Learn) -> None:
    login = of_others(netra, learn, "django_simplejwt", "/api/token/")
    assert login["json"] == {"username": "{identifier}", "password": "{password}"}
    accept = {"access_token": "/access", "refresh_token": "/refresh", "user_id": "jwt:user_id"}
    assert login["replies"][0]["accept"] == accept
    assert login["replies"][1]["value"] == "No active account found with the given credentials"
