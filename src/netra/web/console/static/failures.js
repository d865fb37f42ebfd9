// What did not succeed lately: when, what, why, and what to look at first.

import { at, cause, el, fill, keyed, prose } from "./dom.js";
import { icon } from "./icons.js";
import { openStory } from "./story.js";
import { count, span, Spoken, timeOfDay } from "./words.js";

const AT_FIRST = 6;

const row = (one) =>
  el(
    "tr",
    { "data-verdict": one.verdict, "data-request": one.request_id },
    el("td", { class: "nowrap" }, el("time", { datetime: one.at }, timeOfDay(one.at))),
    el(
      "td",
      {},
      el(
        "div",
        { class: "mark-state" },
        icon(one.verdict === "unknown" ? "failing" : "unused"),
        el("span", { class: "failure-title" }, one.title || one.code),
      ),
      el("div", { class: "muted" }, Spoken(one.journey ?? "request"), " · ", cause(one.code)),
    ),
    el("td", { class: "nowrap", "data-label": "Answer" }, one.status),
    el(
      "td",
      { class: "nowrap", "data-label": "Took" },
      span(one.elapsed_ms),
      one.tries > 1 ? ` · ${count(one.tries, "try", "tries")}` : "",
    ),
    el(
      "td",
      { class: "failure-first" },
      one.again
        ? "As above."
        : one.first
          ? prose(one.first)
          : one.verdict === "rejected"
            ? "A healthy answer: nothing to mend."
            : "–",
    ),
    el(
      "td",
      {},
      el(
        "button",
        {
          type: "button",
          class: "plain nowrap",
          "aria-label": `Story of request ${one.request_id}`,
          on: { click: () => openStory(one.request_id) },
        },
        "Story",
      ),
    ),
  );

/** The table of failures; the result draws a state's into it. */
export function makeFailures() {
  const body = el("tbody");
  const keep = keyed(body, (one) => `${one.request_id} ${one.at}`, row);
  const head = ["Time", "What happened", "Answer", "Took", "Check first", ""];
  const table = el(
    "table",
    { class: "failures folds" },
    el("caption", { class: "visually-hidden" }, "Attempts that did not succeed, the newest first"),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        head.map((each) => el("th", { scope: "col" }, each || el("span", { class: "visually-hidden" }, "Story"))),
      ),
    ),
    body,
  );
  const rejections = el("input", { type: "checkbox", id: "with-rejections", on: { change: () => draw() } });
  const more = el("button", {
    type: "button",
    class: "more",
    on: {
      click: () => {
        all = !all;
        draw();
      },
    },
  });
  const empty = el("p", { class: "empty" });
  const filter = el(
    "div",
    { class: "filter" },
    el("label", {}, rejections, "Also rejections: wrong passwords and other healthy answers"),
  );
  let failures = [];
  let all = false;
  fill(at("failures"), filter, empty, table, more);

  function draw() {
    const found = failures.filter((one) => one.verdict === "unknown" || rejections.checked);
    // What is the same as a line above need not be read twice.
    const told = found.map((one, number) =>
      one.first && one.first === found[number - 1]?.first ? { ...one, again: true } : one,
    );
    keep(all ? told : told.slice(0, AT_FIRST));
    table.hidden = !found.length;
    empty.hidden = found.length > 0;
    empty.textContent = failures.length
      ? "None: whoever was refused lately was refused by a verdict."
      : "None. When an attempt fails, its cause and the first thing to check appear here.";
    filter.hidden = !failures.some((one) => one.verdict === "rejected");
    more.hidden = found.length <= AT_FIRST;
    more.textContent = all ? "Show the latest only" : `Show all ${found.length}`;
  }

  draw();
  return (told) => {
    failures = told;
    draw();
  };
}
