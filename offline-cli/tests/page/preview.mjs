// Moves over the seek slider in a real browser and looks at the pictures. Argument: the address.

import assert from "node:assert/strict";
import { drive } from "./browser.mjs";

const [address] = process.argv.slice(2);

await drive(async ({ page }) => {
  await page.goto(`${address}/`);
  await page.locator("#assets li .play").first().click();
  await page.waitForFunction(() => document.getElementById("video").getVideoPlaybackQuality().totalVideoFrames > 0);
  // The picture of each of these places is another one, and is really drawn.
  const seen = new Set();
  for (const share of [0.1, 0.4, 0.7, 0.9]) {
    const slider = await page.locator("#seek").boundingBox();
    await page.mouse.move(slider.x + slider.width * share, slider.y + slider.height / 2);
    await page.waitForFunction(([wanted, places]) => {
      const video = document.getElementById("preview-video");
      const length = document.getElementById("video").duration;
      if (video.seeking || video.readyState < 2 || Math.abs(video.currentTime - wanted * length) > 2.6) {
        return false;
      }
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [32, 18];
      const context = canvas.getContext("2d");
      context.drawImage(video, 0, 0, 32, 18);
      const pixels = context.getImageData(0, 0, 32, 18).data;
      const sum = pixels.reduce((total, value, index) => (total * 31 + (index % 4 === 3 ? 0 : value)) % 1_000_000_007, 7);
      const isBlack = pixels.every((value, index) => index % 4 === 3 || value < 16);
      window.picture = sum;
      return !isBlack && !places.includes(sum);
    }, [share, [...seen]]);
    seen.add(await page.evaluate(() => window.picture));
  }
  assert.equal(seen.size, 4);
  assert.ok(await page.locator("#preview").isVisible());
});
