// The assets: in order, as rows that are made when they come into view, changed where something changed. Details are asked for when a row is seen.

import * as api from "./api.js";
import * as format from "./format.js";
import * as list from "./rows.js";

const QUESTIONS_AT_ONCE = 4;

const template = document.getElementById("row");

const rows = new Map(); // id -> { element, asset, details }: what has been seen
let assets = new Map(); // id -> asset
let actions = {};

const collator = new Intl.Collator(undefined, { numeric: true });
const orders = {
  title: (a, b) => a.rank - b.rank,
  newest: (a, b) => b.asset.created - a.asset.created || a.rank - b.rank,
  played: (a, b) => (b.asset.last_played ?? 0) - (a.asset.last_played ?? 0) || a.rank - b.rank,
  size: (a, b) => b.asset.bytes - a.asset.bytes || a.rank - b.rank,
  duration: (a, b) => b.asset.duration - a.asset.duration || a.rank - b.rank,
};
let sorted = []; // { asset, words, rank }: by title, with what is searched

export function bind(act) {
  actions = act;
  list.bind((id) => rowOf(assets.get(id)).element, (id) => seen.unobserve(rows.get(id)?.element ?? document.body));
}

export function get(id) {
  return assets.has(id) ? rowOf(assets.get(id)) : undefined;
}

// Takes what the server has. Titles are compared once, not with every letter that is searched.
export function take(all) {
  assets = new Map(all.map((asset) => [asset.id, asset]));
  sorted = all.map((asset) => ({ asset, words: asset.title.toLocaleLowerCase(), rank: 0 }));
  sorted.sort((a, b) => collator.compare(a.words, b.words) || (a.asset.id < b.asset.id ? -1 : 1));
  sorted.forEach((entry, rank) => { entry.rank = rank; });
  for (const id of rows.keys()) {
    if (!assets.has(id)) {
      rows.delete(id);
    }
  }
}

// Draws what matches in order; how many that are.
export function draw(query, order) {
  const wanted = query.trim().toLocaleLowerCase();
  const shown = sorted.filter(({ words }) => words.includes(wanted)).sort(orders[order]);
  list.show(shown.map(({ asset }) => asset.id));
  return shown.length;
}

// Takes what is new of one asset.
export function change(now) {
  const before = assets.get(now.id);
  // What removal would free is only told with the whole library.
  const asset = { ...before, ...now, bytes_exclusive: before?.bytes_exclusive };
  if (!before) {
    return;
  }
  assets.set(now.id, asset);
  const entry = sorted.find((entry) => entry.asset.id === now.id);
  entry.asset = asset;
  if (rows.has(now.id)) {
    rowOf(asset);
  }
}

function rowOf(asset) {
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
    row.element.dataset.id = asset.id;
    fill(row);
  } else if (JSON.stringify(row.asset) !== JSON.stringify(asset)) {
    if (row.asset.state !== asset.state) {
      row.details = null;
      seen.unobserve(row.element);
    }
    row.asset = asset;
    fill(row);
  }
  if (!row.details) {
    seen.observe(row.element);
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
    const at = waiting.indexOf(row);
    if (entry.isIntersecting && row && !row.details && at < 0) {
      waiting.push(row);
    } else if (!entry.isIntersecting && at >= 0) {
      waiting.splice(at, 1); // It has been scrolled past.
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
