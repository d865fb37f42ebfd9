// The whole story of a request, in a dialog: its tries, where the time went, what to check.

import { at, cause, el, fill, prose } from "./dom.js";
import { icon, STATES } from "./icons.js";
import { ask } from "./live.js";
import { shown, span, Spoken, spoken, timeOfDay } from "./words.js";

const PARTS = ["dns", "connect", "tls", "wait", "read"];
/** The code of what succeeded. */
const OK = "ok";
const MENDERS = {
  client: "whoever maintains the application that called",
  user: "the user",
  us: "whoever runs this gateway and its configuration",
  network: "whoever runs the network in between",
  between: "whoever runs the proxy, load balancer or firewall in between",
  auth_service: "whoever runs the auth service",
};

/** Show the story of this request. */
export async function openStory(requestId) {
  const dialog = at("story");
  fill(at("story-body"), el("p", { class: "muted" }, "Looking …"));
  if (!dialog.open) dialog.showModal();
  const answer = await ask("GET", `/trace/${encodeURIComponent(requestId)}`);
  if (answer.ok) {
    fill(
      at("story-body"),
      el("p", { class: "muted" }, "Request ", el("span", { class: "code" }, requestId)),
      answer.body.stories.map(tale),
      answer.body.stories_left_out > 0 &&
        el("p", { class: "muted" }, `${answer.body.stories_left_out} earlier ones under the same id are left out.`),
    );
  } else {
    fill(at("story-body"), el("p", {}, notFound(answer, requestId)));
  }
  at("story-body").focus({ preventScroll: true });
  dialog.scrollTop = 0;
}

function notFound(answer, requestId) {
  if (answer.status === 0) return "The gateway does not answer.";
  if (answer.status !== 404)
    return `The gateway answered ${answer.status}: ${answer.body?.detail ?? "its log says why"}`;
  return answer.body?.detail ?? `Nothing is remembered of ${requestId}.`;
}

function tale(story) {
  const state = STATES[story.verdict] ?? "failing";
  const facts = [
    ["When", timeOfDay(story.at)],
    ["Answer", story.status],
    ["Code", story.code !== OK && cause(story.code)],
    ["Took", span(story.elapsed_ms)],
    ["How far", spoken(story.phase)],
    ["Who can mend it", MENDERS[story.owner] ?? spoken(story.owner)],
    ["Caller is told to", spoken(story.action)],
    ["Bug", story.error_type],
    ["Where", story.places?.length && story.places.join(" → ")],
    ["Account", story.account && el("span", { class: "code" }, story.account)],
    ["Trace", story.trace_id && el("span", { class: "code" }, story.trace_id)],
  ].filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false && value !== 0);
  return el(
    "article",
    { class: "tale" },
    el(
      "h3",
      {},
      el("span", { class: "mark-state" }, icon(state), `${Spoken(story.journey ?? "request")} ${ended(story)}`),
    ),
    story.why ? el("p", {}, prose(story.why)) : null,
    story.check_first?.length && story.verdict !== "rejected"
      ? [
          el("h4", {}, "Check first"),
          el(
            "ol",
            { class: "firsts" },
            story.check_first.map((each) => el("li", {}, prose(each))),
          ),
        ]
      : null,
    story.tries?.length
      ? [
          el("h4", {}, "Tries"),
          el(
            "div",
            {},
            story.tries.map((each) => oneTry(each)),
          ),
          spentLegend(story.tries),
        ]
      : null,
    stillWorks(story.still_works),
    el("h4", {}, "Facts"),
    el(
      "dl",
      { class: "pairs" },
      facts.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value instanceof Node ? value : shown(value))]),
    ),
  );
}

const ended = (story) =>
  ({ accepted: "succeeded", rejected: "was rejected", unknown: "failed" })[story.verdict] ?? spoken(story.verdict);

function stillWorks(told) {
  const lines = Array.isArray(told) ? told : told ? [told] : [];
  return lines.length
    ? [
        el("h4", {}, "What still works"),
        el(
          "ul",
          { class: "still" },
          lines.map((each) => el("li", {}, prose(each))),
        ),
      ]
    : null;
}

function oneTry(one) {
  const parts = PARTS.map((name) => [name, one[`${name}_ms`] ?? 0]).filter(([, ms]) => ms > 0);
  const told = parts.map(([name, ms]) => `${name} ${span(ms)}`).join(", ");
  const bar = el("div", { class: "spent", role: "img", "aria-label": told || "no part was measured" });
  const whole = parts.reduce((sum, [, ms]) => sum + ms, 0);
  for (const [name, ms] of parts) {
    const part = el("span", { class: name });
    part.style.flexGrow = String(ms / whole);
    part.style.flexBasis = "0";
    bar.append(part);
  }
  return el(
    "div",
    { class: "try" },
    el(
      "div",
      { class: "try-line" },
      el(
        "span",
        {},
        `${one.try}. `,
        one.code && one.code !== OK ? cause(one.code) : "answered",
        one.phase && one.code !== OK ? ` · ${spoken(one.phase)}` : "",
      ),
      el("span", { class: "muted" }, span(one.elapsed_ms)),
    ),
    parts.length ? [bar, el("div", { class: "muted", "aria-hidden": "true" }, told)] : null,
  );
}

function spentLegend(tries) {
  const seen = PARTS.filter((name) => tries.some((one) => one[`${name}_ms`] > 0));
  return seen.length > 1
    ? el(
        "ul",
        { class: "legend", "aria-hidden": "true" },
        seen.map((name) => el("li", {}, el("span", { class: `key ${name}` }), name)),
      )
    : null;
}

/** Closing, and looking for a request by its id. */
export function makeStory() {
  const dialog = at("story");
  at("story-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  at("find").addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = at("find-id").value.trim();
    if (wanted) openStory(wanted);
    else at("find-id").focus();
  });
}
