// Drives the page of a library of thousands. Arguments: the address, how many assets there are.

import assert from "node:assert/strict";
import { drive } from "./browser.mjs";

const [address, count] = process.argv.slice(2);

await drive(async ({ page, said, asked }) => {
  await page.addInitScript(() => {
    window.longest = 0;
    const look = (list) => { window.longest = Math.max(window.longest, ...list.getEntries().map(({ duration }) => duration)); };
    new PerformanceObserver(look).observe({ type: "longtask", buffered: true });
  });
  const longest = () => page.evaluate(() => { const was = Math.round(window.longest); window.longest = 0; return was; });
  const rows = page.locator("#assets li");
  const drawn = () => page.evaluate(() => document.querySelectorAll("*").length);
  // From a change until it is painted.
  const timed = (act, argument) => page.evaluate(async ([act, argument]) => {
    const began = performance.now();
    new Function("argument", act)(argument);
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return Math.round(performance.now() - began);
  }, [act, argument]);

  await page.goto(`${address}/`);
  await rows.first().waitFor();
  const shown = await page.evaluate(() => Math.round(performance.now()));
  const paint = await page.evaluate(() => Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime));
  console.log(`first paint ${paint} ms, first row ${shown} ms, longest task ${await longest()} ms`);
  assert.equal(await rows.first().getAttribute("aria-setsize"), count);
  assert.ok(await drawn() < 5000, "everything is drawn at once");

  // Scrolled to the end: the last one is there, what was passed is not asked for.
  const frames = await page.evaluate(async () => {
    const times = [];
    let last = performance.now();
    for (let step = 0; step <= 100; step += 1) {
      window.scrollTo(0, (document.documentElement.scrollHeight * step) / 100);
      await new Promise(requestAnimationFrame);
      times.push(performance.now() - last);
      last = performance.now();
    }
    return times.sort((a, b) => a - b).map(Math.round);
  });
  console.log(`scrolled: frames of ${frames[50]} ms, the slowest ${frames[100]} ms, longest task ${await longest()} ms`);
  await page.locator(`#assets li[aria-posinset="${count}"]`).waitFor();
  assert.ok(await drawn() < 5000, "what is far away stays drawn");

  // Search and order.
  const search = 'const query = document.getElementById("query"); query.value = argument; query.dispatchEvent(new Event("input"));';
  const order = 'const order = document.getElementById("order"); order.value = argument; order.dispatchEvent(new Event("change"));';
  const times = [];
  for (const text of ["f", "film number 42", ""]) {
    times.push(await timed(search, text));
  }
  for (const by of ["size", "newest", "title"]) {
    times.push(await timed(order, by));
  }
  console.log(`search and order: ${times.join(", ")} ms, longest task ${await longest()} ms`);
  await page.fill("#query", "number 0042");
  await page.waitForFunction(() => document.querySelectorAll("#assets li").length === 1);
  assert.match(await rows.first().locator("h2").textContent(), /number 0042/);
  await page.fill("#query", "");

  // With the keyboard through rows that are not drawn yet.
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.locator("#order").focus();
  for (let press = 0; press < 150; press += 1) {
    await page.keyboard.press("Tab");
  }
  const place = await page.evaluate(() => Number(document.activeElement.closest("li")?.getAttribute("aria-posinset")));
  assert.ok(place > 30, `the focus is at row ${place}`);

  const ofOne = asked.filter((url) => url.startsWith(`${address}/api/assets/`)).length;
  assert.ok(ofOne < count / 4, `${ofOne} assets were asked for one by one`);
  assert.deepEqual(said, [], "the console says something");
});
