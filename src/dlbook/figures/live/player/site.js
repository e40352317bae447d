// On the site: the figures of a page wake up as their programs arrive.

window.dlLive = (name, figure, makers) => {
  register(name, figure, makers);
  for (const root of document.querySelectorAll(`[data-live="${name}"]:not([data-live-ready])`)) {
    new Player(root, figure, JSON.parse(root.dataset.start ?? "{}"));
  }
};
