// Puts the parts of the console together.

import { makeCharts } from "./charts.js";
import { makeDemo } from "./demo.js";
import { makeDoctor } from "./doctor.js";
import { at, el, fill, say } from "./dom.js";
import { makeFailures } from "./failures.js";
import { makeSettings, showChanges, showCircuits, showFindings, tickCircuits } from "./lists.js";
import { ask, listen } from "./live.js";
import { makeStory } from "./story.js";
import { makeStations, showGateway, showHeadline, tickHeadline } from "./way.js";
import { setClock, timeOfDay } from "./words.js";

const VERSION = 1;
const LINKS = { connecting: "Connecting", live: "Live", lost: "Connection lost" };

const charts = makeCharts();
const demo = makeDemo();
const doctor = makeDoctor();
const failures = makeFailures();
const stations = makeStations();
/** The sign-in page leaves this behind: the session itself is a cookie that no script can read. */
const SIGNED_IN = "netra-signed-in";
let latest = null;
let served = null;

makeSettings();
makeStory();

function show(state) {
  const version = state.gateway.version;
  // After an upgrade the gateway brings another page along.
  if (served !== null && served !== version) {
    location.reload();
    return;
  }
  if (state.version !== VERSION) {
    say(at("headline-text"), "This page is of another version than its gateway. Load it anew.");
    return;
  }
  served = version;
  latest = state;
  setClock(state.at);
  showGateway(state.gateway);
  showHeadline(state.headline);
  tickHeadline();
  stations(state.stations);
  charts(state);
  showCircuits({ circuits: state.circuits, history: state.circuit_history });
  failures(state.failures);
  showFindings(state.findings);
  showChanges(state.changes);
  doctor.state(state.doctor);
  demo(state.panels);
}

function link(word) {
  at("link").dataset.link = word;
  at("link").lastElementChild.textContent = LINKS[word];
  const lost = word === "lost";
  document.body.classList.toggle("is-lost", lost);
  const notice = at("lost");
  if (notice.hidden === lost) {
    notice.hidden = !lost;
    fill(
      notice,
      lost
        ? [
            el("b", {}, "The gateway does not answer. "),
            latest ? `What you see is from ${timeOfDay(latest.at)}. ` : null,
            "It is asked again by itself.",
          ]
        : [],
    );
  }
}

try {
  at("sign-out").hidden = localStorage.getItem(SIGNED_IN) === null;
} catch {
  /* then it stays hidden */
}
at("sign-out").addEventListener("click", async () => {
  await ask("DELETE", "/session");
  localStorage.removeItem(SIGNED_IN);
  location.reload();
});
setInterval(() => {
  tickHeadline();
  tickCircuits();
}, 1000);
listen({ state: show, check: doctor.check, diagnosis: doctor.diagnosis, link });
