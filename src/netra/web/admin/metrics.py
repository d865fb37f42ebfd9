"""The numbers as they are at this moment, and the route by which Prometheus fetches them and all that was counted.

It must never ask anybody, nor name a user, a token or a secret.
"""

import asyncio
import platform
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from netra.asgi.words import Answer, Request, Route
from netra.core.findings import Finding, Severity
from netra.core.pace.breaker import State
from netra.core.verdict.reply import Shake
from netra.gateway.gate import Gateway
from netra.observe.metrics import definitions as named
from netra.observe.metrics.definitions import Metric
from netra.upkeep.agreement import Ours

_STATES: Final = get_args(State)
_SHAKES: Final = get_args(Shake)
_ODD_VERSION: Final = re.compile(r"version\s*=(?!\s*(?:0\.0\.1|0\.0\.4|1\.0\.0)\s*(?:[,;]|$))")
"""A version of a format that there is not, e.g. in `application/openmetrics-text; version=x`."""
PAUSE_S: Final = 0.05
"""Between two scrapes. Each takes as long as several logins, and anybody may ask who reaches the listener."""

Values = Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What of a gateway is looked at when somebody asks for its numbers."""

    gateway: Gateway
    version: str
    now_s: Callable[[], float]
    wall_s: Callable[[], float]
    findings: Sequence[Finding]
    ready: Callable[[], bool]
    budgets_s: Mapping[str, float]
    ours: Callable[[], Ours]
    """What we hold of our own credentials, by fingerprint."""
    configuration: str
    """The fingerprint of all settings."""
    started_at: float
    """Epoch seconds."""
    certificate_ends_at: Callable[[], float | None]
    """When the auth service's certificate ends, epoch seconds; None when nobody has seen one."""
    lag_s: Callable[[], float]
    lines_dropped_count: Callable[[], int]
    lines_summarised_count: Callable[[], int]
    spans_dropped_count: Callable[[], int]
    listener_failures_count: Callable[[], int]


class Gauges:
    """A collector for a registry of Prometheus's."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def describe(self) -> Iterator[Family]:
        """The names, by which a registry knows what it has already."""
        return self.collect()

    def collect(self) -> Iterator[Family]:
        """What is so at this moment, as Prometheus asks for it."""
        yield from self._pace()
        yield from self._tokens()
        yield from self._standing()
        yield from self._ourselves()

    def _pace(self) -> Iterator[Family]:
        link, now_s = self._seen.gateway.parts.link, self._seen.now_s()
        slots = link.slots
        yield _gauge(named.RETRIES_LEFT, [((), link.budget.left(now_s))])
        yield _gauge(named.IN_FLIGHT, [(("all",), slots.taken_count), (("login",), slots.logins_count)])
        yield _gauge(named.CALLS_LIMIT, [(("all",), slots.limit_count), (("login",), slots.logins_limit_count)])
        circuits = {kind: breaker.seen(now_s).state for kind, breaker in link.circuits.items() if kind != "upkeep"}
        yield _gauge(
            named.CIRCUIT, (((kind, each), each == state) for kind, state in circuits.items() for each in _STATES)
        )

    def _tokens(self) -> Iterator[Family]:
        tokens, now_s = self._seen.gateway.parts.tokens, self._seen.now_s()
        cache = tokens.cache
        lookups = {"hit": cache.hits_count, "miss": cache.misses_count, "stale": cache.stale_count}
        yield _counter(named.CACHE_LOOKUPS, (((result,), count) for result, count in lookups.items()))
        yield _gauge(named.REMEMBERED, [(("accepted",), cache.kept_count), (("rejected",), cache.refused_count)])
        keys, feed = tokens.keys, tokens.feed
        current = None if keys is None else keys.current
        yield _gauge(named.KEYS, _known(None if keys is None else 0 if current is None else len(current.key_ids)))
        yield _gauge(named.KEY_AGE, _known(None if keys is None else keys.age_s(now_s)))
        yield _gauge(named.FEED, _known(None if feed is None else feed.up))

    def _standing(self) -> Iterator[Family]:
        seen, standing = self._seen, self._seen.gateway.standing
        now_s, probed_at_s = seen.now_s(), standing.probed_at_s
        up = None if standing.connectivity == "not_run" else float(standing.connectivity == "success")
        yield _gauge(named.PROBE, _known(up))
        yield _gauge(named.PROBE_AGE, _known(None if probed_at_s is None else now_s - probed_at_s))
        yield _gauge(named.HANDSHAKE, (((each,), each == standing.handshake) for each in _SHAKES))
        differing = sum(each.severity is not Severity.NOTE for each in standing.differences)
        yield _gauge(named.DIFFERENCES, [((), differing)])
        told = standing.their_clock_s is not None
        yield _gauge(named.SKEW, _known(standing.skew_s(now_s, seen.wall_s()) if told else None))
        yield _gauge(named.CERTIFICATE, _known(seen.certificate_ends_at()))

    def _ourselves(self) -> Iterator[Family]:
        seen = self._seen
        stand = [*seen.findings, *seen.gateway.standing.differences]
        counts = {each: sum(finding.severity is each for finding in stand) for each in Severity}
        ours = seen.ours()
        held = {"current": ours.secret, "previous": ours.kept or ours.previous}
        yield _info(named.SECRETS, ({"secret": name, "fingerprint": made} for name, made in held.items() if made))
        yield _info(named.CONFIGURATION, [{"fingerprint": seen.configuration}])
        yield _gauge(named.FINDINGS, (((each.value,), count) for each, count in counts.items()))
        yield _gauge(named.READY, [((), seen.ready())])
        yield _gauge(named.BUDGETS, (((name,), budget_s) for name, budget_s in seen.budgets_s.items()))
        yield _gauge(named.LAG, [((), seen.lag_s())])
        yield _counter(named.LINES_DROPPED, [((), seen.lines_dropped_count())])
        yield _counter(named.LINES_SUMMARISED, [((), seen.lines_summarised_count())])
        yield _counter(named.SPANS_DROPPED, [((), seen.spans_dropped_count())])
        yield _counter(named.LISTENER_FAILURES, [((), seen.listener_failures_count())])
        yield _gauge(named.STARTED, [((), seen.started_at)])
        yield _info(named.BUILD, [{"version": seen.version, "python": platform.python_version()}])


class Numbers:
    """The collectors of one gateway in a registry, its own or that of a host program."""

    def __init__(self, registry: CollectorRegistry | None, collectors: tuple[Collector, ...]) -> None:
        """Raises: ValueError, when the registry has metrics of another gateway; then nothing was added to it."""
        self.registry = CollectorRegistry() if registry is None else registry
        self._collectors: list[Collector] = []
        try:
            for each in collectors:
                self.registry.register(each)
                self._collectors.append(each)
        except ValueError:
            self.close()
            raise

    def close(self) -> None:
        """Take them out again."""
        while self._collectors:
            self.registry.unregister(self._collectors.pop())


class _Scrapes:
    """The answers to scrapes: whoever asks while others wait for the next one waits with them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._next: dict[str, asyncio.Task[bytes]] = {}
        """By content type, of which there are few."""
        self._free_at_s = 0.0

    async def take(self, encode: Callable[[Collector], bytes], content_type: str) -> bytes:
        """The numbers as they are at some moment after this one."""
        if content_type not in self._next:
            self._next[content_type] = asyncio.get_running_loop().create_task(self._made(encode, content_type))
        return await asyncio.shield(self._next[content_type])

    async def _made(self, encode: Callable[[Collector], bytes], content_type: str) -> bytes:
        begins_at_s = max(self._free_at_s, monotonic())
        self._free_at_s = begins_at_s + PAUSE_S
        await asyncio.sleep(max(0.0, begins_at_s - monotonic()))
        del self._next[content_type]
        return encode(self._registry)


def metrics_route(registry: CollectorRegistry) -> Route:
    """GET /metrics: in the form that was asked for, OpenMetrics or the older text."""
    scrapes = _Scrapes(registry)

    async def metrics(request: Request) -> Answer:
        accepted = request.header(b"accept") or ""
        # The library trips over versions that are no numbers, and repeats those that it was asked for.
        encode, content_type = choose_encoder("" if _ODD_VERSION.search(accepted) else accepted)
        return Answer(200, await scrapes.take(encode, content_type), content_type.encode("ascii"))

    return Route("GET", "/metrics", metrics)


def _known(value: float | None) -> Values:
    """One value without labels; none at all for what nobody knows."""
    return [] if value is None else [((), value)]


def _gauge(metric: Metric, values: Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values:
        family.add_metric(labels, float(value))
    return family


def _counter(metric: Metric, values: Values) -> CounterMetricFamily:
    family = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _info(metric: Metric, told: Iterable[dict[str, str]]) -> InfoMetricFamily:
    family = InfoMetricFamily(metric.name, metric.meaning)
    for each in told:
        family.add_metric((), each)
    return family
