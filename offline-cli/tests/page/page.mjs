// Drives the page in a real browser, the origin of all but one asset being gone. Arguments: the address, a folder for pictures.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { drive, strangers } from "./browser.mjs";

const [address, pictures] = process.argv.slice(2);
await mkdir(pictures, { recursive: true });

await drive(async ({ page, said, asked }) => {
  const row = (id) => page.locator(`li[data-id="${id}"]`);
  const shot = (name) => page.screenshot({ path: `${pictures}/${name}.png` });
  const until = (what, test, argument) => page.waitForFunction(test, argument).catch((error) => { throw new Error(`${what}: ${error.message}`); });

  await page.goto(`${address}/`);

  // The library: titles as they are, what plays, in which languages.
  await row("alternates").waitFor();
  assert.equal(await row("alternates").locator("h2").textContent(), `Two languages <img src="https://elsewhere.test/x" onerror="console.log(1)">&amp;</script><script>throw 1</script>`);
  await until("languages", () => document.querySelector('li[data-id="alternates"] .state').textContent.includes("in English and German"));
  await until("the picture", () => document.querySelector('li[data-id="alternates"] img').naturalWidth === 320);
  await shot("library");

  // Progress of a download that another process runs.
  const progress = () => row("slow").locator("progress").evaluate((element) => element.value);
  const before = await progress();
  await until("progress", (seen) => document.querySelector('li[data-id="slow"] progress').value > seen, before);

  // Search and order.
  await page.fill("#query", "plain");
  assert.equal(await page.locator("#assets li").count(), 1);
  await page.fill("#query", "no such title");
  assert.equal(await page.locator("#status").textContent(), "No title matches.");
  await page.fill("#query", "");
  await page.selectOption("#order", "duration");
  assert.equal(await page.locator("#assets li").first().getAttribute("data-id"), "slow");
  await page.selectOption("#order", "title");

  // Playing: time advances, frames are shown.
  const started = Date.now();
  await row("alternates").locator(".play").click();
  await until("first frame", () => document.getElementById("video").getVideoPlaybackQuality().totalVideoFrames > 0);
  console.log(`first frame after ${Date.now() - started} ms`);
  const time = await page.locator("#video").evaluate((video) => video.currentTime);
  await until("time", (seen) => document.getElementById("video").currentTime > seen + 0.5, time);

  // Another language, subtitles, a seek.
  await page.selectOption("#audio", { label: "Deutsch" });
  await page.selectOption("#subtitles", { label: "English" });
  await page.locator("#seek").focus();
  await page.locator("#video").evaluate((video) => { video.currentTime = 4.6; });
  await until("subtitles", () => [...document.getElementById("video").textTracks].some((track) => track.mode === "showing" && track.activeCues?.[0]?.text === "Cue 1"));
  assert.equal(await page.locator("#audio").evaluate((menu) => menu.selectedOptions[0].text), "Deutsch");
  await until("time after the seek", () => document.getElementById("video").currentTime > 5);
  await shot("player");

  // Keys, and the place where one stopped.
  await page.locator("#video").focus();
  await page.keyboard.press("k");
  await until("pause", () => document.getElementById("video").paused);
  const stopped = await page.locator("#video").evaluate((video) => video.currentTime);
  await page.keyboard.press("Escape");
  await until("the player's end", () => !document.getElementById("player").open);
  await until("the position", async (id) => {
    const library = await (await fetch("api/library")).json();
    return library.find((asset) => asset.id === id).position > 4;
  }, "alternates");

  // What this browser cannot play is said in words.
  await row("hevc").locator(".play").click();
  await until("words", () => !document.getElementById("trouble").hidden);
  assert.match(await page.locator("#trouble").textContent(), /no HEVC.*VLC/);
  await page.keyboard.press("Escape");

  // A policy, with the keyboard alone.
  await row("ts").locator(".more").focus();
  await page.keyboard.press("Enter");
  await page.locator("#details-facts dd").first().waitFor();
  await page.locator("#pinned").focus();
  await page.keyboard.press("Space");
  await page.locator("#expires").fill("2030-05-06");
  await page.locator("#policy button").focus();
  await page.keyboard.press("Enter");
  await until("saved", () => document.getElementById("policy-saved").textContent === "Saved.");
  assert.equal((await page.evaluate(async () => (await (await fetch("api/assets/ts")).json()).policy.pinned)), true);
  assert.ok(await page.evaluate(async () => {
    // The day begins by the clock of the browser.
    const { policy } = await (await fetch("api/assets/ts")).json();
    return policy.expires === new Date("2030-05-06T00:00").getTime() / 1000;
  }));
  await page.emulateMedia({ colorScheme: "dark" });
  await shot("details");

  // Removal asks first.
  await page.locator("#remove").click();
  await page.locator("#remove-no").click();
  await page.locator("#remove").click();
  await page.locator("#remove-yes").click();
  await row("ts").waitFor({ state: "detached" });

  // Pausing from the page.
  await row("slow").locator(".pause").click();
  await row("slow").locator(".resume").waitFor();

  // A phone's width: nothing sticks out.
  await page.setViewportSize({ width: 360, height: 700 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `the page is ${wide} wide on a phone`);
  await shot("phone");

  // Everything that can be pressed has a name.
  const nameless = await page.evaluate(() => [...document.querySelectorAll("button, input, select")]
    .filter((element) => element.checkVisibility() && !(element.getAttribute("aria-label") || element.labels?.length || element.textContent.trim())).map((element) => element.outerHTML));
  assert.deepEqual(nameless, []);

  assert.deepEqual(strangers(asked, address), [], "somebody else was asked");
  assert.deepEqual(said, [], "the console says something");
  assert.ok(stopped > 4);
}, { patience: 20_000 });
