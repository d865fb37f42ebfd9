"""The demo from its first word to its last: what it says, what it answers, and that nothing of it stays behind.

It must never look inside: a newcomer has a terminal and curl, and so have these tests.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.support import FREE_PORTS, PATIENCE_S, ask, is_running, on_terminal, started, until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_it_says_where_it_listens_and_who_may_log_in(tmp_path: Path) -> None:
    with started(tmp_path) as demo:
        said = demo.said("Ctrl-C stops everything")
    assert (
        len(set(re.findall(r"^  (?:gateway|admin|auth service) +(http://127\.0\.0\.1:\d+)", said, re.MULTILINE))) == 3
    )
    assert "demo@netra.test" in said
    assert "open-sesame-42" in said
    assert "\x1b" not in said


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_its_curl_lines_do_what_they_say_when_they_are_copied(tmp_path: Path) -> None:
    with started(tmp_path, "--login-budget", "2") as demo:
        said = demo.said("Ctrl-C stops everything")
        blocks = re.findall(r"^# (.+?) -> .+\n((?:.+\n)+)", said, re.MULTILINE)
        shell = {name: value for name, value in os.environ.items() if not name.startswith("NETRA_")}
        outputs = {title: subprocess.check_output(["sh", "-c", each], text=True, env=shell) for title, each in blocks}
        log_in = next(lines for title, lines in blocks if title.startswith("Log in"))
        after = subprocess.check_output(["sh", "-c", log_in], text=True)
    assert " 200 " in outputs["Log in with the right password"].partition("\n")[0]
    assert '"code":"invalid_credentials"' in outputs["With a wrong one"]
    checked = outputs["See the way of a login checked"].splitlines()
    assert checked[-1] == "Nothing stands in the way of logins."
    assert '"active": "stopped"' in outputs["Break the auth service"]
    assert '"active": "frozen"' in outputs["Or freeze it"]
    assert '"active": "none"' in outputs["Mend it"]
    assert '"html-error"' in outputs["What else can break"]
    assert " 200 " in after.partition("\n")[0]


def test_on_a_terminal_it_is_drawn_and_its_commands_are_never_wrapped(tmp_path: Path) -> None:
    with on_terminal(tmp_path, *FREE_PORTS, columns=50) as terminal:
        terminal.read("Netra started")
        terminal.program.send_signal(signal.SIGINT)
        text = terminal.read()
        assert terminal.program.wait(PATIENCE_S) == 0
    assert "╭─ Netra demo" in text
    assert """\n  -d '{"email": "demo@netra.test", "password": "open-sesame-42"}'\n""" in text
    assert "Netra stopped" in text
    assert "Traceback" not in text


def test_it_answers_like_a_gateway_in_staging_whatever_the_environment_of_the_shell(tmp_path: Path) -> None:
    strange = {"ENVIRONMENT": "nonsense", "SERVICE_SECRET": "changeme", "AUTH_SERVICE_URL": "http://192.0.2.1"}
    strange |= {"NETRA_AUTHD_DATABASE_URL": "sqlite:///elsewhere.db", "http_proxy": "http://192.0.2.1:9"}
    with started(tmp_path, "--format", "json", environment=strange) as demo:
        right, wrong = demo.log_in(), demo.log_in("not-the-password")
        addresses = [demo.up[name] for name in ("public", "admin", "auth_service")]
        health = [ask("GET", f"{address}/health") for address in addresses]
    assert right.status == 200
    assert right.body.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert right.body["user"]["id"]
    assert (wrong.status, wrong.body["code"]) == (401, "invalid_credentials")
    assert len(set(addresses)) == 3
    assert [each.status for each in health] == [404, 200, 200]
    assert health[1].body["environment"] == "staging"


def test_with_public_disclosure_it_says_no_more_than_production(tmp_path: Path) -> None:
    with started(tmp_path, "--format", "json", "--disclose", "public") as demo:
        demo.break_with("stopped")
        answer = demo.log_in()
    assert (answer.status, answer.body["code"]) == (503, "authentication_unavailable")
    assert "debug_info" not in answer.body
    assert "refused" not in answer.text


def test_its_service_secret_is_shown_nowhere_and_kept_in_one_file_that_nobody_else_can_read(tmp_path: Path) -> None:
    with started(tmp_path) as demo:
        said = demo.said("Netra started")
        (own,) = demo.folder.rglob("service-secret")
        assert (own.stat().st_mode & 0o777, own.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        kept = [file.read_bytes() for file in demo.folder.rglob("*") if file.is_file() and file != own]
    assert not re.search(r"[0-9a-f]{64}", said)
    assert not any(re.search(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", each) for each in kept)


def test_quiet_keeps_the_log_in_a_file(tmp_path: Path) -> None:
    with started(tmp_path, "--quiet") as demo:
        said = demo.said("Ctrl-C stops everything")
        log = Path(re.findall(r"The gateway's log: (\S+\.log)", said)[0])
        until(lambda: "Netra started" in log.read_text("utf-8"))
        assert "Netra started" in log.read_text("utf-8")
        assert demo.ended(signal.SIGINT) == 0
        assert "Netra st" not in demo.out


@linux_only
@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (signal.SIGINT, "none"),
        (signal.SIGINT, "stopped"),
        (signal.SIGINT, "frozen"),
        (signal.SIGTERM, "none"),
        (signal.SIGHUP, "none"),
    ],
)
def test_told_to_end_it_leaves_nothing_behind(tmp_path: Path, number: int, fault: str) -> None:
    with started(tmp_path, "--format", "json") as demo:
        assert demo.break_with(fault).status == 200
        children = demo.children()
        assert len(children) == (0 if fault == "stopped" else 1)
        code = demo.ended(number)
        assert (code, demo.err) == (0, "")
        assert not any(map(is_running, children))
        assert not list(demo.folder.iterdir())


@linux_only
def test_a_terminals_ctrl_c_reaches_the_demo_and_not_its_auth_service(tmp_path: Path) -> None:
    with started(tmp_path, "--format", "json") as demo:
        assert demo.log_in().status == 200
        (child,) = demo.children()
        assert os.getsid(child) == child
        os.killpg(demo.program.pid, signal.SIGINT)
        assert (demo.program.wait(PATIENCE_S), demo.err) == (0, "")


@linux_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_while_it_starts_it_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    with started(tmp_path) as demo:
        until(demo.children)
        children = demo.children()
        assert children
        code = demo.ended(number)
        assert (code, demo.out, demo.err) == (0, "", "")
        assert not any(map(is_running, children))
        assert not list(demo.folder.iterdir())


@linux_only
@pytest.mark.parametrize("fault", ["none", "frozen"])
def test_killed_outright_it_leaves_no_program_behind(tmp_path: Path, fault: str) -> None:
    with started(tmp_path, "--format", "json") as demo:
        demo.break_with(fault)
        (child,) = demo.children()
        demo.ended(signal.SIGKILL)
        until(lambda: not is_running(child))
        left_behind = is_running(child)
        if left_behind:
            os.kill(child, signal.SIGKILL)
        assert not left_behind


def taken_port() -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return taken


def test_ports_that_are_taken_are_named_all_at_once_with_what_to_set(tmp_path: Path) -> None:
    with taken_port() as one, taken_port() as other:
        ports = (one.getsockname()[1], other.getsockname()[1])
        wanted = ("--port", str(ports[0]), "--admin-port", "0", "--authd-port", str(ports[1]))
        with started(tmp_path, ports=wanted) as demo:
            assert demo.program.wait(PATIENCE_S) == 1
            public, service, hint = demo.err.splitlines()
            assert public.startswith(f"public listener cannot listen on 127.0.0.1:{ports[0]}: the port is taken.")
            assert public.endswith("Choose another one with --port or NETRA_PORT.")
            assert service.startswith(f"auth service cannot listen on 127.0.0.1:{ports[1]}: the port is taken.")
            assert service.endswith("Choose another one with --authd-port or NETRA_AUTHD_PORT.")
            assert hint == "Port 0 takes any free one."
            assert demo.out == ""
            assert not list(demo.folder.iterdir())


def test_the_variable_that_a_message_names_is_listened_to(tmp_path: Path) -> None:
    ports = ("--port", "0", "--admin-port", "0")
    with (
        taken_port() as taken,
        started(tmp_path, ports=ports, environment={"NETRA_AUTHD_PORT": str(taken.getsockname()[1])}) as demo,
    ):
        assert demo.program.wait(PATIENCE_S) == 1
        assert f":{taken.getsockname()[1]}: the port is taken" in demo.err


def test_two_listeners_on_one_port_are_refused_in_words(tmp_path: Path) -> None:
    with taken_port() as taken:
        free = taken.getsockname()[1]
    with started(tmp_path, ports=("--port", str(free), "--admin-port", str(free), "--authd-port", "0")) as demo:
        assert demo.program.wait(PATIENCE_S) == 1
        assert "NETRA_ADMIN_PORT: is the same port as NETRA_PORT" in demo.err
        assert "Traceback" not in demo.err
        assert not list(demo.folder.iterdir())


def test_an_ended_demo_can_be_started_again_on_the_same_ports(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with started(first, "--format", "json") as demo:
        demo.log_in()
        ports = [str(demo.up[name].rpartition(":")[2]) for name in ("public", "admin", "auth_service")]
        assert demo.ended(signal.SIGINT) == 0
    same = ("--port", ports[0], "--admin-port", ports[1], "--authd-port", ports[2])
    with started(second, "--format", "json", ports=same) as demo:
        assert demo.log_in().status == 200
