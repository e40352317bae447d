// In a notebook: the same figure as a widget, whose state comes back to Python.

export default {
  render({ model, el }) {
    el.innerHTML = model.get("html");
    const root = el.querySelector("[data-live]");
    root.querySelector(".live-link")?.remove(); // a notebook has no address for it
    const player = new Player(root, figures[root.dataset.live], model.get("start"));
    const plain = () => Object.fromEntries(Object.entries(player.state).map(([name, value]) =>
      [name, typeof value === "number" ? value : [...value]]));
    let waiting;
    player.changed = () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { model.set("state", plain()); model.save_changes(); }, 150);
    };
  },
};
