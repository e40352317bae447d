// Random starts by number: the same as in Python, bit for bit.

/** Mix the bits of a whole number. */
function mixed(x) {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Return the nearly normal number in one place of a start. */
function normal(start, entry) {
  let sum = 0;
  for (let i = 0; i < 12; i++) sum += mixed((start * 64 + entry) * 12 + i) / 2 ** 32;
  return sum - 6;
}

/** Return the state of a hidden layer that starts anew: so many units, all with the same bias. */
function started({ start, units, bias }, most = 8) {
  const all = Array.from({ length: most }, (_, unit) => unit);
  return stateOf({
    W: [0, 1].flatMap((row) => all.map((unit) => normal(start, 3 * unit + row))),
    w: all.map((unit) => normal(start, 3 * unit + 2)),
    c: all.map(() => bias),
    mask: all.map((unit) => Number(unit < units)),
    b: 0,
    k: 0,
  });
}
