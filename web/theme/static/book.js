// What a page does beyond reading. Without scripts all of it stays readable, and nothing is offered
// that would not work.
"use strict";

const root = document.documentElement;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Light and dark: as the reader's system asks, or as the reader does. The page's head sets it at once.
const modes = { auto: "as your system", light: "light", dark: "dark" };
const system = matchMedia("(prefers-color-scheme: dark)");
const themeButton = document.querySelector(".theme-button");
function setMode(mode) {
  root.dataset.mode = mode;
  root.dataset.theme = mode === "auto" ? (system.matches ? "dark" : "light") : mode;
  themeButton.setAttribute("aria-label", `Light and dark: ${modes[mode] ?? mode}`);
}
setMode(root.dataset.mode);
system.addEventListener("change", () => setMode(root.dataset.mode));
themeButton.addEventListener("click", () => {
  const names = Object.keys(modes);
  const mode = names[(names.indexOf(root.dataset.mode) + 1) % names.length];
  try { localStorage.mode = mode; } catch { /* a browser that keeps nothing */ }
  setMode(mode);
});

// The search: Ctrl+K leads to its field, Escape back to the text.
const field = document.querySelector(".search input");
let cameFrom;
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && field) {
    event.preventDefault();
    cameFrom = document.activeElement;
    field.focus();
    field.select();
  } else if (event.key === "Escape" && document.activeElement === field) {
    field.blur();
    cameFrom?.focus();
  }
});
// From disk a page may not read another one, as the search does to show where it found the words.
document.addEventListener("DOMContentLoaded", () => {
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }
});

// What is wider than its box can be scrolled with the keyboard; what is not is no stop on the way.
const wide = "pre, .formula, .dl-wide, .dl-entry, .wide-table, .output.text_html";
const boxes = new ResizeObserver((entries) => {
  for (const box of new Set(entries.map(({ target }) => target.closest(wide)))) {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("scrolls", scrolls);
    if (scrolls) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
});
for (const box of all(wide)) {
  boxes.observe(box);
  if (box.matches(".formula, .wide-table")) boxes.observe(box.firstElementChild); // as letters arrive
}

// Code can be taken along, without the prompts of an example.
for (const block of all("article div.highlight").filter((b) => !b.closest(".cell_output"))) {
  const button = document.createElement("button");
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const code = block.querySelector("pre").cloneNode(true);
    for (const prompt of all(".gp, .go", code)) prompt.remove();
    await navigator.clipboard.writeText(code.textContent.trimEnd());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.append(button);
}

// A formula is copied as it was written, in TeX: its letters are drawn and are no text.
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (selection.isCollapsed) return;
  const part = document.createElement("div");
  for (let i = 0; i < selection.rangeCount; i++) part.append(selection.getRangeAt(i).cloneContents());
  const formulas = all("[data-tex]", part);
  if (!formulas.length) return;
  for (const formula of formulas) {
    const sign = formula.matches("div") ? "$$" : "$";
    formula.replaceChildren(sign + formula.dataset.tex + sign);
  }
  part.style = "position: fixed; opacity: 0"; // only what is on the page has lines
  document.body.append(part);
  event.clipboardData.setData("text/plain", part.innerText);
  part.remove();
  event.preventDefault();
});

// A tab that is chosen is chosen in all pairs, and on the next page.
const tabs = all(".sd-tab-set > label[data-sync-id]");
const choose = (name) => {
  for (const tab of tabs) if (tab.dataset.syncId === name) tab.previousElementSibling.checked = true;
};
for (const tab of tabs) {
  tab.previousElementSibling.addEventListener("change", () => {
    try { localStorage.tab = tab.dataset.syncId; } catch { /* a browser that keeps nothing */ }
    choose(tab.dataset.syncId);
  });
}
try { if (localStorage.tab) choose(localStorage.tab); } catch { /* nor gives */ }

// A link to something folded, or to something in it, opens it.
function unfold() {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let fold; (fold = place?.closest("details:not([open])")); ) {
    fold.open = true;
    place.scrollIntoView();
  }
}
unfold();
addEventListener("hashchange", unfold);

// A figure that one can move gets its script when it is near.
function load(file, figure) {
  const script = document.createElement("script");
  script.src = `${root.dataset.content_root}_static/${file}`;
  script.async = false; // the player first
  script.addEventListener("error", () => {
    figure.querySelector(".live-says").textContent =
      "What this figure computes with did not load. To try again, load the page again.";
  });
  document.head.append(script);
}
const asked = new Set();
const near = new IntersectionObserver((entries) => {
  for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
    near.unobserve(target);
    for (const file of ["live.js", `live/${target.dataset.live}.js`]) {
      if (!asked.has(file)) load(file, target);
      asked.add(file);
    }
  }
}, { rootMargin: "800px" });
for (const figure of all("[data-live]")) near.observe(figure);

// The contents of the page follow the reader: the last heading above the middle of the screen.
const marks = all(".page-contents a[href^='#']").map((link) =>
  [link, link.hash ? document.getElementById(decodeURIComponent(link.hash.slice(1))) : null]);
let waiting = false;
function follow() {
  waiting = false;
  const passed = marks.filter(([, place]) => place?.getBoundingClientRect().top < innerHeight / 3);
  for (const [link] of marks) link.removeAttribute("aria-current");
  passed.at(-1)?.[0].setAttribute("aria-current", "true");
}
if (marks.length) {
  addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(follow);
    waiting = true;
  }, { passive: true });
  follow();
}
// A page chosen in contents that lie over the text: they are no longer needed.
for (const over of all("[popover]")) {
  over.addEventListener("click", (event) => {
    if (event.target.closest("a") && over.matches(":popover-open")) over.hidePopover();
  });
}
const list = document.querySelector(".contents");
const current = list.querySelector("a.current");
if (current) list.scrollTop = current.offsetTop - list.clientHeight / 2;

// On paper: light, with hints and solutions open, and with all letters of the formulas, also of
// those that have not been on the screen.
document.querySelector(".print")?.addEventListener("click", () => print());
let opened = [];
let before;
addEventListener("beforeprint", () => {
  opened = all("article details:not([open], .source)");
  for (const fold of opened) fold.open = true;
  before = root.dataset.theme;
  root.dataset.theme = "light";
});
addEventListener("afterprint", () => {
  for (const fold of opened) fold.open = false;
  root.dataset.theme = before;
});
addEventListener("load", () => {
  for (const face of document.fonts) {
    const [, variant] = face.family.match(/^"?MJX(TEX-\w+)/) || [];
    if (variant && document.querySelector(`.${variant}`)) face.load();
  }
  if (document.querySelector("mjx-stretchy-v, mjx-stretchy-h")) document.fonts.load("1em MJXTEX-S4");
});

// Previews of equations, figures, algorithms, claims and terms, where a reader stops at a reference.
// With a mouse or the keyboard, not by touch. Escape closes; the pointer may move onto the preview.
// What it shows is a small script of the site (see web/course/previews.py), so it works from disk, too.
(() => {
  const kinds = /#((?:eq|fig|alg|claim|term)-[\w.-]+)$/;
  const links = "article a.reference.internal[href*='#']";
  const home = root.dataset.content_root || "./";
  const ready = new Map(); // anchor -> what to show, or a promise of it
  let box, link, timer;

  const fetchScript = (path) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${home}_static/${path}`;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
  const load = (anchor) => {
    if (!ready.has(anchor)) {
      const script = fetchScript(`previews/${encodeURIComponent(anchor)}.js`);
      ready.set(anchor, script.then(() => ready.get(anchor), () => null)); // null: it has none
    }
    return ready.get(anchor);
  };
  window.showPreview = (anchor, html) => ready.set(anchor, html);

  const close = () => {
    clearTimeout(timer);
    link?.removeAttribute("aria-describedby");
    box?.remove();
    link = box = undefined;
  };

  // Below the reference, or above it if there is more room, and never off the page.
  const place = () => {
    const at = link.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const left = Math.max(8, Math.min(at.left, width - box.offsetWidth - 8));
    const below = innerHeight - at.bottom;
    const above = below < box.offsetHeight + 8 && at.top > below;
    box.style.maxHeight = `${Math.max(above ? at.top : below, 96) - 12}px`;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(above ? at.top - box.offsetHeight - 4 : at.bottom + 4) + scrollY}px`;
  };

  const open = async (target) => {
    close();
    link = target;
    const html = await load(target.hash.slice(1));
    if (!html || link !== target) return;
    box = document.createElement("div");
    box.id = "dl-preview";
    box.setAttribute("role", "tooltip");
    box.innerHTML = html;
    document.body.append(box);
    target.setAttribute("aria-describedby", box.id);
    place();
  };

  const later = (action, milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
  const find = (event) => {
    const found = event.target.closest?.(links);
    return found && kinds.test(found.href) ? found : null;
  };

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const found = find(event);
    if (found && found !== link) later(() => open(found), 250);
    else if (found || box?.contains(event.target)) clearTimeout(timer);
    else if (link) later(close, 250);
    else clearTimeout(timer);
  });
  document.addEventListener("focusin", (event) => {
    const found = find(event);
    if (found?.matches(":focus-visible")) open(found);
    else if (!box?.contains(event.target)) close();
  });
  document.addEventListener("focusout", (event) => event.target === link && close());
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  document.addEventListener("click", (event) => box?.contains(event.target) || close());
})();
