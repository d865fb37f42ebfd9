"""Every question of the dashboard has an answer, as a real Prometheus that scrapes a gateway in use gives it.

It must never take for granted what a query means: Prometheus evaluates it.
"""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import WRONG_PASSWORD
from netra.observe.metrics.dashboard.rows import STANDING
from tests.house.source import ROOT
from tests.observe.metrics.prometheus_beside import Prometheus, needs_prometheus, prometheus
from tests.support.gateways import OTHER_SECRET, PASSWORD, SECRET, Running, gateway, served
from tests.support.hostile_tokens import good_token
from tests.support.issuers import jwks, new_signer

BOARD: Final[Any] = json.loads((ROOT / "deploy/grafana/netra.json").read_text("utf-8"))
TOLD: Final = {
    "$__rate_interval": "30s", "$__range": "1m", "$job": ".+", "$instance": ".+",
    "$__interval": "3s",
}  # fmt: skip
"""What Grafana puts in the place of its words."""
NEWS: Final = ("Alerts", "Version", "Configuration", "Secrets", "Changes while gateways ran", "Starts")


def told(expr: str) -> str:
    """An expression as Grafana sends it."""
    for word, value in TOLD.items():
        expr = expr.replace(word, value)
    return expr


async def use(running: Running, service: FaultyAuthService, token: str) -> None:
    """All that may come: logins that go well, are refused and fail, tokens that are new and known; for seconds.

    At the end so many fail that a circuit opens.
    """
    bearer = [("Authorization", f"Bearer {token}")]
    for _ in range(8):
        for _ in range(3):
            await running.log_in("ada@example.com", PASSWORD)
            await running.log_in("ada@example.com", WRONG_PASSWORD)
            await running.get("/verify", bearer)
        service.fault("status-500", path="/auth/login")
        await running.log_in("ada@example.com", PASSWORD)
        service.heal()
        await asyncio.sleep(0.5)
    service.fault("status-500", path="/auth/login")
    for _ in range(60):
        await running.log_in("ada@example.com", PASSWORD)
    service.heal()


async def unanswered(beside: Prometheus) -> list[str]:
    """The questions that no number answers."""
    asked = [(panel["title"], each["expr"]) for panel in BOARD["panels"] for each in panel.get("targets", ())]
    return [f"{title}: {expr}" for title, expr in asked if not await beside.now(told(expr))]


@needs_prometheus
async def test_every_question_is_answered_while_a_gateway_is_used_and_what_changed_is_a_line(tmp_path: Path) -> None:
    signer, authority, secret_file = new_signer(), Authority(tmp_path / "authority"), tmp_path / "secret"
    says = {"issuer": signer.claims["iss"], "audience": signer.claims["aud"]}
    secret_file.write_text(SECRET)
    settings = {
        "AUTH_SERVICE_CA_FILE": str(authority.file), "SERVICE_SECRET": None, "SERVICE_SECRET_FILE": str(secret_file),
        "NETRA_TRIES": "2", "NETRA_TOKEN_CACHE_S": "30", "NETRA_BREAKER": "true", "NETRA_PROBE_INTERVAL_S": "1",
    }  # fmt: skip
    async with (
        FaultyAuthService(authority=authority, says=says, keys=jwks(signer)["keys"]) as service,
        gateway(service.url, **settings) as running,
        served(running.assembled.admin, asyncio.Event()) as admin,
        prometheus(tmp_path, admin) as beside,
    ):
        secret_file.write_text(OTHER_SECRET)
        await use(running, service, good_token(signer))
        await beside.until('job_journey:netra_attempts_unknown:ratio_rate3d{journey="login"} > 0')
        await beside.until(told(f"{STANDING} and on () rate(netra_circuit_changes_total[30s])"))
        assert await unanswered(beside) == []
        lines = {
            each["name"]: await beside.lately(told(each["target"]["expr"])) for each in BOARD["annotations"]["list"]
        }
        assert tuple(lines) == NEWS
        assert [name for name, found in lines.items() if not found] == []
        assert {each["metric"]["what"] for each in lines["Changes while gateways ran"]} == {"service_secret"}
        assert {each["metric"]["secret"] for each in lines["Secrets"]} == {"current", "previous"}
