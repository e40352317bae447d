// What a reader can move. Each function takes the player, what the figure says of the control, and
// its element in the page; it listens, and returns what brings the element up to date.

/** Read a number as people type it; NaN if it is none. */
function read(text) {
  const plain = text.trim().replace("−", "-").replace(/^(-?\d*),(\d+)$/, "$1.$2");
  return plain === "" ? NaN : Number(plain);
}

const pick = (values, names) => Object.fromEntries(names.map((name) => [name, values[name]]));
const clamp = (value, [low, high]) => Math.min(Math.max(value, low), high);
const snapped = (value, step) => Number((Math.round(value / step) * step).toFixed(6));

const CONTROLS = {
  // A slider, with a field beside it for a number that is typed.
  slider(player, { state, index, label, whole, digits = 2 }, element) {
    const [range, field] = element.querySelectorAll("input");
    const fit = (value) => (whole ? clamp(Math.round(value), whole) : value);
    range.addEventListener("input", () => player.set(state, index, Number(range.value)));
    field?.addEventListener("change", () => {
      const value = read(field.value);
      if (Number.isFinite(value)) player.set(state, index, fit(value));
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
        // A picture may be older than the click that asked for it.
        const share = Math.max(now - begun, 0) / 1000 / seconds;
        let value = Math.min(first + share * (end - from), end);
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

  // A program that takes one step after the other: by itself, one at a time, and back again.
  steps(player, { program, moves, most, costs }, element) {
    const [one, run_] = element.querySelectorAll("button");
    const range = element.querySelector("input");
    let past = [], running = 0; // what moves, and where the cost stood, after each number of steps
    const kept = (at) => ({ ...pick(player.state, moves), at });
    const stop = () => { cancelAnimationFrame(running); running = 0; run_.textContent = "Play"; };
    const step = () => {
      const { k } = player.state, next = run(player.figure.programs[program], player.state);
      past.length = k;
      past.push(kept(next.at));
      player.state = { ...player.state, ...pick(next, moves), k: k + 1 };
      return k + 1 < most && Number.isFinite(next.at[1]);
    };
    // The further, the more steps at a time: a step late in training changes little.
    const several = () => {
      let goes = true;
      for (let i = 0; goes && i <= player.state.k / 40; i++) goes = step();
      player.show();
      if (goes && running) running = requestAnimationFrame(several);
      else stop();
    };
    one.addEventListener("click", () => {
      stop();
      if (player.state.k < most) step();
      player.show();
    });
    run_.addEventListener("click", () => {
      if (running || player.state.k >= most) return stop();
      run_.textContent = "Stop";
      running = requestAnimationFrame(several);
    });
    range.addEventListener("input", () => {
      stop();
      const { at, ...then } = past[range.value];
      player.state = { ...player.state, ...then, k: Number(range.value) };
      player.show();
    });
    player.stops.push(stop);
    player.forgets.push(() => { past = []; });
    player.extra = (values) => {
      past[player.state.k] = kept(values.at);
      const until = past.slice(0, player.state.k + 1).filter(Boolean); // a link may begin late
      return { [costs]: Float64Array.from(until.flatMap(({ at }) => [...at])) };
    };
    return (state) => {
      range.max = Math.max(past.length - 1, 1);
      range.value = state.k;
    };
  },

  // Starts by how they end: each click takes the next one that ends so.
  fates(player, { fates, state, also }, element) {
    element.querySelectorAll("button").forEach((button, fate) => button.addEventListener("click", () => {
      const from = player.state[state], count = fates.length;
      for (let i = 1; i <= count; i++) {
        const next = ((from - 1 + i) % count) + 1;
        if (fates[next - 1] === String(fate)) return player.restart({ ...also, [state]: next });
      }
    }));
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
    // Not every part of a drawing keeps a page from scrolling by its style.
    handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
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
