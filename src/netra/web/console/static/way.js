// The headline, and the way of a login as stations.

import { at, cause, el, fill, keyed, prose, say, whenNew } from "./dom.js";
import { icon, WORDS } from "./icons.js";
import { lasting, nowMs, span, Spoken, spoken, timeOfDay } from "./words.js";

const TITLE = "Netra console";
const SIGNS = { ok: "", warning: "▲ ", failing: "✕ ", idle: "", unknown: "" };
const PICTURES = { ok: "ok", warning: "warning", failing: "failing", idle: "ok", unknown: "unknown" };

let since = null;
let spokenOf = "";

/** One line that names the cause, its first cure, and since when. */
export const showHeadline = whenNew((headline) => {
  at("headline").dataset.state = headline.state;
  fill(at("headline-icon"), icon(headline.state === "idle" ? "ok" : headline.state));
  fill(at("headline-text"), prose(headline.text));
  // Numbers change all the time: it is said aloud when the state does, or the cause.
  const turn = `${headline.state} ${headline.code}`;
  if (turn !== spokenOf) say(at("headline-spoken"), headline.text);
  spokenOf = turn;
  const first = at("headline-first");
  first.hidden = !headline.first;
  fill(first, headline.first ? ["First: ", prose(headline.first)] : []);
  since = headline.since;
  tickHeadline(headline);
  at("icon").href = `/console/static/icons/${PICTURES[headline.state] ?? "unknown"}.svg`;
  document.title = `${SIGNS[headline.state] ?? ""}${headline.code ? `${headline.code}, ` : ""}${TITLE}`;
});

/** Renew the age of the headline. */
export function tickHeadline() {
  const place = at("headline-since");
  place.hidden = !since;
  if (since) say(place, `Since ${timeOfDay(since)}, for ${lasting((nowMs() - Date.parse(since)) / 1000)}`);
}

const station = (one) =>
  el(
    "li",
    { class: "station", "data-state": one.state, "data-station": one.id, title: one.detail || null },
    icon(one.state),
    el("span", { class: "station-title" }, one.title),
    el("span", { class: `station-word is-${one.state}` }, WORDS[one.state] ?? one.state),
    el(
      "span",
      { class: "station-latency" },
      one.latency_ms === null || one.state === "unknown" ? "" : span(one.latency_ms),
    ),
    one.detail && one.state !== "ok" && one.state !== "unknown"
      ? el(
          "span",
          { class: "station-detail" },
          one.detail === Spoken(one.code) ? null : one.detail,
          one.code ? [" ", cause(one.code)] : null,
        )
      : null,
  );

/** The stations of a login's way. */
export function makeStations() {
  return keyed(at("stations"), (one) => one.id, station);
}

/** What this gateway is: version, environment, where it points. */
export const showGateway = whenNew((gateway) => {
  const badge = (text, traits = {}) => (text ? el("li", traits, text) : null);
  fill(
    at("badges"),
    badge(gateway.environment),
    badge(gateway.version && `version ${gateway.version}`),
    badge(gateway.auth_service_url && ["asks ", el("span", { class: "code" }, gateway.auth_service_url)]),
    gateway.draining
      ? badge("draining", { class: "marked" })
      : gateway.ready === false
        ? badge(`not ready: ${spoken(gateway.readiness)}`, { class: "marked" })
        : badge("ready"),
  );
});
