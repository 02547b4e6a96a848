// Looks at report.html as a reader does, in Chromium: filters, opens a case, follows links; and no
// error is told on the console. Screenshots of each width go to the folder that is named.
//
//   node report_test.mjs PLAYWRIGHT REPORT FOLDER

import assert from "node:assert/strict";
import {createRequire} from "node:module";
import {join} from "node:path";
import {pathToFileURL} from "node:url";

const [playwright, report, folder] = process.argv.slice(2);
const {chromium} = createRequire(import.meta.url)(playwright);
const PDUS = ".wire button.event";
const WIDTHS = [1280, 400];

const shown = (page) => page.locator("details.case:not([hidden])").count();

async function filters(page) {
  const all = await page.locator("details.case").count();
  // What is not as expected is what a reader wants to see first.
  assert.equal(await page.isChecked("#unexpected"), true);
  const failed = await shown(page);
  assert.ok(failed > 0 && failed < all, `${failed} of ${all}`);
  await page.uncheck("#unexpected");
  assert.equal(await shown(page), all);
  await page.fill("#search", "nop/");
  const found = await shown(page);
  assert.ok(found > 0 && found < all, `${found} of ${all}`);
  assert.equal(await page.textContent("#count"), `${found} of ${all} cases`);
  await page.fill("#search", "");
  const pass = page.locator("#verdicts button", {hasText: "PASS"});
  await pass.click();
  assert.equal(await pass.getAttribute("aria-pressed"), "false");
  assert.equal(await shown(page), failed);
  await pass.click();
  await page.check("#unexpected");
}

async function opensACase(page) {
  const row = page.locator("details.case:not([hidden])").first();
  await row.locator("summary").first().click();
  await row.locator(".body").waitFor();
  const text = await row.locator(".body").innerText();
  for (const part of ["replay", "pushpull run", "RFC7143-"]) assert.ok(text.includes(part), part);
  const pdus = row.locator(PDUS);
  assert.ok(await pdus.count() > 0, "no PDU in the wire log");
  // In a narrow window, too, steps part what was sent for them.
  const step = row.locator(".wire .step", {hasText: /step \d/});
  assert.ok((await step.first().boundingBox()).height > 10, "no step in the wire log");
  assert.ok(await step.first().getByText(/step \d/).last().isVisible(), "the step has no name");
  // Fields and bytes on demand.
  await pdus.first().click();
  const detail = await row.locator(".wire .detail").first().innerText();
  assert.match(detail, /000000 +([0-9a-f]{2}[ |]){8}/);
  return row;
}

async function followsLinks(page, row) {
  const link = row.locator('a[href^="#requirements?"]').first();
  const id = await link.textContent();
  await link.click();
  await page.locator("#requirements").waitFor();
  const requirement = page.locator(`[id="requirement/${id}"]`);
  await requirement.waitFor();
  assert.ok((await requirement.innerText()).includes(id));
  const back = requirement.locator('a[href^="#case/"], a[href^="#cases?"]').first();
  await back.click();
  await page.locator("#cases").waitFor();
  for (const view of ["areas", "requirements", "legend", "cases"]) {
    await page.click(`#tab-${view}`);
    await page.locator(`#${view}`).waitFor();
    assert.equal(await page.getAttribute(`#tab-${view}`, "aria-current"), "page");
  }
}

// Nothing but the wire log's own boxes may be wider than the window.
async function fits(page, width) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `the page is ${wide} pixels wide in a window of ${width}`);
}

async function look(browser, width) {
  const page = await browser.newPage({viewport: {width, height: 900}});
  const told = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) told.push(message.text());
  });
  page.on("pageerror", (error) => told.push(`${error}`));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) told.push(`asks for ${request.url()}`);
  });
  await page.goto(pathToFileURL(report).href);
  await page.locator("body[data-ready=yes]").waitFor();
  await fits(page, width);
  await filters(page);
  const row = await opensACase(page);
  await fits(page, width);
  await page.screenshot({path: join(folder, `report_${width}_case.png`)});
  await followsLinks(page, row);
  for (const view of ["areas", "requirements", "legend"]) {
    await page.click(`#tab-${view}`);
    await fits(page, width);
    await page.screenshot({path: join(folder, `report_${width}_${view}.png`)});
  }
  await page.goto(`${pathToFileURL(report).href}#cases`);
  await page.reload();
  await page.locator("body[data-ready=yes]").waitFor();
  await page.uncheck("#unexpected");
  await page.screenshot({path: join(folder, `report_${width}.png`)});
  assert.deepEqual(told, []);
  await page.close();
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
try {
  for (const width of WIDTHS) await look(browser, width);
} finally {
  await browser.close();
}
