// A figure that has woken up: its state, and the page that follows it.

class Player {
  constructor(root, figure, start = {}) {
    this.root = root;
    this.figure = figure;
    this.start = stateOf({ ...figure.start, ...start });
    this.state = { ...this.start };
    this.stops = []; // what moves by itself, to be stopped when something else is done
    this.forgets = []; // what remembers steps that led to another state
    this.elements = {};
    for (const element of root.querySelectorAll("[data-mark]")) {
      (this.elements[element.dataset.mark] ??= []).push(element);
    }
    this.line = root.querySelector(".live-says");
    this.voice = root.querySelector(".live-voice");
    this.wake();
  }

  wake() {
    const picture = this.root.querySelector(".live-picture");
    picture.removeAttribute("role");
    picture.removeAttribute("aria-label");
    for (const svg of picture.querySelectorAll("svg")) svg.removeAttribute("aria-hidden");
    this.updates = this.figure.controls.flatMap((control, k) => {
      const element = this.root.querySelector(`[data-control="${k}"]`);
      return element || control.mark ? [CONTROLS[control.kind](this, control, element)] : [];
    });
    this.root.querySelector(".live-again").addEventListener("click", () => this.again());
    this.root.querySelector(".live-link")?.addEventListener("click", (event) => this.link(event.target));
    this.root.querySelector(".live-controls").inert = false;
    this.show();
    this.read(new URLSearchParams(location.search).get(this.root.dataset.live));
    this.root.player = this; // for who looks behind it
    this.root.dataset.liveReady = "";
  }

  /** Change one number of the state, by hand; whatever passes with the next change is gone. */
  set(name, index, value) {
    if (this.figure.redraws.includes(name)) return this.restart({ [name]: value });
    const looks = this.figure.views.includes(name); // changes what is shown, and nothing else
    const passing = Object.fromEntries(
      this.figure.passing.filter(() => !looks).map((other) => [other, this.start[other]]));
    const array = typeof this.state[name] === "object" ? this.state[name].slice() : null;
    if (array) array[index] = value;
    this.state = { ...this.state, ...passing, [name]: array ?? value };
    this.later(!looks);
  }

  replace(state) {
    for (const stop of [...this.stops, ...this.forgets]) stop();
    this.state = { ...this.state, ...state };
    this.later(false);
  }

  /** Draw the weights anew, for another start. */
  restart(changes) {
    const state = { ...this.state, ...changes };
    this.replace({ ...state, ...started(state) });
  }

  again() {
    this.replace(this.start);
    this.byHand = true; // nothing that was chosen is chosen any more
    this.show();
  }

  /** Show the state with the next picture of the screen, however often it changes before. */
  later(byHand) {
    this.byHand ||= byHand;
    this.waiting ||= requestAnimationFrame(() => this.show());
  }

  show() {
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    this.values = computed(this.figure, this.state);
    if (this.extra) Object.assign(this.values, this.extra(this.values));
    for (const [name, items] of Object.entries(frame(this.figure, this.values))) {
      items.forEach((item, i) => {
        const element = this.elements[name]?.[i];
        for (const [key, value] of Object.entries(element ? item : {})) {
          if (key === "text") element.textContent = value;
          else element.setAttribute(key, value);
        }
      });
    }
    for (const update of this.updates) update(this.state, this.byHand);
    this.byHand = false;
    this.say(said(this.figure.says, this.values));
    this.changed?.(this.state);
  }

  /** Show a sentence at once, and read it aloud when it has stood for a while. */
  say(text) {
    this.line.textContent = text;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => { this.voice.textContent = text; }, 600);
  }

  refuse(text) {
    this.show();
    this.say(text);
  }

  /** Copy the address of this page with the state of this figure in it. */
  async link(button) {
    const changed = Object.entries(this.state).filter(([name, value]) =>
      String(value) !== String(this.start[name]));
    const address = new URL(location.href);
    const text = changed.map(([name, value]) => `${name}:${listed(value).join(",")}`).join(";");
    address.searchParams.set(this.root.dataset.live, text || "start");
    address.hash = this.root.id || address.hash;
    try {
      await navigator.clipboard.writeText(address.href);
      button.textContent = "Copied";
    } catch { // a page from disk, or a reader who said no
      history.replaceState(null, "", address.href);
      button.textContent = "It is in the address";
    }
    setTimeout(() => { button.textContent = "Copy a link to this"; }, 2500);
  }

  /** Take the state from an address, if all of it is what this figure has. */
  read(text) {
    if (!text || text === "start") return;
    const state = {};
    for (const part of text.split(";")) {
      const [name, list = ""] = part.split(":"), numbers = list.split(",").map(read);
      const fits = Object.hasOwn(this.start, name) && listed(this.start[name]).length === numbers.length;
      if (!fits || !numbers.every(Number.isFinite)) {
        return this.say("The link holds no state of this figure. Here is its start.");
      }
      state[name] = typeof this.start[name] === "number" ? numbers[0] : numbers;
    }
    this.replace(stateOf(state));
    this.show();
  }
}
