"""What one login costs in CPU, beside nginx: `python benchmarks/login_cost.py [--rounds N] [--seconds S]`.

Gateway and nginx (`proxy_pass`, kept alive) take turns in front of the same upstream, an nginx that answers a login at
once; wrk loads each with 32 connections. The measured process has one core for itself, load and upstream share the
other. CPU comes from /proc and covers the measured processes only. Quote the ratio; absolute times are the machine's.
Each is measured twice: flat out, where the faster one has more requests under way and sleeps less between them, and at
one rate for both, every connection pausing 10 ms after an answer, where both pay alike for being woken up.
Needs nginx and wrk (Debian: `apt-get install nginx wrk`). Loopback only, bounded in time.
"""

import argparse
import json
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
from itertools import product
from pathlib import Path

Process = subprocess.Popen[bytes]

CONNECTIONS = 32
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
USERS_COUNT = 1_000
"""Nobody logs in thirty times at once: who does is asked to wait."""
LOGIN = {"email": "demo@netra.test", "password": "correct horse battery"}
SESSION = {
    "access_token": "a" * 600,
    "refresh_token": "r" * 43,
    "token_type": "Bearer",
    "expires_in": 900,
    "user": {"id": "1", "email": LOGIN["email"], "name": "Demo"},
}
HANDSHAKE = {"service_id": "bench", "idempotency": True}

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
UPSTREAM = """
    location /auth/login {{ return 200 '{session}'; }}
    location /auth/handshake {{ return 200 '{handshake}'; }}
    location /health {{ return 200 '{{"status":"ok"}}'; }}
"""
PROXY = """
    location / { proxy_pass http://auth/auth/login; proxy_http_version 1.1; proxy_set_header Connection ""; }
"""
LOADS = {"flat out": "", "one rate": "function delay() return 10 end"}
WRK = """
local users, last = {{}}, 0
init = function()
  wrk.headers["Content-Type"] = "application/json"
  for number = 1, {users} do
    users[number] = wrk.format("POST", nil, nil, (string.gsub('{body}', "demo@", "demo" .. number .. "@")))
  end
end
request = function()
  last = last % {users} + 1
  return users[last]
end
{pause}
done = function(summary)
  local errors = summary.errors
  io.stderr:write(string.format("%d %d", summary.requests, errors.status + errors.read + errors.timeout))
end
"""


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


def start_netra(upstream: int, port: int, admin_port: int, core: str, log: Path) -> Process:
    environment = {
        **os.environ,
        "ENVIRONMENT": "staging",
        "AUTH_SERVICE_URL": f"http://127.0.0.1:{upstream}",
        "SERVICE_ID": "bench",
        "SERVICE_SECRET": "b" * 43,
        "NETRA_PORT": str(port),
        "NETRA_ADMIN_PORT": str(admin_port),
        "NETRA_DRAIN_DELAY_S": "0",
    }
    command = ["taskset", "-c", core, sys.executable, "-m", "netra", "serve"]
    return subprocess.Popen(command, env=environment, stdout=log.open("wb"))


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


def measure(rounds: int, seconds: int) -> dict[tuple[str, str], list[float]]:
    """CPU microseconds a login by load and process, a figure for each round but the first, which only warms up."""
    figures: dict[tuple[str, str], list[float]] = {}
    upstream, proxy, public, admin = (free_port() for _ in range(4))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for at_load, pause in LOADS.items():
            (folder / f"{at_load}.lua").write_text(WRK.format(body=json.dumps(LOGIN), pause=pause, users=USERS_COUNT))
        answers = UPSTREAM.format(session=json.dumps(SESSION), handshake=json.dumps(HANDSHAKE))
        processes = {
            "upstream": start_nginx(folder, "upstream", (upstream, upstream), answers, "1"),
            "nginx": start_nginx(folder, "proxy", (proxy, upstream), PROXY, "0"),
            "netra": start_netra(upstream, public, admin, "0", folder / "netra.log"),
        }
        urls = {
            "nginx": f"http://127.0.0.1:{proxy}/login",
            "netra": f"http://127.0.0.1:{public}/api/v1/auth/login",
        }
        try:
            for url in (f"http://127.0.0.1:{upstream}/health", urls["nginx"], f"http://127.0.0.1:{public}/livez"):
                wait_for(url)
            for number, at_load, (name, url) in product(range(rounds + 1), LOADS, urls.items()):
                before = cpu_s(processes[name])
                requests = load(url, folder / f"{at_load}.lua", seconds, "1")
                cost_us = (cpu_s(processes[name]) - before) / requests * 1e6
                if number:
                    figures.setdefault((at_load, name), []).append(cost_us)
                    rate = f"{requests / seconds:8.0f}/s"
                    print(f"  round {number}, {at_load}: {name:6} {cost_us:7.1f} µs CPU a login, {rate}", flush=True)
        finally:
            for process in processes.values():
                process.send_signal(signal.SIGTERM)
            for process in processes.values():
                process.wait(20)
    return figures


def main() -> None:
    options = argparse.ArgumentParser(description="What one login costs in CPU, beside nginx.")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--at-most", type=float, help="fail when the median ratio is above this")
    chosen = options.parse_args()
    missing = [tool for tool in ("nginx", "wrk", "taskset") if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"not found: {', '.join(missing)}; on Debian: apt-get install nginx wrk util-linux")
    figures = measure(chosen.rounds, chosen.seconds)
    ratios = {}
    for at_load in LOADS:
        nginx, netra = figures[at_load, "nginx"], figures[at_load, "netra"]
        ratios[at_load] = statistics.median(mine / other for mine, other in zip(netra, nginx, strict=True))
        medians = f"nginx {statistics.median(nginx):.1f} µs, netra {statistics.median(netra):.1f} µs"
        print(f"{at_load}, median: {medians} CPU a login: {ratios[at_load]:.1f} x nginx")
    if chosen.at_most and max(ratios.values()) > chosen.at_most:
        raise SystemExit(f"more than {chosen.at_most} x nginx")


if __name__ == "__main__":
    main()
