// Elements from values: everything that comes from the gateway becomes a text node, never markup.

/** The element of the page with this id. */
export const at = (id) => document.getElementById(id);

/** A new element. `traits`: `on` (listeners by event), and attributes by name; null leaves one out. */
export function el(tag, traits = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(traits)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, heard] of Object.entries(value)) made.addEventListener(event, heard);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(
    ...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false && each !== ""),
  );
  return made;
}

/** A sentence whose words in backticks are code: the pages of causes are written so. */
export const prose = (text) =>
  String(text ?? "")
    .split("`")
    .map((part, number) => (number % 2 ? el("code", {}, part) : part));

/** A machine word that may be broken at its underscores where there is little room. */
export const breakable = (word) =>
  String(word)
    .split("_")
    .flatMap((part, number) => (number ? ["_", el("wbr"), part] : [part]));

/** The name of a cause, which leads to its page. */
export const cause = (code) => el("a", { class: "code", href: `/problems/${code}` }, breakable(code));

/** Make these the children of a place. */
export function fill(place, ...children) {
  place.replaceChildren(
    ...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false),
  );
}

/** Text of a place; it is touched only when it changes, so that nothing is announced twice. */
export function say(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** Calls `draw` only when what it draws has changed: focus, selection and reading positions stay where they are. */
export function whenNew(draw) {
  let before = null;
  return (value, ...rest) => {
    const now = JSON.stringify(value) ?? "";
    if (now === before) return;
    before = now;
    draw(value, ...rest);
  };
}

/** Keeps an element for each item while it is listed. `make(item)` makes it; it is made anew when the item changes. */
export function keyed(place, key, make) {
  let kept = new Map();
  return (items) => {
    const next = new Map();
    for (const item of items) {
      const name = key(item);
      const text = JSON.stringify(item);
      const old = kept.get(name);
      next.set(name, old && old.text === text ? old : { text, made: make(item) });
    }
    kept = next;
    const wanted = [...next.values()].map((each) => each.made);
    for (const child of [...place.children]) if (!wanted.includes(child)) child.remove();
    wanted.forEach((made, number) => {
      if (place.children[number] !== made) place.insertBefore(made, place.children[number] ?? null);
    });
  };
}
