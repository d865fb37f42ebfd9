// Numbers, times and machine words as people read them.

let aheadMs = 0;

/** Take over the gateway's clock, so that ages are right where this machine's clock is not. */
export function setClock(at) {
  const told = Date.parse(at ?? "");
  if (!Number.isNaN(told)) aheadMs = told - Date.now();
}

/** Now by the gateway's clock, in ms since the epoch. */
export const nowMs = () => Date.now() + aheadMs;

/** A span in ms: `0.4 ms`, `12 ms`, `1.20 s`; a dash for none. */
export function span(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 10000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.round(ms / 1000)} s`;
}

/** How long something has lasted, in its largest two units: `42 s`, `3 min`, `2 h 5 min`, `4 d 1 h`. */
export function lasting(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return min % 60 ? `${h} h ${min % 60} min` : `${h} h`;
  return h % 24 ? `${Math.floor(h / 24)} d ${h % 24} h` : `${Math.floor(h / 24)} d`;
}

/** The time of day of an instant, in this reader's zone. */
export function timeOfDay(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "–";
  const time = date.toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
  });
  return nowMs() - date.getTime() < 20 * 3600 * 1000 ? time : `${date.toLocaleDateString()} ${time}`;
}

/** A number of things: `1 try`, `3 tries`. */
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** A machine word for people: `service_credentials` becomes `service credentials`. */
export const spoken = (word) => String(word ?? "").replaceAll("_", " ");

/** The same with a capital. */
export const Spoken = (word) => {
  const text = spoken(word);
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** A value for people. */
export function shown(value) {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length)) return "–";
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}
