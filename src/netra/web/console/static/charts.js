// The charts: attempts by outcome, latency percentiles. The numbers beside them say the same in words.

import { at, cause, el, fill, prose } from "./dom.js";
import { count, nowMs, span, spoken } from "./words.js";

const WINDOW_S = 900;
const STEP_S = 5;
const HEIGHT = 190;
const OUTCOMES = ["accepted", "rejected", "unknown"];
const PERCENTILES = ["p50", "p95", "p99"];

/** A colour of tokens.css as a canvas wants it. */
function colour(name) {
  const probe = el("span", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const axis = (size, values, lines) => ({
  stroke: colour("muted"),
  grid: { show: lines, stroke: colour("chart-grid"), width: 1 },
  ticks: { show: false },
  size,
  values,
  font: `12px ${getComputedStyle(document.body).fontFamily}`,
  gap: 6,
});

const clock = (_, ticks) =>
  ticks.map((each) =>
    new Date(each * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false }),
  );

/** One chart in its place. `series` are uPlot's; `read(number)` gives the words of a point, a list of texts. */
class Chart {
  constructor(place, series, format, least, read) {
    Object.assign(this, { place, series, format, least, read, plot: null, points: null });
    this.tip = el("div", { class: "tip", hidden: true });
    this.empty = el("p", { class: "chart-empty", hidden: true });
    new ResizeObserver(() => this.fit()).observe(place);
    document.documentElement.addEventListener("theme", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(points, emptyText) {
    this.points = points;
    if (!this.plot) this.draw();
    else this.plot.setData(points);
    this.empty.hidden = !emptyText;
    fill(this.empty, emptyText ? el("span", {}, emptyText) : []);
    if (this.plot?.cursor.idx !== null && !this.tip.hidden) this.point(this.plot);
  }

  /** From the first step to the end of the last one, in epoch seconds. */
  window() {
    const times = this.points[0];
    const end = times.length ? times[times.length - 1] + STEP_S : nowMs() / 1000;
    return [end - WINDOW_S, end];
  }

  fit() {
    const width = this.place.clientWidth;
    if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  draw() {
    if (!this.points || !window.uPlot) return;
    this.plot?.destroy();
    fill(this.place, this.empty, this.tip);
    const options = {
      width: this.place.clientWidth || 300,
      height: HEIGHT,
      padding: [8, 8, 0, 0],
      scales: {
        x: { time: true, range: () => this.window() },
        y: { range: (_, low, high) => [0, Math.max(this.least, (high ?? 0) * 1.1)] },
      },
      axes: [axis(26, clock, false), axis(52, (_, ticks) => ticks.map(this.format), true)],
      series: [{}, ...this.series()],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      hooks: { setCursor: [(plot) => this.point(plot)] },
    };
    this.plot = new window.uPlot(options, this.points, this.place);
  }

  point(plot) {
    const { idx, left } = plot.cursor;
    const words = idx === null || idx === undefined || left < 0 ? null : this.read(idx);
    this.tip.hidden = !words;
    if (!words) return;
    const when = new Date(this.points[0][idx] * 1000).toLocaleTimeString([], { hour12: false });
    fill(
      this.tip,
      el("b", {}, when),
      words.map((each) => el("div", {}, each)),
    );
    const edge = this.place.clientWidth - this.tip.offsetWidth - 4;
    this.tip.style.left = `${Math.max(0, Math.min(edge, left + 64))}px`;
  }
}

/** Which points have no neighbour, so that no line would show them. */
function alone(plot, series) {
  const values = plot.data[series];
  const is = (number) => values[number] !== null && values[number] !== undefined;
  return values.flatMap((_, number) => (is(number) && !is(number - 1) && !is(number + 1) ? [number] : []));
}

const whole = (value) => (Number.isInteger(value) ? String(value) : "");
const legend = (key, value, word) =>
  el("li", {}, el("span", { class: `key key-${key}`, "aria-hidden": "true" }), el("b", {}, value), ` ${word}`);

/** The two charts; the result draws a state into them. */
export function makeCharts() {
  let series = null;
  const bars = (name) => ({
    fill: colour(`chart-${name}`),
    width: 0,
    points: { show: false },
    paths: window.uPlot.paths.bars({ size: [0.82, 14], align: 1 }),
  });
  const line = (name) => ({
    stroke: colour(`chart-${name}`),
    width: 1.75,
    spanGaps: false,
    points: { show: true, size: 4, width: 0, fill: colour(`chart-${name}`), filter: alone },
  });
  const outcomes = new Chart(
    at("outcomes"),
    () => OUTCOMES.map(bars),
    whole,
    4,
    (number) => OUTCOMES.map((each) => `${series[each][number]} ${each}`),
  );
  const latency = new Chart(
    at("latency"),
    () => [...PERCENTILES].reverse().map(line),
    (ms) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`),
    10,
    (number) =>
      series.p50_ms[number] === null
        ? null
        : PERCENTILES.map((each) => `${each} ${span(series[`${each}_ms`][number])}`),
  );

  return (state) => {
    const { totals } = state;
    series = state.series;
    const logins = series.journeys?.includes("login") !== false;
    const all = totals.accepted + totals.rejected + totals.unknown;
    // Bars stand on each other: the tallest is drawn first, and is the sum.
    const upper = series.rejected.map((each, number) => each + series.unknown[number]);
    outcomes.show(
      [series.t, upper.map((each, number) => each + series.accepted[number]), upper, series.unknown],
      all ? "" : `Nobody has ${logins ? "tried to log in" : "shown a token"}. Attempts appear here as they come.`,
    );
    latency.show(
      [series.t, ...[...PERCENTILES].reverse().map((each) => series[`${each}_ms`])],
      all ? "" : "Nothing to measure yet.",
    );
    fill(
      at("outcomes-legend"),
      OUTCOMES.map((each) => legend(each, totals[each].toLocaleString("en"), each)),
    );
    fill(
      at("latency-legend"),
      PERCENTILES.map((each) => legend(each, span(totals[`${each}_ms`]), each)),
    );
    at("outcomes").setAttribute(
      "aria-label",
      `Outcomes of the last 15 minutes: ${OUTCOMES.map((each) => `${totals[each]} ${each}`).join(", ")}.`,
    );
    at("latency").setAttribute(
      "aria-label",
      `How long attempts took: ${PERCENTILES.map((each) => `${each} ${span(totals[`${each}_ms`])}`).join(", ")}.`,
    );
    const budgets = state.latency ?? [];
    fill(
      at("latency-of-budget"),
      budgets.map((each) =>
        el(
          "p",
          { class: each.advice?.severity === "warning" ? "is-warning" : "muted", "data-what": each.what },
          prose(each.text),
        ),
      ),
    );
    at("latency-of-budget").hidden = !budgets.length;
    const other = (totals.journeys ?? [])
      .filter((each) => !series.journeys?.includes(each.journey))
      .map((each) => [each.journey, each.accepted + each.rejected + each.unknown])
      .filter(([, number]) => number);
    at("outcomes-title").textContent = logins ? "Logins" : "Token checks";
    fill(
      at("others"),
      other.length
        ? `Besides: ${other.map(([name, number]) => `${spoken(name)} ${number.toLocaleString("en")}`).join(", ")}`
        : "",
    );
    at("others").hidden = !other.length;
    fill(
      at("codes"),
      totals.codes.map((each) =>
        el("li", { "data-verdict": each.verdict }, cause(each.code), ` ${count(each.count, "time")}`),
      ),
    );
  };
}
