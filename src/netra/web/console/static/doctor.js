// A diagnosis as a checklist that fills itself while the doctor looks.

import { at, el, fill, prose, say } from "./dom.js";
import { icon, STATES } from "./icons.js";
import { finding, subject } from "./lists.js";
import { ask } from "./live.js";
import { count, span, Spoken, timeOfDay } from "./words.js";

const HOPS = {
  configuration: "Configuration",
  dns: "DNS",
  tcp: "TCP",
  tls: "TLS",
  http: "HTTP",
  service_credentials: "Service credentials",
  contract: "Contract",
  clock: "Clock",
  keys: "Keys",
  origin: "Origin",
  login: "Login",
  budget: "Time budgets",
};
const SAID = { pass: "works", warn: "warning", fail: "fails", skip: "not looked at" };
/** So many good news in a row are told in one line. */
const MANY = 3;
const ORDER = ["fail", "warn", "pass", "skip"];

/** A diagnosis under way, or the last one. The result has `state`, `check` and `diagnosis`, each for what is told. */
export function makeDoctor() {
  const button = at("doctor-run");
  let checks = [];
  let running = false;
  let drawn = "";

  button.addEventListener("click", async () => {
    if (running) return;
    const before = checks;
    begin();
    const answer = await ask("POST", "/console/doctor");
    // 202: it has begun. 409: somebody else's is under way, and is shown here as well.
    if (answer.ok || answer.status === 409) return;
    running = false;
    checks = before;
    draw();
    say(
      at("doctor-verdict"),
      answer.status === 429
        ? "The doctor has only just looked. Ask again in two seconds."
        : `The doctor could not be called: ${answer.body?.detail ?? (answer.status || "the gateway does not answer")}`,
    );
  });

  function begin() {
    checks = [];
    running = true;
    say(at("doctor-verdict"), "");
    draw();
  }

  function draw() {
    button.setAttribute("aria-disabled", String(running));
    say(button, running ? "Looking …" : "Run doctor");
    const now = JSON.stringify([checks, running]);
    if (now === drawn) return;
    drawn = now;
    const hops = new Map();
    for (const check of checks) hops.set(check.hop, [...(hops.get(check.hop) ?? []), check]);
    const empty = el(
      "p",
      { class: "empty" },
      "Goes the way of a login hop by hop, with the classifier that judges logins, and names the first that is ",
      "broken. It asks the auth service, counts no attempt and slows no login down.",
    );
    fill(
      at("doctor-checks"),
      !checks.length && !running ? empty : [...hops].map(([name, all]) => hop(name, all)),
      running ? el("p", { class: "looking" }, checks.length ? "Looking further" : "Looking") : null,
    );
  }

  function end(document) {
    running = false;
    if (document === null) {
      draw();
      say(
        at("doctor-verdict"),
        "The doctor stumbled over a bug of its own. The gateway's log names it; logins are not touched.",
      );
      return;
    }
    checks = document.checks ?? checks;
    draw();
    verdict(document);
  }

  function verdict(document) {
    const first = document.first ?? firstOf(checks);
    const failed = document.ok === false || checks.some((check) => check.state === "fail");
    fill(
      at("doctor-verdict"),
      failed || first
        ? [
            el("b", { class: failed ? "is-failing" : "is-warning" }, failed ? "Cause: " : "Not quite: "),
            first ? [subject(first), prose(first.what), " "] : "see below. ",
            first?.fix ? [el("b", {}, "First: "), prose(first.fix)] : null,
          ]
        : [
            el("b", { class: "is-ok" }, "All is well. "),
            count(checks.filter((check) => check.state === "pass").length, "check"),
            " passed.",
          ],
      document.at ? el("span", { class: "muted" }, `Looked at ${timeOfDay(document.at)}.`) : null,
    );
  }

  return {
    state(told) {
      if (told.running && !running) {
        begin();
        checks = told.checks ?? [];
        draw();
      } else if (!told.running && (running || !checks.length) && told.last) end(told.last);
      else draw();
    },
    check(told) {
      if (!running) begin();
      checks = [...checks.filter((one) => one.hop !== told.hop || one.name !== told.name), told];
      draw();
    },
    diagnosis: end,
  };
}

function firstOf(checks) {
  const all = checks.flatMap((check) => check.findings ?? []);
  return all.find((one) => one.severity === "error") ?? all.find((one) => one.severity === "warning") ?? null;
}

function hop(name, checks) {
  const worst = ORDER.find((state) => checks.some((check) => check.state === state)) ?? "skip";
  const took = checks.reduce((most, check) => Math.max(most, elapsedMs(check) ?? 0), 0);
  return el(
    "div",
    { class: "hop", "data-hop": name, "data-state": worst },
    el(
      "h3",
      { class: "mark-state" },
      icon(STATES[worst]),
      HOPS[name] ?? Spoken(name),
      el("span", { class: "visually-hidden" }, `: ${SAID[worst]}`),
    ),
    worst === "pass" && checks.length > MANY ? folded(checks) : list(checks),
    el("span", { class: "hop-took muted" }, took ? span(took) : ""),
  );
}

const list = (checks) =>
  el(
    "ul",
    { class: "checks" },
    checks.map((check) => checked(check, checks.length > 1)),
  );

const folded = (checks) =>
  el("details", { class: "checks" }, el("summary", {}, `${count(checks.length, "check")} passed`), list(checks));

const checked = (check, marked) =>
  el(
    "li",
    { class: "check", "data-check": check.name, "data-state": check.state },
    marked && check.state !== "pass" ? icon(STATES[check.state]) : null,
    el(
      "div",
      { class: check.state === "skip" ? "muted" : null },
      el("span", { class: "visually-hidden" }, `${SAID[check.state] ?? check.state}: `),
      prose(check.what),
      (check.findings ?? []).filter((one) => one.severity !== "note").map(finding),
    ),
  );

const elapsedMs = (check) =>
  check.elapsed_ms ?? (check.elapsed_s === undefined || check.elapsed_s === null ? null : check.elapsed_s * 1000);
