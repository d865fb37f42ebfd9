"""What it costs to check a token for the first time, beside the signature alone: `python benchmarks/cold_check.py`.

ES256 tokens of which each is seen once, through the whole journey of `/verify` (memory, form, signature, claims,
revocations, remembering, telling), and the same tokens through joserfc alone. Both take turns in one process; quote the
ratio. Netra is measured as it is here and compiled, in a process each. No sockets, no network.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time

from beside_nginx import built
from joserfc import jws, jwt
from joserfc.jwk import ECKey

from netra.assemble import open_gateway
from netra.core.secret import Secret
from netra.core.verdict.operations import Jwks
from netra.core.verdict.outcomes import Accepted
from netra.core.verdict.wire import Label
from netra.gateway.attempts import TokenAttempt
from netra.gateway.gate import Gateway
from netra.settings.read import load
from netra.upkeep.keys import KeyRing
from netra.upkeep.keyset import KeySet, read_keys

ISSUER, AUDIENCE = "https://id.bench.test", "bench"
SETTINGS = {
    "ENVIRONMENT": "test",
    "AUTH_SERVICE_URL": "http://127.0.0.1:1",
    "NETRA_TOKEN_ISSUER": ISSUER,
    "NETRA_TOKEN_AUDIENCE": AUDIENCE,
}
LABEL = Label("bench", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
TOKENS_COUNT = 500


def signed(key: ECKey, round_number: int, number: int) -> str:
    now_s = int(time.time())
    ids = {"jti": f"t{round_number}-{number}", "sid": f"s{number}", "sub": f"user-{number}"}
    claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now_s, "exp": now_s + 900, "email": "demo@netra.test", **ids}
    return jwt.encode({"alg": "ES256", "kid": "bench", "typ": "at+jwt"}, claims, key)


async def journey(gateway: Gateway, token: str) -> None:
    held = Secret(token)
    outcome = gateway.remembered(held) or await gateway.judge(TokenAttempt(held, None, LABEL, time.monotonic()))
    if not isinstance(outcome, Accepted) or outcome.value.source == "cache":
        raise SystemExit(f"not checked, but {outcome}: the figures would mean nothing")


async def measure(name: str, rounds: int) -> float:
    """The median ratio of the build that this process has found."""
    key = ECKey.generate_key("P-256", {"kid": "bench"})
    keys = read_keys(Jwks((key.as_dict(private=False),)))
    alone, whole = [], []
    async with open_gateway(load(SETTINGS), lambda _: None) as assembled:
        ring = assembled.gateway.parts.tokens.keys
        if not isinstance(ring, KeyRing) or not isinstance(keys, KeySet):
            raise SystemExit("there are no keys to check by")
        ring.current = keys
        for number in range(rounds + 1):
            tokens = [signed(key, number, each) for each in range(TOKENS_COUNT)]
            began_s = time.process_time()
            for each in tokens:
                jws.deserialize_compact(each, key, ["ES256"])
            between_s = time.process_time()
            for each in tokens:
                await journey(assembled.gateway, each)
            alone.append((between_s - began_s) / TOKENS_COUNT * 1e6)
            whole.append((time.process_time() - between_s) / TOKENS_COUNT * 1e6)
    ratio = statistics.median(mine / theirs for mine, theirs in zip(whole[1:], alone[1:], strict=True))
    medians = (
        f"joserfc alone {statistics.median(alone[1:]):.1f} µs, the whole check {statistics.median(whole[1:]):.1f} µs"
    )
    print(f"{name}, median of {rounds} rounds: {medians} CPU a token: {ratio:.2f} x")
    return ratio


def main() -> None:
    options = argparse.ArgumentParser(description="What a first check of a token costs, beside its signature alone.")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--at-most", type=float, help="fail when the median ratio of the best build is above this")
    options.add_argument("--build", help="what to call the build that Python finds; without it, all are measured")
    chosen = options.parse_args()
    if chosen.build is None:
        codes = [
            subprocess.call([sys.executable, *sys.argv, "--build", name], env={**os.environ, **variables})
            for name, variables in built().items()
        ]
        raise SystemExit(codes[-1])
    ratio = asyncio.run(measure(chosen.build, chosen.rounds))
    if chosen.at_most and ratio > chosen.at_most:
        raise SystemExit(f"more than {chosen.at_most} x")


if __name__ == "__main__":
    main()
