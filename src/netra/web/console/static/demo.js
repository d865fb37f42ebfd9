// The demo's part: buttons that break the auth service, and a login form to see what comes of it.

import { at, el, fill, say } from "./dom.js";
import { ask } from "./live.js";
import { openStory } from "./story.js";
import { span } from "./words.js";

const LOOK_MS = 5_000;
const TOLD = ["x-request-id", "retry-after", "www-authenticate", "proxy-status"];
const REASONS = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  423: "Locked",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
/** They are long, and nobody reads them. */
const TOKENS = ["access_token", "refresh_token"];
const LONG = 24;

/** Show the panel, once; called when a state says that there is a demo. */
export function makeDemo() {
  let begun = false;
  let faults = [];
  let active = "none";
  let busy = false;

  async function begin() {
    const answer = await look();
    if (!answer.ok) {
      begun = false;
      return;
    }
    const { login } = answer.body;
    at("login-email").value = login?.email ?? "";
    at("login-password").value = login?.password ?? "";
    faults = answer.body.faults;
    fill(
      at("faults"),
      faults.map((one) =>
        el(
          "button",
          {
            type: "button",
            class: "fault",
            "data-fault": one.name,
            "aria-pressed": "false",
            on: { click: () => turn(one.name) },
          },
          one.name,
          el("small", {}, one.a_right_login_gets.split(" ")[0]),
        ),
      ),
    );
    at("demo").hidden = false;
    draw();
    setInterval(() => {
      if (!document.hidden && !busy) look();
    }, LOOK_MS);
  }

  async function look() {
    const answer = await ask("GET", "/demo/fault");
    if (answer.ok && !busy) {
      become(answer.body.active);
      if (faults.length) draw();
    }
    return answer;
  }

  /** What was answered before is not what would be answered now. */
  function become(name) {
    if (name !== active && faults.length)
      fill(at("answer"), el("p", { class: "empty" }, "Now log in: the answer appears here."));
    active = name;
  }

  async function turn(name) {
    if (busy) return;
    busy = true;
    draw(name);
    const answer = await ask("POST", `/demo/fault/${encodeURIComponent(name)}`);
    busy = false;
    if (answer.ok) become(answer.body.active);
    draw();
    if (!answer.ok) say(at("fault-what"), answer.body?.detail ?? "The demo does not answer.");
  }

  function draw(coming = "") {
    for (const button of at("faults").children) {
      button.setAttribute("aria-pressed", String(button.dataset.fault === (coming || active)));
      button.setAttribute("aria-disabled", String(busy));
    }
    const one = faults.find((each) => each.name === active);
    say(
      at("fault-what"),
      coming ? "One moment …" : one ? `${one.what} A right login gets ${one.a_right_login_gets}.` : "",
    );
  }

  at("login").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = at("login").querySelector("button");
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    const answer = await ask("POST", "/demo/login", {
      email: at("login-email").value,
      password: at("login-password").value,
    });
    button.removeAttribute("aria-disabled");
    fill(
      at("answer"),
      answer.ok ? shownAnswer(answer.body) : el("p", {}, answer.body?.detail ?? "The demo does not answer."),
    );
  });

  return (panels) => {
    if (begun || !panels.includes("demo")) return;
    begun = true;
    begin();
  };
}

function shownAnswer(told) {
  const headers = Object.fromEntries(
    Object.entries(told.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const id = headers["x-request-id"];
  return [
    el(
      "p",
      { class: "answer-line" },
      el(
        "span",
        { class: `answer-status is-${told.status < 400 ? "ok" : told.status < 500 ? "warning" : "failing"}` },
        `${told.status} ${REASONS[told.status] ?? ""}`,
      ),
      el("span", { class: "muted" }, `after ${span(told.elapsed_ms)}`),
      id ? el("button", { type: "button", class: "plain", on: { click: () => openStory(id) } }, "Its story") : null,
    ),
    el(
      "dl",
      { class: "pairs" },
      TOLD.filter((name) => headers[name]).map((name) => [
        el("dt", {}, name),
        el("dd", { class: "code" }, headers[name]),
      ]),
    ),
    el("pre", { tabindex: "0", "aria-label": "Body of the answer" }, bodyText(told.body)),
  ];
}

function bodyText(body) {
  if (typeof body === "string") return body;
  return JSON.stringify(
    body,
    (name, value) => (TOKENS.includes(name) && value ? `${value.slice(0, LONG)}…` : value),
    2,
  );
}
