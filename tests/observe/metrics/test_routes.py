"""Each alert has somebody who hears of it, and one cause is told once, as a real Alertmanager decides it.

It must never decide by itself which alert hides which.
"""

import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from netra.core.verdict.causes import Owner
from netra.observe.metrics.alerting.of_users import BURNS, LOGINS_FAILING, UNREACHABLE
from netra.observe.metrics.alerting.routes import alertmanager
from netra.observe.metrics.alerts import ALERTS
from netra.observe.metrics.reference import COMMAND
from tests.observe.metrics import alertmanager as real

PATIENCE_S: Final = 20.0

pytestmark = pytest.mark.skipif(
    real.PROGRAM is None or real.AMTOOL is None,
    reason="Alertmanager is not installed (Debian: prometheus-alertmanager)",
)


def amtool(*arguments: str) -> str:
    """What amtool says of the file."""
    assert real.AMTOOL is not None
    done = subprocess.run([real.AMTOOL, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def receiver_of(severity: str, owner: str) -> str:
    """Who hears of it, by amtool."""
    told = (f"severity={severity}", f"owner={owner}")
    return amtool("config", "routes", "test", f"--config.file={real.FILE}", *told).strip()


def test_the_file_says_what_the_alerts_say() -> None:
    assert real.FILE.read_text("utf-8") == alertmanager(COMMAND)


def test_alertmanager_takes_the_file() -> None:
    assert "SUCCESS" in amtool("check-config", str(real.FILE))


@pytest.mark.parametrize("owner", [*Owner, "", "somebody new"])
def test_every_owner_has_somebody_at_each_severity(owner: str) -> None:
    team = {
        Owner.AUTH_SERVICE: "auth-service", Owner.NETWORK: "network", Owner.BETWEEN: "network",
        Owner.CLIENT: "security", Owner.USER: "security",
    }  # fmt: skip
    named = next((team[each] for each in team if each == owner), "gateway")
    assert receiver_of("high", owner) == f"{named}-at-once"
    assert receiver_of("medium", owner) == f"{named}-today"
    assert receiver_of("low", owner) == "to-know"


def test_every_receiver_says_what_is_to_be_filled_in() -> None:
    text = real.FILE.read_text("utf-8")
    assert text.count("# Fill in: ") == text.count("  - name: ") == text.count("http://fill-in.invalid/")


def test_of_two_alerts_of_one_cause_one_is_sent(tmp_path: Path) -> None:
    def alert(name: str, severity: str, job: str) -> dict[str, str]:
        return {"alertname": name, "severity": severity, "job": job, "owner": "auth_service"}

    given = [
        alert(LOGINS_FAILING, "high", "shop"),
        alert(BURNS, "high", "shop"),
        alert(BURNS, "medium", "shop"),
        alert(UNREACHABLE, "low", "shop"),
        # Of another job: nothing of what stands there says anything of it.
        alert(BURNS, "high", "bank"),
        alert(BURNS, "medium", "bank"),
        # More urgent than what would hide it.
        alert("NetraLogoutsNotHeard", "high", "mill"),
        alert(UNREACHABLE, "low", "mill"),
    ]
    expected = Counter({
        (LOGINS_FAILING, "high", "shop"): 1, (BURNS, "high", "bank"): 1,
        ("NetraLogoutsNotHeard", "high", "mill"): 1, (UNREACHABLE, "low", "mill"): 1,
    })  # fmt: skip
    with real.alertmanager(tmp_path) as running:
        running.give(given)
        ends_at_s = time.monotonic() + PATIENCE_S
        while True:
            labels = [each["labels"] for each in running.sent()]
            sent = Counter((each["alertname"], each["severity"], each["job"]) for each in labels)
            if sent == expected:
                return
            assert time.monotonic() < ends_at_s, sent
            time.sleep(0.2)


def test_no_alert_is_without_an_owner_that_routes_it() -> None:
    labelled = {each.name for each in ALERTS if not each.owner and "by (job, code, owner)" not in each.expr}
    assert labelled == set()
