"""Netra beside nginx: both in front of one upstream, in turn, and what a request costs each in CPU.

It must never compare figures of different runs: the ratio of one run is what counts.
"""

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

Process = subprocess.Popen[bytes]

Builds = Mapping[str, Mapping[str, str]]
"""Builds of Netra by name, and the variables with which Python finds each."""

ROOT = Path(__file__).parents[1]

CONNECTIONS = 32
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
NGINX = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000; keepalive_timeout 300;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream auth {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000; }}
  server {{ listen 127.0.0.1:{port}; default_type application/json; {locations} }}
}}
"""
LOADS = {"flat out": "", "one rate": "function delay() return 10 end"}
DONE = """
done = function(summary)
  local errors = summary.errors
  io.stderr:write(string.format("%d %d", summary.requests, errors.status + errors.read + errors.timeout))
end
"""


@dataclass(frozen=True)
class Bench:
    """What is measured: a load in Lua for wrk, and what nginx answers upstream and passes on."""

    what: str
    """One of what is counted, e.g. `login`."""
    script: str
    upstream: str
    proxy: str
    path: str
    """Of Netra's route."""
    variables: Mapping[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing answers at {url}")


def start_nginx(folder: Path, name: str, ports: tuple[int, int], locations: str, core: str) -> Process:
    port, upstream = ports
    config = folder / f"{name}.conf"
    config.write_text(NGINX.format(folder=folder, name=name, port=port, upstream=upstream, locations=locations))
    return subprocess.Popen(["taskset", "-c", core, "nginx", "-c", config, "-p", folder], stderr=subprocess.DEVNULL)


def start_netra(upstream: int, core: str, log: Path, variables: Mapping[str, str]) -> tuple[Process, int]:
    """A gateway, and the port that it listens on."""
    port, admin_port = free_port(), free_port()
    environment = {
        **os.environ,
        "ENVIRONMENT": "staging",
        "AUTH_SERVICE_URL": f"http://127.0.0.1:{upstream}",
        "SERVICE_ID": "bench",
        "SERVICE_SECRET": "b" * 43,
        "NETRA_PORT": str(port),
        "NETRA_ADMIN_PORT": str(admin_port),
        "NETRA_DRAIN_DELAY_S": "0",
        **variables,
    }
    command = ["taskset", "-c", core, sys.executable, "-m", "netra", "serve"]
    return subprocess.Popen(command, env=environment, stdout=log.open("wb")), port


def cpu_s(process: Process) -> float:
    """User and system seconds of a process and its children."""
    total = 0.0
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (str(process.pid), *children):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return total


def load(url: str, script: Path, seconds: int, core: str) -> int:
    command = ["taskset", "-c", core, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    requests, errors = map(int, done.stderr.split())
    if errors:
        raise SystemExit(f"{errors} of {requests} answers were not good: the figures would mean nothing")
    return requests


def built() -> Builds:
    """Netra as it is here, and compiled as wheels for one platform are, if there is a compiler."""
    if subprocess.run(["make", "--silent", "compiled"], cwd=ROOT, stdout=sys.stderr, check=False).returncode:
        print("Not measured: compiled, as wheels for one platform are.")
        return {"netra": {}}
    return {"netra": {}, "compiled": {"PYTHONPATH": str(ROOT / "build" / "compiled")}}


@contextmanager
def running(bench: Bench, builds: Builds, folder: Path) -> Iterator[Mapping[str, tuple[Process, str]]]:
    """Upstream, nginx and Netra, plain and compiled; all but the upstream by name, with the address that is asked."""
    upstream, proxy = free_port(), free_port()
    processes = {
        "upstream": start_nginx(folder, "upstream", (upstream, upstream), bench.upstream, "1"),
        "nginx": start_nginx(folder, "proxy", (proxy, upstream), bench.proxy, "0"),
    }
    try:
        wait_for(f"http://127.0.0.1:{upstream}/health")
        urls = {"nginx": f"http://127.0.0.1:{proxy}/"}
        wait_for(urls["nginx"])
        for name, variables in builds.items():
            log = folder / f"{name}.log"
            processes[name], port = start_netra(upstream, "0", log, {**bench.variables, **variables})
            urls[name] = f"http://127.0.0.1:{port}{bench.path}"
            wait_for(f"http://127.0.0.1:{port}/livez")
        yield {name: (processes[name], url) for name, url in urls.items()}
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for process in processes.values():
            process.wait(20)


def measure(bench: Bench, builds: Builds, rounds: int, seconds: int) -> dict[tuple[str, str], list[float]]:
    """CPU microseconds by load and process, a figure for each round but the first, which only warms up."""
    figures: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for at_load, pause in LOADS.items():
            (folder / f"{at_load}.lua").write_text(bench.script + pause + DONE)
        with running(bench, builds, folder) as asked:
            for number, at_load, (name, (process, url)) in product(range(rounds + 1), LOADS, asked.items()):
                before = cpu_s(process)
                requests = load(url, folder / f"{at_load}.lua", seconds, "1")
                cost_us = (cpu_s(process) - before) / requests * 1e6
                if number:
                    figures.setdefault((at_load, name), []).append(cost_us)
                    rate = f"{requests / seconds:8.0f}/s"
                    print(
                        f"  round {number}, {at_load}: {name:8} {cost_us:7.1f} µs CPU a {bench.what}, {rate}",
                        flush=True,
                    )
    return figures


def main(bench: Bench) -> None:
    options = argparse.ArgumentParser(description=f"What one {bench.what} costs in CPU, beside nginx.")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--at-most", type=float, help="fail when the median ratio of the best build is above this")
    chosen = options.parse_args()
    missing = [tool for tool in ("nginx", "wrk", "taskset") if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"not found: {', '.join(missing)}; on Debian: apt-get install nginx wrk util-linux")
    builds = built()
    figures = measure(bench, builds, chosen.rounds, chosen.seconds)
    ratios = {}
    for at_load, name in product(LOADS, builds):
        nginx, netra = figures[at_load, "nginx"], figures[at_load, name]
        ratios[name, at_load] = statistics.median(mine / other for mine, other in zip(netra, nginx, strict=True))
        medians = f"nginx {statistics.median(nginx):.1f} µs, {name} {statistics.median(netra):.1f} µs"
        print(f"{at_load}, median: {medians} CPU a {bench.what}: {ratios[name, at_load]:.1f} x nginx")
    *_, best = builds
    if chosen.at_most and max(ratios[best, at_load] for at_load in LOADS) > chosen.at_most:
        raise SystemExit(f"more than {chosen.at_most} x nginx")
