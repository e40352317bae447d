// Previews of equations, figures, algorithms, claims and terms, where a reader stops at a reference.
// With a mouse or the keyboard, not by touch. Escape closes; the pointer may move onto the preview.
// What it shows is a small script of the site (see web/extensions/previews.py), so it works from disk, too.
(() => {
  const kinds = /#((?:eq|fig|alg|claim|term)-[\w.-]+)$/;
  const links = "article a.reference.internal[href*='#']";
  const root = document.documentElement.dataset.content_root || "./";
  const ready = new Map(); // anchor -> what to show, or a promise of it
  let box, link, timer;

  const fetchScript = (path) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}_static/${path}`;
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
