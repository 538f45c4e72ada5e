// The library: what is stored, what is on its way, how much room there is.

import * as api from "./api.js";
import * as format from "./format.js";
import * as library from "./library.js";
import * as details from "./details.js";
import * as player from "./player.js";

const LOOK_EVERY = 1000; // milliseconds, while something is downloading
const LOOK_AGAIN = 5000; // while nothing is

const at = (id) => document.getElementById(id);
let count = 0;

function say(text) {
  if (at("status").textContent !== text) {
    at("status").textContent = text;
  }
}

async function steer(row, act) {
  try {
    await act(row.asset.id);
    say("");
  } catch (error) {
    say(error.message);
  }
  await look();
}

library.bind({
  play: (row) => player.open(row, reload),
  pause: (row) => steer(row, api.pause),
  resume: (row) => steer(row, api.resume),
  details: (row) => details.show(row, reload),
});

function draw() {
  const shown = library.draw(at("query").value, at("order").value);
  if (count === 0) {
    say("Nothing is stored yet. `offline download URL` in a terminal begins.");
  } else if (shown === 0) {
    say("No title matches.");
  } else {
    say("");
  }
}

async function reload() {
  try {
    const assets = await api.library();
    count = assets.length;
    library.take(assets);
    draw();
  } catch (error) {
    say(`The library cannot be read: ${error.message}`);
  }
  showSpace();
}

async function showSpace() {
  try {
    const space = await api.space();
    const whole = space.used + space.other + space.free;
    at("space-used").style.width = `${(100 * space.used) / whole}%`;
    at("space-other").style.width = `${(100 * space.other) / whole}%`;
    at("space-text").textContent = `${format.size(space.used)} used by the library, ${format.size(space.free)} free on this disk`;
    at("next").hidden = space.next.length === 0;
    at("next-summary").textContent = "What goes first when room is needed";
    at("next-list").replaceChildren(...space.next.map(({ title, reason }) => {
      const item = document.createElement("li");
      item.textContent = `${title}: ${reason}`;
      return item;
    }));
    at("space").hidden = false;
  } catch {
    at("space").hidden = true;
  }
}

// Looks at what is being downloaded, in this process or another; a change of the list reads it anew.
async function look() {
  let wait = LOOK_AGAIN;
  try {
    const { assets: running, version } = await api.running();
    for (const asset of running) {
      library.change(asset);
      wait = LOOK_EVERY;
    }
    if (version !== look.version) {
      const first = look.version === undefined;
      look.version = version;
      if (!first) {
        await reload();
      }
    }
  } catch {
    say("The server no longer answers. Start `offline serve` again and open the address it prints.");
  }
  clearTimeout(look.timer);
  look.timer = setTimeout(look, document.hidden ? LOOK_AGAIN : wait);
}

at("search").addEventListener("submit", (event) => event.preventDefault());
at("query").addEventListener("input", draw);
at("order").addEventListener("change", draw);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    look();
  }
});

await reload();
await look();

// An address with an id at its end plays that asset: what `offline play` opens.
const wanted = decodeURIComponent(location.hash.slice(1));
if (wanted && library.get(wanted)) {
  player.open(library.get(wanted), reload);
}
