// The list of assets: drawn once, a row changed where something changed, details asked for when a row is seen.

import * as api from "./api.js";
import * as format from "./format.js";

const FIRST_ROWS = 60;
const ROWS_AT_ONCE = 200;
const QUESTIONS_AT_ONCE = 4;

const list = document.getElementById("assets");
const template = document.getElementById("row");

const rows = new Map(); // id -> { element, asset, details }
let drawing = 0;

const orders = {
  title: (a, b) => a.title.localeCompare(b.title) || a.id.localeCompare(b.id),
  newest: (a, b) => b.created - a.created,
  played: (a, b) => (b.last_played ?? 0) - (a.last_played ?? 0),
  size: (a, b) => b.bytes - a.bytes,
  duration: (a, b) => b.duration - a.duration,
};

export function get(id) {
  return rows.get(id);
}

// Draws what matches in order: the first rows at once, the others while nothing else is to be done.
export function draw(assets, query, order, actions) {
  const wanted = query.trim().toLocaleLowerCase();
  const shown = assets.filter((asset) => asset.title.toLocaleLowerCase().includes(wanted)).sort(orders[order]);
  const ids = new Set(assets.map((asset) => asset.id));
  for (const [id, row] of rows) {
    if (!ids.has(id)) {
      row.element.remove();
      rows.delete(id);
    }
  }
  drawing += 1;
  const turn = drawing;
  let next = 0;
  list.replaceChildren();
  const step = (count) => {
    if (turn !== drawing) {
      return;
    }
    const elements = shown.slice(next, next + count).map((asset) => rowOf(asset, actions).element);
    next += count;
    list.append(...elements);
    if (next < shown.length) {
      setTimeout(() => step(ROWS_AT_ONCE));
    }
  };
  step(FIRST_ROWS);
  return shown.length;
}

export function change(asset, actions) {
  if (rows.has(asset.id)) {
    rowOf(asset, actions);
  }
}

function rowOf(asset, actions) {
  let row = rows.get(asset.id);
  if (!row) {
    row = { element: template.content.firstElementChild.cloneNode(true), asset, details: null };
    rows.set(asset.id, row);
    const on = (name, act) => row.element.querySelector(name).addEventListener("click", () => act(row));
    on(".play", actions.play);
    on(".cover", actions.play);
    on(".pause", actions.pause);
    on(".resume", actions.resume);
    on(".more", actions.details);
    seen.observe(row.element);
    row.element.dataset.id = asset.id;
    fill(row);
  } else if (JSON.stringify(row.asset) !== JSON.stringify(asset)) {
    if (row.asset.state !== asset.state) {
      row.details = null;
      seen.unobserve(row.element);
      seen.observe(row.element);
    }
    row.asset = asset;
    fill(row);
  }
  return row;
}

const words = {
  queued: "waits in the queue",
  downloading: "downloading",
  paused: "paused",
  failed: "failed",
  cancelled: "cancelled",
  completed: "",
};

function fill(row) {
  const { element, asset, details } = row;
  const at = (name) => element.querySelector(name);
  at("h2").textContent = asset.title;
  at(".initial").textContent = [...asset.title][0] ?? "?";
  const facts = [format.clock(asset.duration), format.size(asset.bytes)];
  at(".facts").textContent = facts.join(" · ");
  at(".facts").setAttribute("aria-label", `${format.spoken(asset.duration)}, ${format.size(asset.bytes)}`);
  const running = asset.state === "downloading";
  const state = [words[asset.state] ?? asset.state];
  if (running) {
    state.push(`${Math.floor(asset.progress * 100)} %`);
  } else if (asset.reason && asset.state !== "completed") {
    state.push(asset.reason);
  }
  if (details) {
    state.push(offline(details));
  }
  at(".state").textContent = state.filter(Boolean).join(" · ");
  const progress = at("progress");
  progress.hidden = asset.state === "completed";
  progress.value = asset.progress;
  progress.setAttribute("aria-label", `${asset.title}: stored`);
  // What a key system protects is for players that have its licence.
  const closed = details && !details.playable_offline && details.key_systems.length > 0;
  at(".play").disabled = details ? !details.offered || closed : false;
  at(".play").setAttribute("aria-label", `Play ${asset.title}`);
  at(".cover").setAttribute("aria-label", `Play ${asset.title}`);
  at(".more").setAttribute("aria-label", `Details of ${asset.title}`);
  at(".pause").hidden = !running;
  at(".pause").setAttribute("aria-label", `Pause ${asset.title}`);
  at(".resume").hidden = running || asset.state === "completed";
  at(".resume").setAttribute("aria-label", `Resume ${asset.title}`);
  if (asset.artwork) {
    const image = at("img");
    if (!image.src) {
      image.src = api.artwork(asset.id);
      image.loading = "lazy";
      image.hidden = false;
      image.addEventListener("load", () => { at(".initial").hidden = true; });
      image.addEventListener("error", () => { image.hidden = true; });
    }
  }
}

// What of it plays with the network gone, and in which languages.
export function offline(details) {
  const languages = (options) => [...new Set(options.map((option) => option.language).filter(Boolean))].map(format.language);
  if (!details.playable_offline) {
    const growing = details.offered && details.key_systems.length === 0;
    return growing ? "plays as far as it is there" : `does not play: ${details.why.join("; ")}`;
  }
  const said = ["plays offline"];
  const audio = languages(details.media_selection.audio);
  const subtitles = languages(details.media_selection.subtitles);
  if (audio.length > 0) {
    said.push(`in ${format.list(audio)}`);
  }
  if (subtitles.length > 0) {
    said.push(`subtitles in ${format.list(subtitles)}`);
  }
  return said.join(", ");
}

// Details are asked for when a row comes into view, a few at a time.
const waiting = [];
let asking = 0;

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const row = rows.get(entry.target.dataset.id);
    if (entry.isIntersecting && row && !row.details && !waiting.includes(row)) {
      waiting.push(row);
    }
  }
  ask();
}, { rootMargin: "200px" });

async function ask() {
  while (asking < QUESTIONS_AT_ONCE && waiting.length > 0) {
    const row = waiting.shift();
    asking += 1;
    api.inspect(row.asset.id)
      .then((details) => {
        row.details = details;
        fill(row);
      })
      .catch((error) => {
        row.element.querySelector(".state").textContent = error.message;
      })
      .finally(() => {
        asking -= 1;
        ask();
      });
  }
}
