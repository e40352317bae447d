// What the theme does with larger means, or by measuring the whole page when it opens.

// From disk a page may not read another one, as the search does to show where it found the words.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

document.addEventListener("DOMContentLoaded", () => {
  // Code, formulas, drawings and outputs that are wider than their box can be scrolled with the
  // keyboard. The theme measures them all at once; here each is looked at when it is laid out anyway.
  const boxes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  const wide = "pre, div.math, .dl-wide, .dl-entry, .pst-scrollable-table-container, "
    + ".cell_output .output.text_html";
  for (const box of document.querySelectorAll(wide)) {
    boxes.observe(box);
  }

  // The theme takes the focus away from these when they are pressed, so that a dialog that closes
  // could not give it back.
  const pressed = ".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle";
  for (const button of document.querySelectorAll(pressed)) button.blur = () => {};

  for (const button of document.querySelectorAll('[data-bs-toggle="dropdown"]')) {
    dropdown(button, button.parentElement.querySelector(".dropdown-menu"));
  }

  const actions = { print: () => window.print(), fullscreen: () => window.toggleFullScreen() };
  for (const button of document.querySelectorAll("[data-dl-click]")) {
    button.addEventListener("click", actions[button.dataset.dlClick]);
  }
});

// A link to something folded, or to something in it, opens it. Browsers open what is around the
// place, at most.
function unfold() {
  const place = document.getElementById(location.hash.slice(1));
  for (let fold; (fold = place?.closest("details:not([open])")); ) {
    fold.open = true;
    place.scrollIntoView();
  }
}
document.addEventListener("DOMContentLoaded", unfold);
window.addEventListener("hashchange", unfold);

// Sections that are still to be laid out have not asked for their fonts; on paper they are needed.
window.addEventListener("load", () => {
  for (const face of document.fonts) {
    const [, variant] = face.family.match(/^"?MJX(TEX-\w+)/) || [];
    if (variant && document.querySelector(`.${variant}`)) face.load();
  }
  if (document.querySelector("mjx-stretchy-v, mjx-stretchy-h")) document.fonts.load("1em MJXTEX-S4");
});

// On paper everything is open, and dark on light.
let folded = [];
let theme = "light";
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const details of folded) details.open = true;
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
window.addEventListener("afterprint", () => {
  for (const details of folded) details.open = false;
  document.documentElement.dataset.theme = theme;
});

// A menu that opens at its button: Escape and a click elsewhere close it, arrows walk through it.
function dropdown(button, menu) {
  const show = (open) => {
    button.setAttribute("aria-expanded", open);
    menu.classList.toggle("show", open);
  };
  button.addEventListener("click", () => show(!menu.classList.contains("show")));
  document.addEventListener("click", (event) => {
    if (!button.parentElement.contains(event.target)) show(false);
  });
  button.parentElement.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !button.parentElement.contains(event.relatedTarget)) show(false);
  });
  button.parentElement.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      show(false);
      button.focus();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(true);
    const items = [...menu.querySelectorAll("a, button")];
    const at = items.indexOf(document.activeElement);
    items[(at + (at < 0 && step < 0 ? 0 : step) + items.length) % items.length].focus();
  });
}
