// What a figure shows for a state: numbers and words, and neither page nor reader.
// The still is made by this, too, when the figure is drawn: so it is the first frame.

const figures = {};

/** Enter a figure: what it is made of, and for each program the function that makes it. */
function register(name, figure, makers) {
  for (const [program, make] of Object.entries(makers)) figure.programs[program].run = make(0);
  figures[name] = figure;
}

/** Give a state its own arrays; what is a list in JSON is an array for the programs. */
function stateOf(values) {
  const own = (value) => (typeof value === "number" ? value : Float64Array.from(value));
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, own(value)]));
}

/** Run one program on values by name; return its outputs by name. */
function run({ inputs, outputs, run: program }, values) {
  const results = program(...inputs.map((name) => values[name]));
  return Object.fromEntries(outputs.map((name, i) =>
    [name, typeof results[i] === "object" ? results[i].slice() : Number(results[i])]));
}

/** Return the state and all that the figure's programs compute from it; of a history its first entry. */
function computed(figure, state) {
  const values = { ...state };
  for (const name of figure.shows) Object.assign(values, run(figure.programs[name], values));
  for (const [name, from] of Object.entries(figure.first)) values[name] = values[from];
  return values;
}

/** Return for each mark, by name, what its elements show: attributes, or text. */
function frame(figure, values) {
  return Object.fromEntries(figure.marks.map((mark) => [mark.name, MARKS[mark.kind](mark, values)]));
}

/** Write a number as a reader expects it: with a minus sign, and without one before a 0. */
function written(x, digits = 2) {
  if (Number.isNaN(x)) return "no number";
  if (!Number.isFinite(x)) return x < 0 ? "−∞" : "∞";
  if (Math.abs(x) >= 1e5) return x.toExponential(0).replace("e+", "·10^").replace("-", "−");
  const text = x.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** Fill "J = {J:3}" and "{w.0}" with values, and choose among texts by a number. */
function said({ by, texts }, values) {
  const text = texts[by ? values[by] : 0] ?? "";
  return text.replace(/\{(\w+)(?:\.(\d+))?(?::(\d))?\}/g, (_, name, place, digits) =>
    written(place ? values[name][place] : values[name], digits && Number(digits)));
}
