"""The admin listener: health in detail, the API's description, the pages of causes; never public.

It must never be reachable by a foreign host name or another site's page: `asgi.admission` guards it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from netra.asgi.adapter import App, Limits, OnCrash
from netra.asgi.admission import AdminRules
from netra.asgi.words import Answer, Refusal, Request, Route
from netra.core.findings import Finding
from netra.core.pace.breaker import Circuit
from netra.core.token.cache import TokenCache
from netra.gateway.gate import Gateway
from netra.gateway.tokens import Tokens
from netra.web.bodies import ENCODER
from netra.web.endpoints import ENDPOINTS, route_of
from netra.web.openapi import description
from netra.web.render import refusal_answer
from netra.web.view import View

_STATES = {"success": "pass", "failed": "fail", "not_run": "warn"}
_CIRCUIT_STATES = {"closed": "pass", "half_open": "warn", "open": "fail"}


def admin_app(  # noqa: PLR0913 - the parts of a listener
    gateway: Gateway,
    view: View,
    prefix: str,
    version: str,
    findings: Sequence[Finding],
    *,
    rules: AdminRules,
    limits: Limits,
    on_crash: OnCrash,
    extra: Iterable[Route] = (),
) -> App:
    """The ASGI application of the admin listener; `extra` routes are given by whoever assembles it."""
    told = view.told_in_full()

    def refuse(refusal: Refusal, request_id: str) -> Answer:
        return refusal_answer(refusal, request_id, told)

    async def health(request: Request) -> Answer:
        document = health_document(gateway, told, version, findings)
        status = 200 if document["status"] != "fail" else 503
        return Answer(status, ENCODER.encode(document), b"application/health+json")

    async def openapi(request: Request) -> Answer:
        return Answer(200, ENCODER.encode(description(gateway, prefix, version, form_login=view.form_login)))

    bare = [route_of(each, gateway, told, prefix) for each in ENDPOINTS if each.bare]
    own = [Route("GET", "/health", health), Route("GET", "/openapi.json", openapi)]
    return App([*bare, *own, *extra], refuse, on_crash, limits=limits, admit=rules)


def health_document(gateway: Gateway, view: View, version: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """What is known of each dependency, and since when, in the style of health+json."""
    standing, now_s, link = gateway.standing, view.now_s(), gateway.parts.link
    age_s = None if standing.probed_at_s is None else round(now_s - standing.probed_at_s, 1)
    connectivity: dict[str, Any] = {
        "componentType": "component",
        "status": _STATES[standing.connectivity] if link.enabled else "fail",
        "observedValue": standing.connectivity if link.enabled else "disabled",
        "code": standing.probe_code if link.enabled else "auth_service_disabled",
        "age_s": age_s,
        "next_probe_in_s": max(0.0, round((standing.next_probe_at_s or now_s) - now_s, 1)),
    }
    handshake: dict[str, Any] = {
        "componentType": "component",
        "status": {"accepted": "pass", "refused": "fail"}.get(standing.handshake, "warn"),
        "observedValue": standing.handshake,
        "code": standing.handshake_code,
        "service_id": view.service_id,
        "idempotency": standing.idempotency,
        "auth_service_environment": standing.environment,
    }
    checks = {
        "auth_service:connectivity": [connectivity],
        "auth_service:handshake": [handshake],
        "auth_service:circuit": [
            _circuit(kind, breaker.seen(now_s)) for kind, breaker in link.circuits.items() if kind != "upkeep"
        ],
    }
    checks |= _tokens(gateway.parts.tokens, now_s)
    states = {each["status"] for check in checks.values() for each in check}
    return {
        "status": next(state for state in ("fail", "warn", "pass") if state in states),
        "version": version,
        "serviceId": view.service_id,
        "environment": view.environment,
        "auth_service_url": view.auth_service_url,
        "checks": checks,
        "in_flight": {
            "taken": link.slots.taken_count,
            "limit": link.slots.limit_count,
            "logins": link.slots.logins_count,
            "logins_limit": link.slots.logins_limit_count,
        },
        "remembered_tokens": _remembered(gateway.parts.tokens.cache),
        "findings": [
            {"severity": each.severity.value, "code": each.code, "subject": each.subject, "what": each.what}
            for each in findings
        ],
    }


def _tokens(tokens: Tokens, now_s: float) -> dict[str, list[dict[str, Any]]]:
    """What tokens are judged by, where they are judged here."""
    checks: dict[str, list[dict[str, Any]]] = {}
    current, code = (tokens.keys.current, tokens.keys.last_code) if tokens.keys is not None else (None, None)
    age_s = tokens.keys.age_s(now_s) if tokens.keys is not None else None
    if current is not None or code is not None:  # else nobody has said yet whose keys they would be
        checks["tokens:keys"] = [
            {
                "componentType": "component",
                "status": "pass" if code is None else "warn",
                "observedValue": 0 if current is None else len(current.key_ids),
                "key_ids": [] if current is None else list(current.key_ids),
                "age_s": None if age_s is None else round(age_s, 1),
                "code": code,
            }
        ]
    if tokens.feed is not None:
        up = tokens.feed.up
        state = {"status": "pass" if up else "warn", "observedValue": "up" if up else "down"}
        checks["tokens:revocations"] = [{"componentType": "component", **state}]
    return checks


def _remembered(cache: TokenCache) -> dict[str, int]:
    return {
        "good": cache.kept_count,
        "refused": cache.refused_count,
        "hits": cache.hits_count,
        "misses": cache.misses_count,
        "stale": cache.stale_count,
    }


def _circuit(kind: str, circuit: Circuit) -> dict[str, Any]:
    # An open circuit whose time has come lets the next call through: nobody must be kept away from making it.
    due = circuit.state == "open" and not circuit.next_try_in_s
    return {
        "componentId": kind,
        "componentType": "component",
        "status": "warn" if due else _CIRCUIT_STATES[circuit.state],
        "observedValue": circuit.state,
        "code": circuit.code,
        "next_try_in_s": round(circuit.next_try_in_s, 1),
        "calls": circuit.calls_count,
        "failures": circuit.failures_count,
    }
