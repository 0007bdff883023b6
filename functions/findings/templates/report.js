
"use strict";
// Without this the page is whole; with it, it can be searched, sorted and copied from.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, text, attributes = {}) => {
    const element = document.createElement(name);
    element.textContent = text;
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  // Sorting. Rows, or groups of rows, begin from the order that they were written in.
  const order = new Intl.Collator("en", { numeric: true });
  const number = (text) => (/\d/.test(text) ? Number(text.replace(/[^\d.-]/g, "")) : -1);
  for (const table of all("table[data-sort]")) {
    const rows = table.dataset.sort === "groups" ? [...table.tBodies] : [...table.tBodies[0].rows];
    const cell = (row, at) => (row.rows ? row.rows[0] : row).cells[at].textContent.trim();
    const heads = all("thead th", table);
    heads.forEach((head, at) => {
      const button = make("button", head.textContent, { type: "button" });
      head.replaceChildren(button);
      const rank = head.dataset.rank?.split(" ");
      const compare = rank
        ? (a, b) => rank.indexOf(a) - rank.indexOf(b)
        : head.classList.contains("n")
          ? (a, b) => number(a) - number(b)
          : order.compare;
      button.addEventListener("click", () => {
        const descending = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const sorted = rows
          .map((row) => [cell(row, at), row])
          .sort((a, b) => (descending ? compare(b[0], a[0]) : compare(a[0], b[0])));
        const parent = rows[0]?.parentNode;
        parent?.append(...sorted.map(([, row]) => row));
      });
    });
  }

  // Search and filters.
  const filters = document.getElementById("filters");
  if (filters) {
    const search = document.getElementById("search");
    const selects = all("select", filters);
    const rows = [...document.getElementById("t-findings").tBodies[0].rows];
    const parts = { severity: ".severity", kind: ".kind", status: ".status", owner: ".owner" };
    const total = rows.length.toLocaleString("en");
    let texts;
    const apply = () => {
      texts ??= rows.map((row) => row.textContent.toLowerCase());
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = selects
        .filter((select) => select.selectedIndex > 0)
        .map((select) => [parts[select.dataset.by], select.selectedOptions[0].textContent]);
      let shown = 0;
      rows.forEach((row, at) => {
        const matches =
          words.every((word) => texts[at].includes(word)) &&
          wanted.every(([part, text]) => row.querySelector(part).textContent === text);
        row.hidden = !matches;
        if (matches) shown += 1;
      });
      document.getElementById("matching").textContent =
        words.length || wanted.length
          ? `${shown.toLocaleString("en")} of ${total} findings on this page match.`
          : `All ${total} findings on this page are shown.`;
    };
    let pending;
    search.addEventListener("input", () => {
      clearTimeout(pending);
      pending = setTimeout(apply, 120);
    });
    for (const select of selects) select.addEventListener("change", apply);
    document.getElementById("clear").addEventListener("click", () => {
      clearTimeout(pending);
      search.value = "";
      for (const select of selects) select.selectedIndex = 0;
      apply();
      search.focus();
    });
    filters.hidden = false;
    // A browser that goes back may have kept what was chosen.
    if (search.value || selects.some((select) => select.selectedIndex > 0)) apply();
  }

  // Copying. A page that was opened as a file may not reach the clipboard: then its text is selected.
  const select = (element) => {
    element.closest("details").open = true;
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  for (const code of all(".proposal pre code")) {
    const proposal = code.closest(".proposal");
    const file = proposal.querySelector(".file");
    const button = make("button", "Copy", {
      type: "button",
      "aria-label": `Copy ${file.querySelector("code").textContent}`,
    });
    const said = make("span", "", { role: "status" });
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        said.textContent = "Copied.";
      } catch {
        select(code);
        said.textContent = "Selected: copy it with the keyboard.";
      }
    });
    file.append(button, said);
  }

  // On paper everything is open.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });

  // Where the reader is.
  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(target.id)?.setAttribute("aria-current", "location");
      }
    },
    { rootMargin: "-15% 0px -80% 0px" },
  );
  for (const section of all("main > section")) seen.observe(section);
})();
