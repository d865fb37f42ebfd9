"""How we stand with the auth service: what a probe and a handshake change in it. Pure.

It must never turn a transient failure into a refusal: only a clear word about our credentials does.
"""

from netra.core.verdict.causes import Phase
from netra.core.verdict.operations import HANDSHAKE, Handshake
from netra.core.verdict.outcomes import NO_FACTS, Accepted, Outcome, Rejected, Unknown
from netra.core.verdict.reply import Shake, Standing
from netra.core.verdict.wire import Wire
from netra.settings.variables import Settings


def first_standing(settings: Settings, wire: Wire) -> Standing:
    """The standing before anybody was asked: what we are configured with, and whether there will be a handshake."""
    held = {"service_id": settings.service_id, "service_secret": settings.service_secret}
    wanted = wire.credentials
    return Standing(
        credentials_configured=bool(wanted) and all(held[name] is not None for name in wanted),
        trust_uncoded_401=settings.trust_uncoded_401,
        handshake="not_yet" if wire.offers(HANDSHAKE) else "absent",
    )


def after_probe(standing: Standing, code: str | None, now_s: float) -> Standing:
    """The standing once a probe has ended; `code` is None when the auth service answered.

    What was found out about a failure holds as long as it stays the same.
    """
    facts = standing.probe_facts if code == standing.probe_code else NO_FACTS
    return standing._replace(
        connectivity="failed" if code else "success", probe_code=code, probe_facts=facts, probed_at_s=now_s
    )


def after_handshake(standing: Standing, outcome: Outcome[Handshake], asked_at_s: float) -> Standing:
    """The standing once a handshake has ended. What is not a clear word leaves everything as it was.

    `asked_at_s`: monotonic, in the middle between question and answer. What it differs in is for whoever knows our
    settings to add.
    """
    if isinstance(outcome, Accepted):
        said = outcome.value
        return standing._replace(
            handshake="accepted",
            handshake_code=None,
            shaken_at_s=asked_at_s,
            ever_accepted=True,
            version=said.version,
            idempotency=said.idempotency,
            environment=said.environment,
            issuer=standing.issuer or said.issuer,
            audience=standing.audience or said.audience,
            their_clock_s=None if said.server_time is None else said.server_time - asked_at_s,
        )
    state = shake_of(outcome)
    if state == "not_yet":
        of_no_use = unclear(outcome) and standing.handshake == "not_yet"
        return standing._replace(handshake_code=outcome.cause.code) if of_no_use else standing
    return standing._replace(
        handshake=state, handshake_code=outcome.cause.code, shaken_at_s=asked_at_s, idempotency=False
    )


def unclear(outcome: Outcome[Handshake]) -> bool:
    """Was there an answer that is of no use, now and for as long as nobody mends it? What passes is none."""
    if not isinstance(outcome, Unknown) or outcome.transient or outcome.phase is not Phase.ANSWERED:
        return False
    return shake_of(outcome) == "not_yet"


def shake_of(outcome: Outcome[Handshake]) -> Shake:
    """What a handshake's outcome says, whatever was known before."""
    if isinstance(outcome, Accepted):
        return "accepted"
    if isinstance(outcome, Rejected):
        return "not_yet"
    if outcome.cause.refuses_us:
        return "refused"
    return "absent" if outcome.cause.code == "endpoint_not_found" else "not_yet"
