"""Our client certificate is for the auth service: no issuer of keys, and no host that it names, gets to see it."""

from pathlib import Path

from netra.assemble import Exchanges
from netra.core.pace.deadline import Deadline
from netra.core.verdict.operations import KEYS
from netra.core.verdict.outcomes import Accepted, Unknown
from netra.core.verdict.wire import Label
from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.link.calls import Link, ask
from netra.link.clock import SystemClock
from netra.settings.read import load
from netra.testing.fakes import Recorded
from netra.wires.load import preset

WIRE = preset("netra")
LABEL = Label("keys-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


async def test_who_publishes_keys_is_not_shown_the_certificate_that_the_auth_service_demands(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.pair()
    async with FaultyAuthService(tls=authority.demanding()) as service:
        settings = load(
            {
                "ENVIRONMENT": "test",
                "AUTH_SERVICE_URL": service.url,
                "AUTH_SERVICE_CA_FILE": str(authority.file),
                "AUTH_SERVICE_CLIENT_CERT_FILE": str(certificate),
                "AUTH_SERVICE_CLIENT_KEY_FILE": str(key),
            }
        )
        clock = SystemClock()
        exchanges = Exchanges(settings, clock, Recorded())
        try:
            of_keys = exchanges.link_of(service.url)
            refused = await ask(WIRE.call(KEYS, {}, LABEL), of_keys, within(clock))
            assert isinstance(refused, Unknown), "it was let in, so it has shown a certificate"
            assert service.journal == []
            ours = Link(exchanges.to(service.url), of_keys.seals, of_keys.slots, of_keys.budget, clock, 1)
            assert isinstance(await ask(WIRE.call(KEYS, {}, LABEL), ours, within(clock)), Accepted)
        finally:
            await exchanges.close()


def within(clock: SystemClock) -> Deadline:
    """A deadline in five seconds."""
    return Deadline(clock.now_s() + 5.0, 5.0)
