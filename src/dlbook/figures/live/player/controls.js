// What a reader can move. Each function takes the player, what the figure says of the control, and
// its element in the page; it listens, and returns what brings the element up to date.

/** Read a number as people type it; NaN if it is none. */
function read(text) {
  const plain = text.trim().replace("−", "-").replace(/^(-?\d*),(\d+)$/, "$1.$2");
  return plain === "" ? NaN : Number(plain);
}

const clamp = (value, [low, high]) => Math.min(Math.max(value, low), high);
const snapped = (value, step) => Number((Math.round(value / step) * step).toFixed(6));

const CONTROLS = {
  // A slider, with a field beside it for a number that is typed.
  slider(player, { state, index, label, digits = 2 }, element) {
    const [range, field] = element.querySelectorAll("input");
    range.addEventListener("input", () => player.set(state, index, Number(range.value)));
    field?.addEventListener("change", () => {
      const value = read(field.value);
      if (Number.isFinite(value)) player.set(state, index, value);
      else player.refuse(`“${field.value}” is no number: ${label} stays as it was.`);
    });
    return (values) => {
      const value = index === undefined ? values[state] : values[state][index];
      range.value = value;
      if (field) field.value = written(value, digits);
    };
  },

  // Something that is on or off.
  switch(player, { state }, element) {
    const box = element.querySelector("input");
    box.addEventListener("change", () => player.set(state, undefined, Number(box.checked)));
    return (values) => { box.checked = values[state] > 0.5; };
  },

  // States to choose from; the last one goes back to the reader's own.
  choice(player, { states }, element) {
    const buttons = [...element.querySelectorAll("button")];
    let own = null, chosen = -1;
    buttons.forEach((button, k) => button.addEventListener("click", () => {
      if (chosen < 0) own = player.state;
      player.replace(states[k] ? stateOf(states[k]) : own);
      chosen = states[k] ? k : -1;
      player.show();
    }));
    return (values, byHand) => {
      if (byHand) chosen = -1;
      buttons.forEach((button, k) => {
        button.setAttribute("aria-pressed", k === chosen);
        if (!states[k]) button.disabled = !own || chosen < 0;
      });
    };
  },

  // A number that runs from one value to another by itself.
  play(player, { state, to, seconds }, element) {
    const button = element.querySelector("button");
    const [from, end] = to, still = matchMedia("(prefers-reduced-motion: reduce)");
    let running = 0;
    const stop = () => { cancelAnimationFrame(running); running = 0; button.textContent = "Play"; };
    button.addEventListener("click", () => {
      if (running) return stop();
      const first = player.state[state] >= end ? from : player.state[state];
      const begun = performance.now();
      button.textContent = "Stop";
      const step = (now) => {
        let value = Math.min(first + ((now - begun) / 1000 / seconds) * (end - from), end);
        if (still.matches) value = Math.floor(value); // in steps, for who asked for less motion
        player.set(state, undefined, value);
        if (value < end) running = requestAnimationFrame(step);
        else stop();
      };
      running = requestAnimationFrame(step);
    });
    player.stops.push(stop);
    return () => {};
  },

  // A part of the picture: dragged, or moved with the arrow keys.
  drag(player, { mark, index, state, axes, label, names, origin, scale = 1, snap, limits }) {
    const handle = player.elements[mark][index];
    const svg = handle.ownerSVGElement;
    const entries = [2 * index, 2 * index + 1];
    const move = (point) => entries.forEach((entry, k) =>
      player.set(state, entry, clamp(snapped(point[k], snap), limits)));
    const value = () => entries.map((entry) => player.state[state][entry]);
    handle.setAttribute("tabindex", "0");
    handle.setAttribute("role", "slider");
    handle.setAttribute("aria-label", label);
    handle.setAttribute("aria-valuemin", limits[0]);
    handle.setAttribute("aria-valuemax", limits[1]);
    handle.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const { x, y } = new DOMPoint(event.clientX, event.clientY)
        .matrixTransform(svg.getScreenCTM().inverse());
      const { box } = axes;
      const at = [
        axes.x[0] + ((x - box[0]) / box[2]) * (axes.x[1] - axes.x[0]),
        axes.y[1] - ((y - box[1]) / box[3]) * (axes.y[1] - axes.y[0]),
      ];
      move(at.map((a, k) => (a - (origin ? player.state[origin][entries[k]] : 0)) / scale));
    });
    handle.addEventListener("keydown", (event) => {
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[
        event.key] ?? [0, 0];
      if (!dx && !dy) return;
      event.preventDefault();
      const step = snap * (event.shiftKey ? 5 : 1), [x, y] = value();
      move([x + dx * step, y + dy * step]);
    });
    return () => {
      const [x, y] = value();
      handle.setAttribute("aria-valuenow", x);
      handle.setAttribute("aria-valuetext", `${names[0]} ${written(x)}, ${names[1]} ${written(y)}`);
    };
  },
};
