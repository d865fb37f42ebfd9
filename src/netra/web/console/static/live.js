// The stream of states, and what happens when it ends: it comes back by itself, or leads to the sign-in.

const EVENTS = "/console/events";
const STATE = "/console/state";
/** The gateway says something at least every 10 s. */
const SILENCE_MS = 25_000;
const AGAIN_MS = 4_000;
/** A page that nobody sees asks now and then instead: a browser has few connections to one host. */
const UNSEEN_MS = 15_000;

/**
 * Begin to listen. `hear.state`, `hear.check`, `hear.diagnosis` get what is told; `hear.link(word)` hears how the
 * connection is: `connecting`, `live` or `lost`.
 */
export function listen(hear) {
  let stream = null;
  let silence = 0;
  let again = 0;
  let link = "";

  const tell = (word) => {
    if (word !== link) hear.link((link = word));
  };
  const alive = () => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      tell("lost");
      restart();
    }, SILENCE_MS);
    tell("live");
  };
  const close = () => {
    clearTimeout(silence);
    clearTimeout(again);
    if (stream) stream.close();
    stream = null;
  };
  const restart = () => {
    close();
    open();
  };
  const later = (what, ms) => {
    clearTimeout(again);
    again = setTimeout(what, ms);
  };

  function open() {
    if (!link) tell("connecting");
    const opened = new EventSource(EVENTS);
    stream = opened;
    for (const name of ["state", "check", "diagnosis"]) {
      opened.addEventListener(name, (event) => {
        alive();
        hear[name](JSON.parse(event.data));
      });
    }
    opened.addEventListener("error", () => {
      if (stream !== opened) return;
      tell("lost");
      // A broken connection is tried again by the browser; a refusal ends the stream, and has a reason to ask for.
      if (opened.readyState === EventSource.CLOSED) {
        close();
        look();
      }
    });
  }

  /** Ask once: shows what is so while there is no stream, and finds out why there is none. */
  async function look() {
    try {
      const answer = await fetch(STATE, { headers: { Accept: "application/json" } });
      if (answer.status === 401) {
        location.reload();
        return;
      }
      if (answer.ok) {
        tell("live");
        hear.state(await answer.json());
      } else tell("lost");
    } catch {
      tell("lost");
    }
    if (document.hidden) later(look, UNSEEN_MS);
    else later(restart, AGAIN_MS);
  }

  document.addEventListener("visibilitychange", () => {
    close();
    if (document.hidden) later(look, UNSEEN_MS);
    else open();
  });
  // A tab that is opened in the background looks once, for its title.
  if (document.hidden) look();
  else open();
}

/**
 * Ask for something, as JSON. Resolves to `{ status, ok, headers, body }`; `body` is null when it is not JSON.
 * Status 0: nobody answered.
 */
export async function ask(method, path, said) {
  const headers = { Accept: "application/json" };
  if (said !== undefined) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(path, { method, headers, body: said === undefined ? undefined : JSON.stringify(said) });
    if (answer.status === 401 && !path.startsWith("/demo/")) location.reload();
    let body = null;
    try {
      body = await answer.json();
    } catch {
      /* then there is none */
    }
    return { status: answer.status, ok: answer.ok, headers: answer.headers, body };
  } catch {
    return { status: 0, ok: false, headers: new Headers(), body: null };
  }
}
