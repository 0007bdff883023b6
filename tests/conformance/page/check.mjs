// Opens a page of findings in Chromium and says what is wrong with it, a line for each problem.
//
//   node check.mjs PAGE.html [--hostile] [--within MS] [--screenshots DIR]
//
// --hostile      the page holds texts that were made to do harm: they are there, and did none
// --within MS    the page has loaded within that time at a quarter of this machine's speed
// --screenshots  writes what it looks like, wide and narrow, light and dark, and on paper
//
// Of a long table only the first rows are gone through by keyboard and judged by axe: the others are
// written by the same lines of the template.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    hostile: { type: "boolean" },
    within: { type: "string" },
    screenshots: { type: "string" },
  },
});
const file = positionals[0];
const address = pathToFileURL(file).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const name = basename(file, ".html");

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
const KEPT = 40;
const SLOWER = 4;
// Rules of conformance levels that are not aimed at.
const NOT_AIMED_AT = ["wcag2aaa", "wcag21aaa", "wcag22aaa"];

const problems = [];
const told = new Set();
// The page is opened many times: what is wrong each time is told once.
const problem = (where, what) => {
  if (!told.has(what)) problems.push(`${where}: ${what}`);
  told.add(what);
};
const check = (holds, where, what) => holds || problem(where, what);
const note = (line) => console.log(`  ${line}`);

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

// What the browser complains of or asks for counts wherever the page is opened.
async function opened(where, settings, use, before) {
  const context = await browser.newContext({ viewport: WIDE, colorScheme: "light", ...settings });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problem(where, `the console says: ${message.text()}`);
  });
  page.on("pageerror", (error) => problem(where, `the script failed: ${error.message}`));
  page.on("dialog", (dialog) => {
    problem(where, `a dialog opened: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("popup", () => problem(where, "a window opened"));
  page.on("request", (request) => {
    const url = request.url().split("#")[0];
    if (url !== address && !url.startsWith("data:")) problem(where, `requested ${url}`);
  });
  try {
    await before?.(page);
    await page.goto(address, { waitUntil: "load", timeout: 120_000 });
    await use(page);
    check((await page.evaluate(() => window.__pwned)) === undefined, where, "a text was run as a script");
  } catch (error) {
    problem(where, `the check itself failed: ${error.message.split("\n")[0]}`);
  } finally {
    await context.close();
  }
}

const openAll = (page) =>
  page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));

// The first of what repeats. Answers how many were left out.
const shorten = (page) =>
  page.evaluate((kept) => {
    let removed = 0;
    const cut = (elements, most) =>
      [...elements].slice(most).forEach((element) => {
        element.remove();
        removed += 1;
      });
    for (const table of document.querySelectorAll("main table")) {
      cut(table.tBodies, kept);
      for (const body of table.tBodies) cut(body.rows, kept);
    }
    cut(document.querySelectorAll(".proposal"), kept / 4);
    return removed;
  }, KEPT);

// --- What the file says of itself

function policy(source) {
  const where = "content security policy";
  const at = source.search(/<meta http-equiv="Content-Security-Policy"/i);
  if (at < 0) return problem(where, "there is none");
  check(
    !/<(script|style|link|img)\b/i.test(source.slice(0, at)),
    where,
    "something that it should rule comes before it",
  );
  const content = source
    .slice(at)
    .match(/content="([^"]*)"/i)[1]
    .replaceAll(/&#(?:39|x27);/g, "'");
  const directives = Object.fromEntries(
    content
      .split(";")
      .map((directive) => directive.trim().split(/\s+/))
      .filter(([key]) => key)
      .map(([key, ...sources]) => [key, sources]),
  );
  check(directives["default-src"]?.join() === "'none'", where, "default-src is not 'none'");
  for (const [key, sources] of Object.entries(directives)) {
    for (const allowed of sources) {
      const known =
        allowed === "'none'" ||
        (key === "img-src" && allowed === "data:") ||
        (/^(script|style)-src$/.test(key) && /^'(unsafe-inline|sha(256|384|512)-[\w+/=-]+)'$/.test(allowed));
      check(known, where, `${key} allows ${allowed}`);
    }
  }
  for (const [key, element] of [["script-src", "script"], ["style-src", "style"]]) {
    const sources = directives[key] ?? [];
    const texts = [...source.matchAll(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`, "g"))];
    check(texts.length === 1, where, `${texts.length} elements ${element}`);
    for (const [, text] of texts) {
      const hash = `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
      const allowed = sources.includes("'unsafe-inline'") || sources.includes(hash);
      check(allowed, where, `${key} lacks ${hash}`);
    }
  }
  const hashed = /'sha/.test(directives["style-src"]?.join());
  note(`content security policy: ${hashed ? "by hashes" : "unsafe-inline"}`);
}

async function references(page) {
  const found = await page.evaluate(() => {
    const attributes = ["src", "href", "action", "formaction", "data", "poster", "srcset", "xlink:href"];
    const lines = [];
    for (const element of document.querySelectorAll("*")) {
      for (const { name, value } of element.attributes) {
        const away = attributes.includes(name) && !/^(#|data:,$)/.test(value);
        if (away) lines.push(`${element.localName} has ${name}="${value.slice(0, 60)}"`);
        if (/^on/i.test(name)) lines.push(`${element.localName} has ${name}`);
      }
    }
    for (const link of document.querySelectorAll('a[href^="#"]')) {
      if (!document.getElementById(link.hash.slice(1))) lines.push(`nothing has the id of ${link.hash}`);
    }
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) lines.push(`two have the id ${id}`);
    return lines;
  });
  for (const line of found) problem("references", line);
}

// --- Search, filters, sorting

const shown = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("#t-findings tbody tr")]
      .map((row, at) => (row.checkVisibility() ? at : -1))
      .filter((at) => at >= 0),
  );

const BY = ["severity", "kind", "status", "owner"];

async function findings(page) {
  const where = "findings";
  const rows = await page.evaluate(
    (by) =>
      [...document.querySelectorAll("#t-findings tbody tr")].map((row) => ({
        text: row.textContent.toLowerCase(),
        ...Object.fromEntries(by.map((part) => [part, row.querySelector(`.${part}`).textContent])),
      })),
    BY,
  );
  if (!rows.length) {
    check(!(await page.locator("#filters").isVisible().catch(() => false)), where, "filters of nothing");
    note("findings: none");
    return;
  }
  check(await page.locator("#filters").isVisible(), where, "the filters are hidden");
  const live = page.locator("#matching");
  check((await live.getAttribute("aria-live")) === "polite", where, "how many are shown is not announced");

  const expect = async (what, matches) => {
    const expected = rows.map((row, at) => (matches(row) ? at : -1)).filter((at) => at >= 0);
    const number = expected.length.toLocaleString("en");
    let got, said, right;
    for (let wait = 0; wait < 50 && !right; wait += 1) {
      await page.waitForTimeout(100);
      got = await shown(page);
      said = await live.textContent();
      right = got.join() === expected.join() && said.match(/[\d,]+/)?.[0] === number;
    }
    check(right, where, `${what}: ${got.length} rows are shown instead of ${number}, and it says "${said}"`);
    return expected.length;
  };

  const middle = rows[Math.floor(rows.length / 2)];
  const words = middle.text.match(/[a-z0-9-]{5,40}/g) ?? [middle.severity];
  const rare = words.reduce((best, word) => {
    const count = (text) => rows.filter((row) => row.text.includes(text)).length;
    return !best || count(word) < count(best) ? word : best;
  }, "");
  const has = (word) => (row) => row.text.includes(word.toLowerCase());
  await page.locator("#search").fill(rare.toUpperCase());
  const narrowed = await expect(`search for ${rare}`, has(rare));
  check(narrowed < rows.length || rows.length === 1, where, `search for ${rare} does not narrow`);
  await page.locator("#search").fill("no finding says this");
  await expect("search for what is nowhere", () => false);
  await page.locator("#clear").click();
  await expect("clear after a search", () => true);

  const choose = (part, text) =>
    page.locator(`#by-${part}`).evaluate((select, text) => {
      const at = [...select.options].findIndex((option, at) => at > 0 && option.textContent === text);
      select.selectedIndex = at;
      select.dispatchEvent(new Event("change", { bubbles: true }));
      return at;
    }, text);
  for (const part of BY) {
    const offered = await page
      .locator(`#by-${part}`)
      .evaluate((select) => [...select.options].slice(1).map((option) => option.textContent));
    const missing = new Set(rows.map((row) => row[part]).filter((text) => !offered.includes(text)));
    check(!missing.size, where, `the filter ${part} lacks ${[...missing].slice(0, 3).join(", ").slice(0, 200)}`);
    for (const text of offered.slice(0, 8)) {
      await choose(part, text);
      await expect(`${part} ${text.slice(0, 40)}`, (row) => row[part] === text);
    }
    await page.locator("#clear").click();
  }
  for (const part of BY) check((await choose(part, middle[part])) > 0, where, `${part} cannot be chosen`);
  await page.locator("#search").fill(rare);
  await expect("all filters and search", (row) => has(rare)(row) && BY.every((part) => row[part] === middle[part]));
  await page.locator("#clear").click();
  await expect("clear after all", () => true);
  note(`findings: ${rows.length} rows, searched and filtered`);
}

async function sorting(page) {
  const tables = page.locator("table[data-sort]");
  let columns = 0;
  for (let at = 0; at < (await tables.count()); at += 1) {
    const table = tables.nth(at);
    const title = await table.locator("caption").textContent();
    const where = `sorting "${title}"`;
    const heads = table.locator("thead th");
    const read = (column) =>
      table.evaluate((table, column) => {
        const rows = table.dataset.sort === "groups" ? [...table.tBodies] : [...table.tBodies[0].rows];
        const head = table.tHead.rows[0].cells[column];
        const rank = head.dataset.rank?.split(" ");
        return rows.map((row) => {
          const text = (row.rows?.[0] ?? row).cells[column].textContent.trim();
          if (rank) return rank.indexOf(text);
          if (!head.classList.contains("n")) return text;
          return /\d/.test(text) ? Number(text.replaceAll(",", "")) : -1;
        });
      }, column);
    for (let column = 0; column < (await heads.count()); column += 1) {
      const head = heads.nth(column);
      const before = (await read(column)).map(String).sort().join("\n");
      for (const direction of ["ascending", "descending"]) {
        await head.getByRole("button").click();
        check((await head.getAttribute("aria-sort")) === direction, where, `column ${column} is not ${direction}`);
        const after = await read(column);
        const order = new Intl.Collator("en", { numeric: true });
        const sign = direction === "ascending" ? 1 : -1;
        const wrong = after.findIndex((value, at) => {
          if (at === 0) return false;
          const compared =
            typeof value === "number" ? after[at - 1] - value : order.compare(after[at - 1], value);
          return compared * sign > 0;
        });
        check(wrong < 0, where, `column ${column}, ${direction}: row ${wrong} is not in order`);
        check(after.map(String).sort().join("\n") === before, where, `column ${column} lost rows`);
      }
      columns += 1;
    }
    const sorted = await table.locator("th[aria-sort]").count();
    check(sorted === 1, where, `${sorted} columns say that they are sorted by`);
  }
  note(`sorting: ${columns} columns`);
}

// --- The keyboard alone

async function keyboard(page) {
  const where = "keyboard";
  await shorten(page);
  const wanted = await page.evaluate(() => {
    const reachable =
      "a[href], button, input, select, summary, [tabindex='0'], .filters > *, pre";
    const elements = [...document.querySelectorAll(reachable)].filter(
      (element) => element.tabIndex >= 0 && element.checkVisibility({ visibilityProperty: true }),
    );
    elements.forEach((element, at) => (element.dataset.check = at));
    return elements.map((element) => {
      const text = element.getAttribute("aria-label") ?? element.textContent.trim();
      return `${element.localName} ${element.id || text.slice(0, 40)}`;
    });
  });
  const kinds = [".skip", ".contents a", "#search", "#filters select", "#clear", "th button", ".proposal button"];
  const reached = [];
  for (let press = 0; press < wanted.length + 5; press += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      const x = Math.min(Math.max(box.x + Math.min(box.width, 40) / 2, 1), innerWidth - 1);
      const y = Math.min(Math.max(box.y + Math.min(box.height, 16) / 2, 1), innerHeight - 1);
      const top = document.elementFromPoint(x, y);
      const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
      return {
        at: Number(element.dataset.check ?? -1),
        tag: `${element.localName} ${element.id || element.textContent.trim().slice(0, 40)}`,
        visible: element.matches(":focus-visible") && drawn,
        inView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        covered: !(element.contains(top) || top?.contains(element)),
      };
    });
    if (!stop) break;
    if (reached.length && stop.at === reached[0]) break;
    reached.push(stop.at);
    check(stop.visible, where, `the focus on ${stop.tag} cannot be seen`);
    check(stop.inView, where, `the focused ${stop.tag} is out of view`);
    check(!stop.covered, where, `the focused ${stop.tag} is covered`);
  }
  wanted.forEach((tag, at) => check(reached.includes(at), where, `${tag} is never reached`));
  const inOrder = reached.every((at, place) => place === 0 || at > reached[place - 1]);
  check(inOrder, where, "the order is not the page's");
  check(reached[0] === 0 && wanted[0].startsWith("a Skip"), where, "the first stop is not the skip link");
  for (const kind of kinds) {
    const stops = await page.locator(kind).evaluateAll((elements) => elements.map((e) => Number(e.dataset.check)));
    check(stops.every((at) => reached.includes(at)), where, `not every ${kind} is reached`);
  }

  // The skip link and the contents lead where they say.
  await page.evaluate(() => {
    scrollTo(0, 0);
    document.querySelector(".skip").focus();
  });
  await page.keyboard.press("Enter");
  check((await page.evaluate(() => document.activeElement.id)) === "main", where, "the skip link leads elsewhere");
  const sections = await page.evaluate(() => [...document.querySelectorAll("main > section")].map(({ id }) => id));
  for (const id of sections) {
    const link = page.locator(`.contents a[href="#${id}"]`);
    if (!(await link.count())) {
      problem(where, `no link leads to the section ${id}`);
      continue;
    }
    await link.focus();
    await page.keyboard.press("Enter");
    await page.waitForTimeout(30);
    const top = await page.evaluate((id) => document.getElementById(id).getBoundingClientRect().top, id);
    const end = await page.evaluate(() => innerHeight + scrollY >= document.documentElement.scrollHeight - 2);
    check((top > -2 && top < 80) || (end && top > -2), where, `the link to ${id} ends ${Math.round(top)} px from it`);
  }
  const sort = page.locator("th button").first();
  if (await sort.count()) {
    await sort.focus();
    await page.keyboard.press("Enter");
    const head = await sort.evaluate((button) => button.closest("th").getAttribute("aria-sort"));
    check(head === "ascending", where, "Enter does not sort");
  }
  if (await page.locator("#by-severity").count()) {
    const before = await shown(page);
    await page.locator("#by-severity").focus();
    await page.keyboard.press("ArrowDown");
    await page.waitForTimeout(150);
    const chosen = await page.locator("#by-severity").evaluate((select) => select.selectedIndex);
    check(chosen === 1, where, "the arrow keys do not choose a severity");
    check((await shown(page)).length <= before.length, where, "a severity that was chosen shows more");
  }
  note(`keyboard: ${reached.length} stops, ${sections.length} sections`);
}

async function copying(page, which) {
  const where = `copying, ${which}`;
  const buttons = page.locator(".proposal .file button");
  const documents = await page.locator(".proposal pre code").count();
  check((await buttons.count()) === documents, where, `${documents} documents, ${await buttons.count()} buttons`);
  if (!documents) return;
  const proposal = page.locator(".proposal:has(pre)").last();
  await proposal.locator(".file button").focus();
  await page.keyboard.press("Enter");
  await page.waitForTimeout(200);
  const said = await proposal.locator("[role=status]").textContent();
  const content = await proposal.locator("pre code").evaluate((code) => code.textContent);
  const selected = await page.evaluate(() => getSelection().toString());
  const written = await page.evaluate(() => window.__written);
  if (which === "with a clipboard") {
    check(written === content && /copied/i.test(said), where, `it says "${said}" and wrote another text`);
  } else {
    check(selected === content.replace(/\n$/, "") || selected === content, where, "the text is not selected");
    check(/selected/i.test(said), where, `it says "${said}"`);
  }
}

// --- Looks

async function judged(page, where) {
  await openAll(page);
  const left = await shorten(page);
  // Of text in an SVG axe cannot tell.
  const texts = await page.locator("figure svg text").evaluateAll(
    (texts) => texts.filter((text) => getComputedStyle(text).fill !== getComputedStyle(text).color).length,
  );
  check(texts === 0, where, `${texts} texts of charts do not have the text's colour`);
  await page.evaluate(axe);
  const run = (rules) =>
    page.evaluate(async (rules) => {
      const { violations, passes, incomplete } = await window.axe.run(document, {
        runOnly: { type: "rule", values: rules },
      });
      return { violations, incomplete, passed: passes.map(({ id }) => id) };
    }, rules);
  const rules = await page.evaluate(
    (notAimedAt) =>
      window.axe
        .getRules()
        .filter(({ tags }) => !tags.some((tag) => notAimedAt.includes(tag)))
        .map(({ ruleId }) => ruleId),
    NOT_AIMED_AT,
  );
  const judgement = await run(rules);
  // Of what is not drawn, or is scrolled out of its region, axe cannot tell the contrast.
  await page.evaluate(() => {
    for (const section of document.querySelectorAll("section")) section.style.contentVisibility = "visible";
    for (const region of document.querySelectorAll(".scroll, pre")) region.style.overflow = "visible";
    for (const pre of document.querySelectorAll("pre")) pre.style.maxHeight = "none";
    for (const head of document.querySelectorAll("thead th")) head.style.position = "static";
  });
  const contrast = await run(["color-contrast"]);
  const violations = [...judgement.violations, ...contrast.violations];
  const passes = new Set([...judgement.passed, ...contrast.passed]);
  const incomplete = contrast.incomplete.flatMap(({ id, nodes }) => {
    const beside = nodes.filter(({ target }) => !/(^|[ >])(svg|text)\b/.test(target.join(" ")));
    return beside.length ? [{ id, nodes: beside }] : [];
  });
  const others = judgement.incomplete.filter(({ id }) => id !== "color-contrast");
  incomplete.push(...others);
  for (const { id, help, nodes } of violations) {
    const { target, failureSummary } = nodes[0];
    const summary = failureSummary.split("\n").slice(1, 3).join(" ").trim();
    problem(where, `axe ${id}: ${help}, ${nodes.length} times, first ${target.join(" ")}: ${summary}`);
  }
  const unsure = incomplete.map(({ id, nodes }) => `${id} ${nodes.length}`).join(", ");
  note(`${where}: axe passes ${passes.size} rules${unsure ? `, cannot tell: ${unsure}` : ""}`);
  return left;
}

async function overflow(page, where, width) {
  await openAll(page);
  const lines = await page.evaluate((width) => {
    const found = [];
    const root = document.documentElement;
    if (root.scrollWidth > width) {
      found.push(`the page is ${root.scrollWidth} px wide`);
      const widest = [...document.body.querySelectorAll("*")].filter(
        (element) => element.getBoundingClientRect().right > width + 1 && !element.closest(".scroll, pre"),
      );
      for (const element of widest.slice(0, 5)) found.push(`too wide: ${element.localName}.${element.className}`);
    }
    for (const element of document.querySelectorAll("main *, nav *, header *")) {
      if (element.scrollWidth <= element.clientWidth + 1 || !element.checkVisibility()) continue;
      const { overflowX } = getComputedStyle(element);
      if (!/auto|scroll/.test(overflowX)) continue;
      const label = element.getAttribute("aria-label");
      if (element.tabIndex < 0 || !label) {
        found.push(`${element.localName}.${element.className} scrolls and cannot be focused by name`);
      }
    }
    for (const head of document.querySelectorAll("thead th")) {
      if (head.getBoundingClientRect().height > 72) found.push(`a column is squeezed: ${head.textContent}`);
    }
    // What was cut off at a box's edge can't be scrolled to.
    for (const cell of document.querySelectorAll("main td, main th, main p, main dd, main li")) {
      if (!cell.checkVisibility() || cell.scrollWidth <= cell.clientWidth + 1 || cell.clientWidth === 0) continue;
      if (cell.querySelector(".vh, .scroll, pre")) continue;
      found.push(`text is wider than its ${cell.localName}: ${cell.textContent.trim().slice(0, 40)}`);
      if (found.length > 20) break;
    }
    return found;
  }, width);
  for (const line of lines) problem(where, line);
}

async function printed(page) {
  const where = "print";
  await page.emulateMedia({ media: "print" });
  const lines = await page.evaluate(() => {
    const found = [];
    const seen = (element) =>
      element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }) &&
      element.getBoundingClientRect().height > 1;
    for (const section of document.querySelectorAll("main > section")) {
      if (!seen(section)) found.push(`the section ${section.id} is not there`);
    }
    for (const control of document.querySelectorAll("input, select, summary, nav, #filters, .skip, .proposal button")) {
      if (seen(control)) found.push(`a control is there: ${control.localName} ${control.id}`);
    }
    for (const button of document.querySelectorAll("th button")) {
      const { display, borderTopWidth, cursor } = getComputedStyle(button);
      if (!button.textContent || display === "none") found.push("a column has lost its name");
      else if (borderTopWidth !== "0px" || cursor === "pointer") found.push("a column's name looks like a control");
    }
    for (const inner of document.querySelectorAll("details dd, details li, details pre")) {
      if (!seen(inner) && inner.textContent) {
        found.push(`what is in details is not there: ${inner.textContent.slice(0, 40)}`);
        break;
      }
    }
    return found;
  });
  for (const line of lines) problem(where, line);
}

const readable = (page) =>
  page.evaluate(() => {
    const main = document.querySelector("main").cloneNode(true);
    for (const element of main.querySelectorAll("#filters, #matching, .file button, [role=status]")) element.remove();
    return main.textContent.replaceAll(/\s+/g, " ");
  });

const HOSTILE = {
  "an image with onerror": "<img src=x onerror=window.__pwned=1>",
  "the end of a script": "</script><script>window.__pwned=1</script>",
  "an address that is a script": "javascript:",
  "an SVG with onload": '"><svg onload=',
};

async function hostile(page) {
  const where = "hostile texts";
  await openAll(page);
  const { text, elements, overrides, longest } = await page.evaluate(() => {
    const text = document.querySelector("main").textContent;
    const made = "img, iframe, object, embed, base, form, video, audio, math, main script, main style, svg svg";
    const elements = [...document.querySelectorAll(made)].map((element) => element.localName);
    for (const svg of document.querySelectorAll("svg")) if (!svg.closest(".chart")) elements.push("svg");
    for (const element of document.querySelectorAll("*")) {
      for (const { name, value } of element.attributes) {
        if (/^on/i.test(name) || /^\s*javascript:/i.test(value)) elements.push(`${element.localName} ${name}`);
      }
    }
    // A text that turns the direction may not turn what stands beside it.
    const overrides = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (!/[\u202a-\u202e\u2066-\u2069]/.test(node.data) || node.parentElement.closest("select, script")) continue;
      const { display, unicodeBidi } = getComputedStyle(node.parentElement);
      const apart = /isolate|plaintext/.test(unicodeBidi) || display !== "inline";
      if (!apart) overrides.push(`${node.parentElement.localName}.${node.parentElement.className}`);
    }
    const longest = Math.max(...text.split(/\s+/).map((word) => word.length));
    return { text, elements, overrides: [...new Set(overrides)], longest };
  });
  for (const [what, wanted] of Object.entries(HOSTILE)) {
    check(text.includes(wanted), where, `${what} is not shown as text`);
  }
  check(/\u202e|\ufffd|\\u202e/i.test(text), where, "an override of the direction left no trace");
  // The page cuts a name of 2,000 characters.
  check(longest >= 200, where, `the longest word has ${longest} characters, not 200`);
  for (const element of elements) problem(where, `a text has made an element or attribute: ${element}`);
  for (const element of overrides) problem(where, `an override of the direction reaches out of ${element}`);
}

// --- All of it

const begun = Date.now();
const source = readFileSync(file, "utf8");
note(`${statSync(file).size.toLocaleString("en")} bytes`);
policy(source);

let withScript;
await opened("wide", {}, async (page) => {
  await references(page);
  withScript = await readable(page);
  await findings(page);
  await sorting(page);
  await overflow(page, "1280 px", WIDE.width);
  await printed(page);
});
await opened("keyboard", {}, keyboard);
await opened("copying", {}, (page) => copying(page, "without a clipboard"), (page) =>
  page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined })),
);
await opened("copying", {}, (page) => copying(page, "with a clipboard"), (page) =>
  page.addInitScript(() => {
    const writeText = async (text) => {
      window.__written = text;
    };
    Object.defineProperty(navigator, "clipboard", { value: { writeText } });
  }),
);
let left = 0;
for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [WIDE, NARROW]) {
    const where = `${colorScheme}, ${viewport.width} px`;
    await opened(where, { colorScheme, viewport }, async (page) => {
      left = await judged(page, where);
    });
  }
}
if (left) note(`axe and the keyboard: without ${left.toLocaleString("en")} rows and proposals beyond the first`);
for (const viewport of [NARROW, { width: 800, height: 900 }, { width: 1024, height: 768 }]) {
  const where = `${viewport.width} px`;
  await opened(where, { viewport }, (page) => overflow(page, where, viewport.width));
}
await opened("without JavaScript", { javaScriptEnabled: false }, async (page) => {
  const where = "without JavaScript";
  check((await readable(page)) === withScript, where, "the text is another");
  const controls = await page.locator("button, input, select").filter({ visible: true }).count();
  check(controls === 0, where, `${controls} controls that do nothing`);
  const closed = page.locator("summary").first();
  if (await closed.count()) {
    await closed.click();
    check(await closed.evaluate((summary) => summary.parentElement.open), where, "details do not open");
  }
  const rows = await page.locator("main tbody tr").evaluateAll((rows) => rows.filter((r) => !r.checkVisibility()).length);
  check(rows === 0, where, `${rows} rows are not shown`);
});
if (options.hostile) await opened("hostile texts", {}, hostile);

const times = [];
for (let time = 0; time < 3; time += 1) {
  await opened(
    "speed",
    {},
    async (page) => {
      times.push(
        await page.evaluate(async () => {
          const paint = () => performance.getEntriesByName("first-contentful-paint")[0];
          for (let wait = 0; wait < 100 && !paint(); wait += 1) {
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
          const painted = paint();
          const [navigation] = performance.getEntriesByType("navigation");
          const search = document.getElementById("search");
          const from = performance.now();
          if (search) {
            document.getElementById("by-severity").selectedIndex = 1;
            document.getElementById("by-severity").dispatchEvent(new Event("change"));
            document.body.getBoundingClientRect();
          }
          return {
            interactive: navigation.domContentLoadedEventEnd,
            load: navigation.loadEventEnd,
            painted: painted?.startTime ?? 0,
            filtered: performance.now() - from,
          };
        }),
      );
    },
    async (page) => {
      const session = await page.context().newCDPSession(page);
      await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
    },
  );
}
if (times.length) {
  const median = (key) => Math.round(times.map((time) => time[key]).sort((a, b) => a - b)[times.length >> 1]);
  note(
    `at a quarter of the speed: DOMContentLoaded ${median("interactive")} ms, load ${median("load")} ms, ` +
      `first paint ${median("painted")} ms, a filter ${median("filtered")} ms`,
  );
  if (options.within) {
    check(median("load") <= Number(options.within), "speed", `loaded in ${median("load")} ms`);
  }
}

if (options.screenshots) {
  const picture = (suffix) => join(options.screenshots, `${name}-${suffix}.png`);
  const views = [["light", WIDE, "wide"], ["dark", WIDE, "wide"], ["light", NARROW, "phone"], ["dark", NARROW, "phone"]];
  for (const [colorScheme, viewport, width] of views) {
    await opened("screenshots", { colorScheme, viewport }, async (page) => {
      await page.screenshot({ path: picture(`${width}-${colorScheme}`) });
      for (const id of ["readiness", "unused", "findings", "proposals"]) {
        await page.evaluate((id) => document.getElementById(id).scrollIntoView(), id);
        await page.waitForTimeout(80);
        await page.screenshot({ path: picture(`${width}-${colorScheme}-${id}`) });
      }
    });
  }
  if (statSync(file).size < 1_000_000) {
    await opened("paper", {}, (page) => page.pdf({ path: join(options.screenshots, `${name}.pdf`), format: "A4" }));
  }
}
await browser.close();

note(`checked in ${Math.round((Date.now() - begun) / 1000)} s`);
for (const line of problems) console.error(`  PROBLEM ${line}`);
console.log(problems.length ? `  ${problems.length} problems` : "  no problems");
process.exitCode = problems.length ? 1 : 0;
