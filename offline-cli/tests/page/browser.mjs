// Opens a page in a real browser, lets a script drive it, and closes it whatever comes. The script gets the page, what its console has said, and every
// address that it has asked.

import { chromium } from "playwright-core";

export async function drive(script, { patience = 60_000 } = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1000, height: 720 } });
    page.setDefaultTimeout(patience);
    const [said, asked] = [[], []];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    page.on("request", (request) => asked.push(request.url()));
    await script({ page, said, asked });
  } finally {
    await browser.close();
  }
}

// What is not of the server at an address, nor made by the page itself.
export const strangers = (asked, address) => asked.filter((url) => !url.startsWith(`${address}/`) && !/^(blob|data):/.test(url));
