"""The chaos proxy from the shell: what words mean, what is wrong with others, and a run from its start to its end.

It must never find a message good that does not say what to write instead.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netra.cli.lab.proxy_words import read_faults
from netra.lab.chaos_proxy import NO_FAULTS, PROXY_FAULTS, ProxyFault
from netra.lab.chaos_ways import Ending, Faults, Way

PATIENCE_S = 30
COMMAND = (sys.executable, "-m", "netra", "lab", "proxy")

MEANINGS = {
    "latency=200ms": Faults(to_client=Way(latency_s=0.2)),
    "to-client:latency=1.5s": Faults(to_client=Way(latency_s=1.5)),
    "to-server:latency=1ms": Faults(to_server=Way(latency_s=0.001)),
    "latency": Faults(to_client=Way(latency_s=0.2)),
    "jitter=3600s": Faults(to_client=Way(jitter_s=3600.0)),
    "bandwidth=1KiB/s": Faults(to_client=Way(bandwidth_bytes_per_s=1024)),
    "bandwidth=2.5MiB/s": Faults(to_client=Way(bandwidth_bytes_per_s=2_621_440)),
    "to-server:drip=5ms": Faults(to_server=Way(drip_s=0.005)),
    "cut-after=100B": Faults(to_client=Way(ending=Ending("cut", 100, 100))),
    "reset-after=1B..2KiB": Faults(to_client=Way(ending=Ending("reset", 1, 2048))),
    "half-close-after=0B": Faults(to_client=Way(ending=Ending("half-close", 0, 0))),
    "to-server:swallow-after": Faults(to_server=Way(ending=Ending("swallow", 0, 0))),
    "reset-at-connect": Faults(welcome="reset"),
    "black-hole": Faults(welcome="black-hole"),
    "stop-accepting": Faults(welcome="stop-accepting"),
    "refuse": Faults(welcome="refuse"),
    "flap=2s": Faults(flap_s=2.0),
}


@pytest.mark.parametrize("word", MEANINGS)
def test_a_word_means_its_fault(word: str) -> None:
    assert read_faults([word]) == (MEANINGS[word], ())


@pytest.mark.parametrize("name", [fault.name for fault in PROXY_FAULTS])
def test_every_fault_of_the_table_can_be_said_by_its_name_alone_and_does_something(name: str) -> None:
    faults, problems = read_faults([name])
    assert problems == ()
    assert faults != NO_FAULTS


@pytest.mark.parametrize("fault", [fault for fault in PROXY_FAULTS if fault.unit], ids=lambda fault: fault.name)
def test_the_default_of_the_table_is_what_the_bare_name_means(fault: ProxyFault) -> None:
    assert read_faults([fault.name]) == read_faults([f"{fault.name}={fault.default}"])


def test_several_words_add_up_each_in_its_direction() -> None:
    faults, problems = read_faults(["latency=1s", "drip=1ms", "to-server:latency=2s", "cut-after=9B", "black-hole"])
    assert problems == ()
    assert faults == Faults(
        to_server=Way(latency_s=2.0),
        to_client=Way(latency_s=1.0, drip_s=0.001, ending=Ending("cut", 9, 9)),
        welcome="black-hole",
    )


MISTAKES = {
    "latncy=1s": "Did you mean latency?",
    "to-server:Reset_After": "Did you mean reset-after",
    "qqqqqqqq": "There are: latency, jitter,",
    "": "There are: latency, jitter,",
    "latency=": "write a number and ms or s, from 1ms to 3600s. For example latency=200ms.",
    "latency=200": "write a number and ms or s",
    "latency=0ms": "from 1ms to 3600s",
    "latency=3601s": "from 1ms to 3600s",
    "latency=-1s": "write a number",
    "latency=1e3s": "write a number",
    "latency=1s..2s": "write a number",
    "latency=1KiB": "write a number and ms or s",
    "to-server:drip=x": "For example to-server:drip=50ms.",
    "bandwidth=1KiB": "KiB/s",
    "bandwidth=1ms/s": "KiB/s",
    "bandwidth=0.5B/s": "from 1B/s to 1024MiB/s",
    "cut-after=1KB": "B, KiB or MiB",
    "cut-after=2KiB..1B": "a range to draw from",
    "cut-after=1B..": "a range to draw from",
    "cut-after=1025MiB": "up to 1024MiB",
    "refuse=1s": "it takes no value. Write refuse.",
    "to-server:black-hole": "it has no direction. Write black-hole.",
    "\x1b[2Jlatency": "characters that cannot be seen",
}


@pytest.mark.parametrize("word", MISTAKES, ids=ascii)
def test_what_is_wrong_with_a_word_is_said_with_what_to_write_instead(word: str) -> None:
    _, problems = read_faults([word])
    assert len(problems) == 1
    assert MISTAKES[word] in problems[0]
    assert problems[0].isprintable()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("cut-after=1B", "reset-after=1B"),
        ("latency=1s", "to-client:latency=2s"),
        ("refuse", "black-hole"),
        ("flap=2s", "refuse"),
    ],
)
def test_two_words_that_contradict_each_other_are_named_both(first: str, second: str) -> None:
    _, problems = read_faults([first, second])
    assert problems == (f"{second} cannot be together with {first}: keep one.",)


def test_all_mistakes_are_told_at_once() -> None:
    assert len(read_faults(["latency=x", "drip=1ms", "nonsense", "cut-after=1B", "reset-after=1B"])[1]) == 3


class Run:
    """A proxy that was started from the shell."""

    def __init__(self, program: "subprocess.Popen[str]", first: str) -> None:
        self.program = program
        self.port = int(first.partition(" ")[0].rpartition(":")[2])

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Send it a signal: its exit code, and what it has said since its first line."""
        self.program.send_signal(number)
        code = self.program.wait(PATIENCE_S)
        assert self.program.stdout is not None
        assert self.program.stderr is not None
        # Not `communicate`: it does not know what was read ahead with the first line.
        return code, self.program.stdout.read(), self.program.stderr.read()


@contextmanager
def running(*options: str) -> Iterator[Run]:
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as program:
        assert program.stdout is not None
        try:
            yield Run(program, program.stdout.readline())
        finally:
            program.kill()


@contextmanager
def echo() -> Iterator[int]:
    """A port that says back what it is told, to one caller."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while block := connection.recv(1024):
                    connection.sendall(block)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(PATIENCE_S)


def knock(port: int) -> bytes:
    """What somebody says who is told nothing. Raises: ConnectionResetError, then or at once."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        return client.recv(1)


def complaint(*options: str) -> tuple[int, str]:
    """The exit code and the message of a proxy that does not start."""
    ended = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_it_says_where_it_is_and_what_it_does_and_ends_in_good_order_with_a_count(number: signal.Signals) -> None:
    with echo() as port, running("--to", f"127.0.0.1:{port}", "--fault", "cut-after=3B", "--seed", "5") as run:
        with socket.create_connection(("127.0.0.1", run.port), timeout=PATIENCE_S) as client:
            client.sendall(b"hello")
            got = b"".join(iter(lambda: client.recv(10), b""))
        code, out, err = run.end(number)
    assert (code, got, err) == (0, b"hel", "")
    assert out.splitlines() == [
        "  cut-after=3B: After so many bytes the connection is closed.",
        "--seed 5 repeats this run. Ctrl-C ends it.",
        "1 connections, 5 bytes to the server, 3 bytes to the client.",
    ]


def test_without_a_fault_it_says_that_everything_passes_and_counts_what_it_could_not_reach() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        to = f"127.0.0.1:{nobody.getsockname()[1]}"
        with running("--to", to, "--share", "50") as run:
            with pytest.raises(ConnectionResetError):
                knock(run.port)
            _, out, _ = run.end(signal.SIGTERM)
    assert "Everything is passed on as it is." in out
    assert "Only 50% of the connections meet this." in out
    assert f"1 times {to} could not be reached" in out


def test_an_unknown_fault_ends_it_with_2_and_the_near_names() -> None:
    code, said = complaint("--to", "127.0.0.1:9", "--fault", "latncy", "--fault", "drip=soon")
    assert code == 2
    assert said.splitlines() == [
        "error: --fault latncy: there is no such fault. Did you mean latency? `netra lab faults` lists all.",
        "error: --fault drip=soon: write a number and ms or s, from 1ms to 3600s. For example drip=50ms.",
    ]


@pytest.mark.parametrize("to", ["http://127.0.0.1:80", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", ":80", ""])
def test_a_destination_that_is_none_ends_it_with_2_and_an_example(to: str) -> None:
    code, said = complaint("--to", to)
    assert (code, "write HOST:PORT, such as 127.0.0.1:8081" in said) == (2, True)


def test_it_does_not_pass_on_to_itself() -> None:
    code, said = complaint("--to", "127.0.0.1:9999", "--port", "9999")
    assert (code, "that is the proxy itself" in said) == (2, True)


def test_a_port_that_is_taken_ends_it_with_1_and_the_option_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = complaint("--to", "127.0.0.1:9", "--port", port)
    assert (code, said) == (
        1, f"error: 127.0.0.1 port {port}: Address already in use. Choose another one with --host and --port.\n",
    )  # fmt: skip


def test_listening_for_strangers_is_warned_of() -> None:
    _, said = complaint("--to", "127.0.0.1:9", "--host", "192.0.2.1")
    assert "warning: whoever reaches 192.0.2.1 reaches what is behind the proxy." in said
