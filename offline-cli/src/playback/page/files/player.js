// Plays one asset: hls.js where the browser has Media Source Extensions, the browser's own player elsewhere.

import Hls from "./hls.mjs";
import * as api from "./api.js";
import * as format from "./format.js";
import { Preview } from "./preview.js";

const REMEMBER_EVERY = 10; // seconds
const AT_THE_END = 15; // seconds before the end from which it counts as seen
const STEP = 10; // seconds of an arrow key

const at = (id) => document.getElementById(id);
const [dialog, video, seek] = [at("player"), at("video"), at("seek")];
let playing = null; // { row, hls, preview, remembered, closed }

export async function open(row, closed) {
  stop();
  const { asset } = row;
  const mine = { row, hls: null, preview: null, remembered: 0, closed };
  playing = mine;
  at("player-title").textContent = asset.title;
  trouble("");
  for (const menu of ["audio", "subtitles", "quality"]) {
    at(`${menu}-label`).hidden = true;
  }
  dialog.showModal();
  video.focus();
  const address = api.playlist(asset.id);
  const start = asset.position > 0 && asset.position < asset.duration - AT_THE_END ? asset.position : -1;
  if (Hls.isSupported()) {
    const hls = new Hls({ startPosition: start, backBufferLength: 60 });
    mine.hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => { video.play().catch(() => {}); });
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, () => audioMenu(hls));
    hls.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => subtitlesMenu(hls));
    hls.on(Hls.Events.MANIFEST_LOADED, () => qualityMenu(hls));
    hls.on(Hls.Events.ERROR, (_, data) => failed(hls, data));
    hls.loadSource(address);
    hls.attachMedia(video);
  } else {
    video.src = address;
    if (start > 0) {
      video.addEventListener("loadedmetadata", () => { video.currentTime = start; }, { once: true });
    }
    video.play().catch(() => {});
  }
  const preview = await Preview.of(address, at("preview-video"));
  if (playing === mine) {
    mine.preview = preview;
  } else {
    preview?.close();
  }
}

function stop() {
  if (playing) {
    remember();
    playing.hls?.destroy();
    playing.preview?.close();
    playing = null;
  }
  video.removeAttribute("src");
  video.load();
}

// What has the times of the film: what is played in between has others.
function film() {
  const between = playing?.hls?.interstitialsManager;
  return between?.playingItem?.event ? between.primary : video;
}

// Where the film is, and how long.
function times() {
  const { currentTime, duration } = film();
  return { time: currentTime, duration: Number.isFinite(duration) ? duration : 0 };
}

function remember() {
  const { time, duration } = times();
  if (playing && duration > 0) {
    playing.remembered = time;
    playing.row.asset.position = time;
    api.setPosition(playing.row.asset.id, time).catch(() => {});
  }
}

function trouble(text) {
  at("trouble").textContent = text;
  at("trouble").hidden = text === "";
}

// In words what cannot be played, and what can be done about it.
function failed(hls, data) {
  if (!data.fatal) {
    return;
  }
  video.pause();
  const vlc = `open it in VLC: offline play ${playing.row.asset.id} --player vlc`;
  const codec = data.mimeType ?? data.sourceBufferName ?? "";
  if (data.details === Hls.ErrorDetails.BUFFER_ADD_CODEC_ERROR || data.details === Hls.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR) {
    const codecs = [codec, ...hls.levels.map((level) => level.videoCodec ?? "")].join(" ");
    trouble(`This browser has no ${codecName(codecs)}; ${vlc}.`);
  } else if (data.type === Hls.ErrorTypes.NETWORK_ERROR) {
    const status = data.response?.code;
    trouble(status === 404 ? "It cannot be played yet: what it needs is not there. Its details say what is missing." : `The server no longer answers${status ? ` (${status})` : ""}.`);
  } else if (data.type === Hls.ErrorTypes.MEDIA_ERROR && !hls.recovered) {
    hls.recovered = true;
    hls.recoverMediaError();
  } else {
    trouble(`This browser cannot play it (${data.details}); ${vlc}.`);
  }
}

function codecName(codecs) {
  const known = [[/hvc1|hev1|dvh1|dvhe/, "HEVC"], [/av01/, "AV1"], [/ac-3/, "Dolby Digital"], [/ec-3/, "Dolby Digital Plus"], [/vp09/, "VP9"]];
  return known.find(([pattern]) => pattern.test(codecs))?.[1] ?? "decoder for this stream";
}

function fillMenu(name, options, chosen) {
  at(`${name}-label`).hidden = options.length < 2;
  at(name).replaceChildren(...options.map(({ value, text }) => new Option(text, value, false, String(value) === String(chosen))));
}

function trackName(track) {
  return track.name || (track.lang ? format.language(track.lang) : "unnamed");
}

function audioMenu(hls) {
  fillMenu("audio", hls.audioTracks.map((track, value) => ({ value, text: trackName(track) })), hls.audioTrack);
}

function subtitlesMenu(hls) {
  const tracks = hls.subtitleTracks.map((track, value) => ({ value, text: trackName(track) }));
  fillMenu("subtitles", [{ value: -1, text: "off" }, ...tracks], hls.subtitleTrack);
}

function qualityMenu(hls) {
  const levels = hls.levels.map((level, value) => ({ value, text: level.height ? `${level.height}p` : `${Math.round(level.bitrate / 1000)} kbit/s` }));
  fillMenu("quality", levels.length > 1 ? [{ value: -1, text: "automatic" }, ...levels] : [], -1);
}

at("audio").addEventListener("change", (event) => { playing.hls.audioTrack = Number(event.target.value); });
at("quality").addEventListener("change", (event) => { playing.hls.nextLevel = Number(event.target.value); });
at("subtitles").addEventListener("change", (event) => {
  playing.hls.subtitleTrack = Number(event.target.value);
  playing.hls.subtitleDisplay = true;
});

function toggle() {
  if (video.paused) {
    video.play().catch(() => {});
  } else {
    video.pause();
  }
}

function jump(seconds) {
  const { time, duration } = times();
  if (duration > 0) {
    film().currentTime = Math.min(Math.max(0, time + seconds), duration);
  }
}

function fullscreen() {
  if (document.fullscreenElement) {
    document.exitFullscreen();
  } else {
    dialog.requestFullscreen?.().catch(() => {});
  }
}

at("toggle").addEventListener("click", toggle);
at("fullscreen").addEventListener("click", fullscreen);
at("player-close").addEventListener("click", () => dialog.close());
video.addEventListener("click", toggle);
at("volume").addEventListener("input", () => { video.volume = at("volume").valueAsNumber; });
seek.addEventListener("input", () => { film().currentTime = seek.valueAsNumber; });

dialog.addEventListener("close", () => {
  const closed = playing?.closed;
  stop();
  closed?.();
});

dialog.addEventListener("keydown", (event) => {
  if (event.target.closest("select, button, input") && event.key !== "f") {
    return; // They have keys of their own.
  }
  const keys = { " ": toggle, k: toggle, ArrowLeft: () => jump(-STEP), ArrowRight: () => jump(STEP), f: fullscreen, m: () => { video.muted = !video.muted; } };
  const act = keys[event.key];
  if (act && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    act();
  }
});

function told() {
  const { time, duration } = times();
  seek.max = duration || 1;
  seek.value = time;
  seek.setAttribute("aria-valuetext", `${format.spoken(time)} of ${format.spoken(duration)}`);
  at("clock").textContent = `${format.clock(time)} / ${format.clock(duration)}`;
}

video.addEventListener("durationchange", told);
video.addEventListener("timeupdate", () => {
  told();
  if (playing && Math.abs(times().time - playing.remembered) > REMEMBER_EVERY) {
    remember();
  }
});
for (const name of ["play", "pause"]) {
  video.addEventListener(name, () => {
    at("toggle").textContent = video.paused ? "▶" : "❚❚";
    at("toggle").setAttribute("aria-label", video.paused ? "Play" : "Pause");
    if (video.paused) {
      remember();
    }
  });
}
video.addEventListener("error", () => {
  if (playing && !playing.hls && video.error) {
    trouble("This browser cannot play it; open it in VLC.");
  }
});
window.addEventListener("pagehide", remember);

// What one would see there, while the pointer is over the slider.
seek.addEventListener("pointermove", (event) => {
  const box = seek.getBoundingClientRect();
  const share = Math.min(Math.max(0, (event.clientX - box.left) / box.width), 1);
  const time = share * Number(seek.max);
  at("preview").hidden = false;
  at("preview").style.left = `${share * 100}%`;
  at("preview-time").textContent = format.clock(time);
  at("preview-video").hidden = !playing?.preview;
  playing?.preview?.show(time);
});
seek.addEventListener("pointerleave", () => { at("preview").hidden = true; });
