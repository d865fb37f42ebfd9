// The shapes of states. Each differs in form, not in colour alone, and its word stands beside it.

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  ok: [
    ["circle", { cx: 12, cy: 12, r: 10, fill: "currentColor" }],
    ["path", { d: "M7.5 12.5l3 3 6-7", stroke: "var(--surface)" }],
  ],
  warning: [
    ["path", { d: "M12 2.8L22.4 21H1.6z", fill: "currentColor", stroke: "currentColor" }],
    ["path", { d: "M12 9.5v5M12 17.6v.2", stroke: "var(--surface)" }],
  ],
  failing: [
    ["path", { d: "M8 2h8l6 6v8l-6 6H8l-6-6V8z", fill: "currentColor" }],
    ["path", { d: "M8.5 8.5l7 7M15.5 8.5l-7 7", stroke: "var(--surface)" }],
  ],
  unknown: [
    ["circle", { cx: 12, cy: 12, r: 9, stroke: "currentColor", "stroke-dasharray": "3.5 2.9" }],
    ["circle", { cx: 12, cy: 12, r: 1.8, fill: "currentColor" }],
  ],
  unused: [
    ["circle", { cx: 12, cy: 12, r: 9, stroke: "currentColor", opacity: 0.45 }],
    ["path", { d: "M8 12h8", stroke: "currentColor" }],
  ],
};
SHAPES.idle = SHAPES.unknown;

/** What each state is called. */
export const WORDS = {
  ok: "works",
  warning: "warning",
  failing: "fails",
  unknown: "not known",
  unused: "not used",
  idle: "idle",
};

/** States of a check, of a finding, of a circuit, as states of ours. */
export const STATES = {
  pass: "ok",
  warn: "warning",
  fail: "failing",
  skip: "unused",
  error: "failing",
  warning: "warning",
  note: "unused",
  closed: "ok",
  half_open: "warning",
  open: "failing",
  accepted: "ok",
  rejected: "unused",
};

/** The shape of a state, hidden from screen readers: say the word beside it. */
export function icon(state) {
  const drawn = document.createElementNS(SVG, "svg");
  const own = SHAPES[state] ? state : "unknown";
  for (const [name, value] of Object.entries({
    viewBox: "0 0 24 24",
    class: `icon is-${own}`,
    "aria-hidden": "true",
    focusable: "false",
  })) {
    drawn.setAttribute(name, value);
  }
  for (const [tag, traits] of SHAPES[own]) {
    const part = document.createElementNS(SVG, tag);
    const all = { fill: "none", "stroke-width": 2.2, "stroke-linecap": "round", "stroke-linejoin": "round", ...traits };
    for (const [name, value] of Object.entries(all)) part.setAttribute(name, value);
    drawn.append(part);
  }
  return drawn;
}
