"""What one login costs in CPU, beside nginx: `python benchmarks/login_cost.py [--rounds N] [--seconds S]`.

Gateway and nginx (`proxy_pass`, kept alive) take turns in front of the same upstream, an nginx that answers a login at
once; wrk loads each with 32 connections. The measured process has one core for itself, load and upstream share the
other. CPU comes from /proc and covers the measured processes only. Quote the ratio; absolute times are the machine's.
Each is measured twice: flat out, where the faster one has more requests under way and sleeps less between them, and at
one rate for both, every connection pausing 10 ms after an answer, where both pay alike for being woken up.
Needs nginx and wrk (Debian: `apt-get install nginx wrk`). Loopback only, bounded in time.
"""

import json

from beside_nginx import Bench, main

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
UPSTREAM = f"""
    location /auth/login {{ return 200 '{json.dumps(SESSION)}'; }}
    location /auth/handshake {{ return 200 '{json.dumps(HANDSHAKE)}'; }}
    location /auth/revocations {{ return 200 '{{"cursor":"0","items":[]}}'; }}
    location /health {{ return 200 '{{"status":"ok"}}'; }}
"""
PROXY = """
    location / { proxy_pass http://auth/auth/login; proxy_http_version 1.1; proxy_set_header Connection ""; }
"""
SCRIPT = f"""
local users, last = {{}}, 0
init = function()
  wrk.headers["Content-Type"] = "application/json"
  for number = 1, {USERS_COUNT} do
    users[number] = wrk.format("POST", nil, nil, (string.gsub('{json.dumps(LOGIN)}', "demo@", "demo" .. number .. "@")))
  end
end
request = function()
  last = last % {USERS_COUNT} + 1
  return users[last]
end
"""

if __name__ == "__main__":
    main(Bench("login", SCRIPT, UPSTREAM, PROXY, "/api/v1/auth/login", {}))
