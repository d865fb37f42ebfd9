// Circuits, findings, what changed, and the settings.

import { at, el, fill, prose, whenNew } from "./dom.js";
import { icon, STATES } from "./icons.js";
import { ask } from "./live.js";
import { count, nowMs, shown, Spoken, spoken, timeOfDay } from "./words.js";

const CIRCUITS = {
  closed: "closed: calls pass",
  half_open: "half-open: trying carefully",
  open: "open: no call is made",
};
/** A subject that is a variable is part of its sentence: `NETRA_LOG_KEY is not set`. */
const VARIABLE = /^[A-Z][A-Z0-9_]+$/;
const WORST = { error: 0, warning: 1, note: 2 };

const circuit = (one) =>
  el(
    "li",
    { class: "circuit", "data-circuit": one.kind },
    el(
      "span",
      { class: "mark-state" },
      icon(STATES[one.state]),
      el("b", {}, Spoken(one.kind)),
      ` ${CIRCUITS[one.state] ?? spoken(one.state)}`,
    ),
    el(
      "span",
      { class: "muted" },
      one.state === "closed"
        ? `${count(one.failures, "failure")} of ${count(one.calls, "call")}`
        : [
            one.code,
            one.next_try_in_s
              ? [" · next try in ", el("span", { "data-until": nowMs() + one.next_try_in_s * 1000 })]
              : null,
          ],
    ),
  );

/** Count down to the next tries. */
export function tickCircuits() {
  for (const each of at("circuits").querySelectorAll("[data-until]")) {
    each.textContent = `${Math.max(0, Math.ceil((Number(each.dataset.until) - nowMs()) / 1000))} s`;
  }
}

/** The circuits now, and when they last changed. */
export const showCircuits = whenNew(({ circuits, history }) => {
  const past = [...history].sort((one, two) => Date.parse(two.at) - Date.parse(one.at)).slice(0, 6);
  fill(
    at("circuits"),
    el(
      "div",
      { class: "circuits" },
      el("h3", {}, "Circuit breakers"),
      el("ul", {}, circuits.map(circuit)),
      past.length
        ? el(
            "ul",
            { class: "past", "aria-label": "When circuits changed" },
            past.map((one) =>
              el(
                "li",
                {},
                el("time", { datetime: one.at }, timeOfDay(one.at)),
                `${Spoken(one.kind)} ${spoken(one.state)}${one.code ? `: ${one.code}` : ""}`,
              ),
            ),
          )
        : null,
    ),
  );
  tickCircuits();
});

/** What a finding is about, where that is the beginning of its sentence. */
export const subject = (one) => (VARIABLE.test(one.subject) ? [el("code", {}, one.subject), " "] : null);

/** A finding as every surface tells it: what, why, and what to do. */
export const finding = (one) =>
  el(
    "div",
    { class: "finding" },
    el("p", { class: "finding-what" }, subject(one), prose(one.what)),
    one.why ? el("p", { class: "muted" }, prose(one.why)) : null,
    one.fix ? el("p", { class: "finding-fix" }, el("b", {}, "Do: "), prose(one.fix)) : null,
  );

/** What the configuration and the agreement with the auth service leave to be wished. */
export const showFindings = whenNew((findings) => {
  const sorted = [...findings].sort((one, two) => WORST[one.severity] - WORST[two.severity]);
  fill(
    at("findings"),
    sorted.length
      ? sorted.map((one) =>
          el(
            "div",
            { class: "check" },
            icon(STATES[one.severity]),
            el("div", {}, el("span", { class: "visually-hidden" }, `${one.severity}: `), finding(one)),
          ),
        )
      : el("p", { class: "empty" }, "Nothing to remark on the settings."),
  );
});

/** Versions, keys, secrets and certificates that are no longer what they were. */
export const showChanges = whenNew((changes) => {
  const row = (one) =>
    el(
      "li",
      { class: "change" },
      el("time", { class: "muted", datetime: one.at }, timeOfDay(one.at)),
      el(
        "span",
        {},
        el("b", {}, Spoken(one.what)),
        " ",
        one.before ? ["was ", el("span", { class: "code" }, shown(one.before)), ", is "] : null,
        el("span", { class: "code" }, shown(one.now)),
      ),
    );
  const [latest, older] = [changes.slice(0, 6), changes.slice(6)];
  fill(
    at("changes"),
    changes.length
      ? [
          el("ul", {}, latest.map(row)),
          older.length
            ? el(
                "details",
                { class: "more" },
                el("summary", {}, count(older.length, "earlier change")),
                el("ul", {}, older.map(row)),
              )
            : null,
        ]
      : el("p", { class: "empty" }, "Nothing has changed since the start."),
  );
});

/** The settings are asked for when somebody looks at them. */
export function makeSettings() {
  const place = at("settings-body");
  let rows = [];
  const table = el("tbody");
  const field = el("input", {
    id: "settings-find",
    placeholder: "Part of a name or a value",
    autocomplete: "off",
    spellcheck: "false",
    on: { input: () => draw() },
  });
  const row = (one) =>
    el(
      "tr",
      { class: one.origin === "default" ? "is-default" : null },
      el("td", { class: "code" }, one.variable),
      el(
        "td",
        {},
        shown(one.value),
        one.fingerprint ? ["  fingerprint ", el("span", { class: "code" }, one.fingerprint)] : null,
      ),
      el("td", {}, one.origin),
    );
  const draw = () => {
    const part = field.value.trim().toLowerCase();
    const found = rows.filter((one) =>
      `${one.variable} ${shown(one.value)} ${one.origin}`.toLowerCase().includes(part),
    );
    fill(
      table,
      found.length
        ? found.map(row)
        : el("tr", {}, el("td", { colspan: 3, class: "empty" }, "No setting has that in it.")),
    );
  };
  at("settings").addEventListener("toggle", async () => {
    if (!at("settings").open) return;
    const answer = await ask("GET", "/console/settings");
    if (!answer.ok) {
      fill(place, el("p", { class: "empty" }, "The settings could not be read. Close this and open it again."));
      return;
    }
    rows = answer.body.settings;
    // What was set comes first: it is what makes this gateway different from others.
    rows = [...rows.filter((one) => one.origin !== "default"), ...rows.filter((one) => one.origin === "default")];
    draw();
    fill(
      place,
      el("div", { class: "settings-find" }, el("label", { for: "settings-find" }, "Find a setting"), field),
      el(
        "table",
        { class: "settings folds" },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ["Variable", "Value", "Origin"].map((each) => el("th", { scope: "col" }, each)),
          ),
        ),
        table,
      ),
    );
  });
}
