"""What a remembered token costs in CPU, beside nginx: `python benchmarks/verify_cost.py [--rounds N] [--seconds S]`.

`/verify` with 1,000 signed tokens in turn, which Netra has checked by published keys and remembers; nginx passes the
same requests on to an upstream that answers at once (`proxy_pass`, kept alive). How it is measured: `login_cost.py`.
Needs nginx and wrk (Debian: `apt-get install nginx wrk`). Loopback only, bounded in time.
"""

import json
import time

from beside_nginx import Bench, main
from joserfc import jwt
from joserfc.jwk import ECKey

TOKENS_COUNT = 1_000
ISSUER, AUDIENCE = "https://id.bench.test", "bench"
HANDSHAKE = {"service_id": "bench", "idempotency": True, "issuer": ISSUER, "audience": AUDIENCE}
PROXY = """
    location / { proxy_pass http://auth/verified; proxy_http_version 1.1; proxy_set_header Connection ""; }
"""


def bench() -> Bench:
    key = ECKey.generate_key("P-256", {"kid": "bench", "use": "sig"})
    jwks = {"keys": [key.as_dict(private=False)]}
    tokens = [signed(key, number) for number in range(TOKENS_COUNT)]
    upstream = f"""
    location /verified {{ return 200 '{{"valid":true}}'; }}
    location /.well-known/jwks.json {{ return 200 '{json.dumps(jwks)}'; }}
    location /auth/handshake {{ return 200 '{json.dumps(HANDSHAKE)}'; }}
    location /auth/revocations {{ return 200 '{{"cursor":"0","items":[]}}'; }}
    location /health {{ return 200 '{{"status":"ok"}}'; }}
"""
    script = f"""
local tokens, asked, last = {{ {", ".join(f'"{each}"' for each in tokens)} }}, {{}}, 0
init = function()
  for number, token in ipairs(tokens) do
    asked[number] = wrk.format("GET", nil, {{ ["Authorization"] = "Bearer " .. token, ["Host"] = "bench.test" }})
  end
end
request = function()
  last = last % {TOKENS_COUNT} + 1
  return asked[last]
end
"""
    # For as long as the measurement takes, and what is remembered is what is measured.
    variables = {"NETRA_TOKEN_CACHE_S": "3600"}
    return Bench("check", script, upstream, PROXY, "/api/v1/auth/verify", variables)


def signed(key: ECKey, number: int) -> str:
    now_s = int(time.time())
    user = {"sub": f"user-{number}", "email": f"user-{number}@bench.test"}
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now_s,
        "exp": now_s + 7200,
        "jti": f"t{number}",
        "sid": f"s{number}",
    }
    return jwt.encode({"alg": "ES256", "kid": "bench", "typ": "at+jwt"}, {**user, **claims}, key)


if __name__ == "__main__":
    main(bench())
