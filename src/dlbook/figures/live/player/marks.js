// What parts of a picture can do with numbers. Each takes a mark and the values, and returns for
// each of its elements the attributes that it gets.

/** Return where in a picture the point (x, y) is; at its edge if it is outside. */
function placed({ x, y, box }, [a, b]) {
  const along = (value, [low, high]) => (value - low) / (high - low);
  const inside = (share) => Math.min(Math.max(share, 0), 1);
  const [across, up] = [along(a, x), along(b, y)];
  return {
    at: [box[0] + across * box[2], box[1] + (1 - up) * box[3]],
    edge: [box[0] + inside(across) * box[2], box[1] + (1 - inside(up)) * box[3]],
    outside: across !== inside(across) || up !== inside(up),
  };
}

const short = (x) => String(Math.round(x * 100) / 100);
const listed = (values) => (typeof values === "number" ? [values] : [...values]);
const inGroups = (values, size) =>
  Array.from({ length: values.length / size }, (_, i) => listed(values.slice(i * size, (i + 1) * size)));

/** Hide what has no place; what it looks like then is the same however it came there. */
const shown = (points, nowhere, attributes) =>
  points.flat().every((x) => Math.abs(x) < 1e9) // further out no browser draws
    ? { visibility: "visible", ...attributes() }
    : { visibility: "hidden", ...nowhere };

/** Return the outline of where values on a grid, along x first, are above a level. */
function outline(grid, level, { x, y, box }) {
  const n = Math.round(Math.sqrt(grid.length)), steps = n - 1;
  const at = (i, j) => [short(box[0] + (i / steps) * box[2]), short(box[1] + (1 - j / steps) * box[3])];
  const above = (i, j) => grid[i * n + j] - level;
  let d = "";
  for (let j = 0; j < steps; j++) {
    let start = -1; // of a run of cells that lie inside
    for (let i = 0; i <= steps; i++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const heights = i < steps ? corners.map(([k, l]) => above(k, l)) : [];
      const whole = i < steps && heights.every((h) => h > 0);
      if (whole && start < 0) start = i;
      if (!whole && start >= 0) {
        const [[left, low], [right, high]] = [at(start, j), at(i, j + 1)];
        d += `M${left} ${low}H${right}V${high}H${left}Z`;
        start = -1;
      }
      if (!whole && heights.some((h) => h > 0)) d += cut(corners, heights, at);
    }
  }
  return d;
}

/** Return the part of a cell where the heights at its corners are above 0. */
function cut(corners, heights, at) {
  const points = [];
  corners.forEach((corner, k) => {
    const next = (k + 1) % 4, [h, g] = [heights[k], heights[next]];
    if (h > 0) points.push(at(...corner));
    if (h > 0 !== g > 0) {
      const share = h / (h - g);
      points.push(at(...corner.map((c, axis) => c + share * (corners[next][axis] - c))));
    }
  });
  return `M${points.map((point) => point.join(" ")).join("L")}Z`;
}

const MARKS = {
  // Points, in rows of two numbers. One that has left the picture waits at its edge, paler.
  points: ({ from, axes }, values) => inGroups(values[from], 2).map((point) => shown(point, { transform: "translate(0 0)", opacity: 1 }, () => {
    const { edge, outside } = placed(axes, point);
    return { transform: `translate(${edge.map(short).join(" ")})`, opacity: outside ? 0.45 : 1 };
  })),
  // Lines through points: as many points each as `size` says; with 0 it is one line through all.
  lines: ({ from, axes, size = 2 }, values) => inGroups(values[from], 2 * size || values[from].length).map((line) =>
    shown(line, { d: "M0 0" }, () => ({
      d: "M" + inGroups(line, 2).map((point) => placed(axes, point).at.map(short).join(" ")).join("L"),
    }))),
  // Where a function of the plane is above a level, or with sign -1 below it.
  area: ({ from, axes, level, sign = 1 }, values) =>
    [{ d: outline(values[from].map((value) => sign * value), sign * level, axes) }],
  // Bars up from 0, or down.
  bars: ({ from, axes }, values) => listed(values[from]).map((value) => shown([value], { y: 0, height: 0 }, () => {
    const [zero, top] = [placed(axes, [0, 0]).edge[1], placed(axes, [0, value]).edge[1]];
    return { y: short(Math.min(zero, top)), height: short(Math.abs(top - zero)) };
  })),
  // Numbers, or with `words` one of some words for each.
  text: ({ from, digits, words }, values) => listed(values[from]).map((value) =>
    (words ? { text: words[Number(value)], "data-is": Number(value) } : { text: written(value, digits) })),
};
