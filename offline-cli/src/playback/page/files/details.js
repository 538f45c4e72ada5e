// One asset whole: what is stored, its policy, its removal.

import * as api from "./api.js";
import * as format from "./format.js";
import { offline } from "./library.js";

const at = (id) => document.getElementById(id);
const dialog = at("details");
let shown = null;
let changed = () => {};

export async function show(row, onChange) {
  shown = row;
  changed = onChange;
  at("details-title").textContent = row.asset.title;
  at("policy-saved").textContent = "";
  at("remove-sure").hidden = true;
  at("remove").hidden = false;
  at("details-facts").replaceChildren();
  dialog.showModal();
  try {
    const details = await api.inspect(row.asset.id);
    if (shown !== row) {
      return;
    }
    row.details = details;
    facts(row.asset, details);
    choosePriority(details.policy.priority);
    at("expires").value = format.day(details.policy.expires);
    at("pinned").checked = details.policy.pinned;
  } catch (error) {
    fact("trouble", error.message);
  }
}

// There are more levels than the menu has; the one that holds stays if nobody chooses another.
function choosePriority(level) {
  at("priority").querySelector(".level")?.remove();
  if (![...at("priority").options].some(({ value }) => value === level)) {
    const option = new Option(level, level);
    option.className = "level";
    at("priority").append(option);
  }
  at("priority").value = level;
}

function fact(name, text) {
  const [term, description] = [document.createElement("dt"), document.createElement("dd")];
  term.textContent = name;
  description.textContent = text;
  at("details-facts").append(term, description);
}

function facts(asset, details) {
  fact("offline", offline(details));
  fact("from", details.url);
  fact("state", [details.state, details.reason].filter(Boolean).join(": "));
  fact("duration", format.clock(details.duration));
  fact("size", `${format.size(details.bytes)}, of which removing it frees ${format.size(asset.bytes_exclusive)}`);
  for (const variant of details.variants.filter((variant) => variant.segments > 0)) {
    const resolution = variant.resolution ? `${variant.resolution.replace("x", " × ")}, ` : "";
    const whole = variant.complete ? "complete" : `${variant.segments_present} of ${variant.segments} segments`;
    fact(variant.id, `${resolution}${variant.bandwidth ? `${Math.round(variant.bandwidth / 1000)} kbit/s, ` : ""}${whole}`);
  }
  for (const [kind, options] of Object.entries({ audio: details.media_selection.audio, subtitles: details.media_selection.subtitles })) {
    if (options.length > 0) {
      fact(kind, format.list(options.map((option) => option.name ?? format.language(option.language ?? "unnamed"))));
    }
  }
  if (details.missing.length > 0) {
    const first = details.missing.slice(0, 5).map((missing) => format.clock(missing.start));
    fact("missing", `${details.missing.length} segments, at ${first.join(", ")}${details.missing.length > 5 ? "…" : ""}`);
  }
}

at("policy").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [day, before] = [at("expires").value, shown.details?.policy.expires];
  const policy = {
    priority: at("priority").value,
    // Who leaves the day alone leaves the hour alone.
    expires: day === format.day(before) ? (before ?? null) : day ? new Date(`${day}T00:00`).getTime() / 1000 : null,
    pinned: at("pinned").checked,
  };
  try {
    await api.setPolicy(shown.asset.id, policy);
    at("policy-saved").textContent = "Saved.";
    changed();
  } catch (error) {
    at("policy-saved").textContent = error.message;
  }
});

at("remove").addEventListener("click", () => {
  at("remove-text").textContent = `Remove it from this machine? It frees ${format.size(shown.asset.bytes_exclusive)}.`;
  at("remove").hidden = true;
  at("remove-sure").hidden = false;
  at("remove-no").focus();
});

at("remove-no").addEventListener("click", () => {
  at("remove-sure").hidden = true;
  at("remove").hidden = false;
  at("remove").focus();
});

at("remove-yes").addEventListener("click", async () => {
  try {
    await api.remove(shown.asset.id);
    dialog.close();
    changed();
  } catch (error) {
    at("remove-text").textContent = error.message;
  }
});
