// Plays a film with interstitials in a real browser, the origin of all of it being gone, and looks at the colours: blue comes before the
// film, which is lime, and red four seconds into it. Argument: the address.

import assert from "node:assert/strict";
import { drive, strangers } from "./browser.mjs";

const [address] = process.argv.slice(2);

await drive(async ({ page, said, asked }) => {
  await page.goto(`${address}/`);

  // Notes each colour that follows another one, with the time of the film when it is seen first.
  await page.evaluate(() => {
    window.seen = [];
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [8, 8];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const video = document.getElementById("video");
    setInterval(() => {
      if (video.readyState < 2 || video.videoWidth === 0) {
        return;
      }
      context.drawImage(video, 0, 0, 8, 8);
      const [red, green, blue] = context.getImageData(4, 4, 1, 1).data;
      const colour = ["red", "lime", "blue"][[red, green, blue].indexOf(Math.max(red, green, blue))];
      if (Math.max(red, green, blue) > 150 && window.seen.at(-1) !== colour) {
        window.seen.push(colour);
      }
    }, 40);
  });
  await page.locator("#assets li .play").first().click();

  // Who stops meanwhile goes on where the film was, and that is what the clock shows.
  await page.waitForFunction(() => window.seen.length === 3);
  await page.waitForTimeout(500);
  await page.locator("#video").focus();
  await page.keyboard.press("k");
  await page.waitForFunction(() => document.getElementById("video").paused);
  await page.waitForFunction(async () => (await (await fetch("api/library")).json())[0].position > 0);
  const position = await page.evaluate(async () => (await (await fetch("api/library")).json())[0].position);
  assert.ok(Math.abs(position - 4) < 0.6, `the position is ${position}`);
  assert.match(await page.locator("#clock").textContent(), /^0:04 \/ 0:08$/);
  await page.keyboard.press("k");

  const wanted = ["blue", "lime", "red", "lime"];
  await page.waitForFunction((count) => window.seen.length >= count, wanted.length).catch(async (error) => {
    throw new Error(`${error.message}: ${JSON.stringify([await page.evaluate(() => window.seen), said, asked])}`);
  });
  assert.deepEqual(await page.evaluate(() => window.seen), wanted);

  // To seek is to seek in the film.
  await page.evaluate(() => { window.seen.length = 0; document.getElementById("video").currentTime = 2.5; });
  await page.waitForFunction(() => window.seen.at(-1) === "red");
  await page.locator("#seek").evaluate((seek) => { seek.value = 6.5; seek.dispatchEvent(new Event("input")); });
  await page.waitForFunction(() => window.seen.at(-1) === "lime" && document.getElementById("video").currentTime > 6.4);

  assert.ok(!await page.locator("#trouble").isVisible(), await page.locator("#trouble").textContent());

  // Its list, playlists and segments came from this server, and nothing from elsewhere.
  const below = `${address}/assets/film/interstitials/`;
  const ofBreaks = asked.filter((url) => url.startsWith(below));
  for (const [what, least] of [[/\.json(\?|$)/, 1], [/\/index\.m3u8(\?|$)/, 2], [/\.ts(\?|$)/, 2]]) {
    assert.ok(ofBreaks.filter((url) => what.test(url)).length >= least, `${what}: ${ofBreaks.join(" ")}`);
  }
  assert.deepEqual(strangers(asked, address), []);
  assert.deepEqual(said, []);
});
