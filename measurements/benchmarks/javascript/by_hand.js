// The same step as somebody writes it by hand who wants it quick: typed arrays made beforehand, and
// plain loops. `layers` are widths, `head` is what stands behind the last layer.
"use strict";

const rectifier = { f: (z) => (z > 0 ? z : 0), slope: (h) => (h > 0 ? 1 : 0) };
const tanh = { f: Math.tanh, slope: (h) => 1 - h * h };

/** Make a step: it changes the parameters [W, b, W, b, ...] in place and returns the cost. */
function makeStep({ layers, examples: m, unit, head, rate }) {
  const { f, slope } = { relu: rectifier, tanh }[unit];
  const depth = layers.length - 1;
  const values = layers.map((width) => new Float64Array(m * width));
  const slopes = layers.map((width) => new Float64Array(m * width));
  const out = layers[depth];
  const work = new Float64Array(out);
  return function step(X, y, parameters) {
    values[0] = X;
    for (let l = 0; l < depth; l++) {
      const [n, k] = [layers[l], layers[l + 1]], [W, b] = [parameters[2 * l], parameters[2 * l + 1]];
      const [A, H] = [values[l], values[l + 1]], last = l === depth - 1;
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < k; j++) H[i * k + j] = b[j];
        for (let p = 0; p < n; p++) {
          const a = A[i * n + p];
          for (let j = 0; j < k; j++) H[i * k + j] += a * W[p * k + j];
        }
        if (!last) for (let j = 0; j < k; j++) H[i * k + j] = f(H[i * k + j]);
      }
    }
    const cost = HEADS[head](values[depth], y, slopes[depth], m, out, work);
    for (let l = depth - 1; l >= 0; l--) {
      const [n, k] = [layers[l], layers[l + 1]], [W, b] = [parameters[2 * l], parameters[2 * l + 1]];
      const [A, G, D] = [values[l], slopes[l + 1], slopes[l]];
      if (l > 0) {
        for (let i = 0; i < m; i++) {
          for (let p = 0; p < n; p++) {
            let sum = 0;
            for (let j = 0; j < k; j++) sum += G[i * k + j] * W[p * k + j];
            D[i * n + p] = sum * slope(A[i * n + p]);
          }
        }
      }
      for (let i = 0; i < m; i++) {
        for (let p = 0; p < n; p++) {
          const a = rate * A[i * n + p];
          for (let j = 0; j < k; j++) W[p * k + j] -= a * G[i * k + j];
        }
        for (let j = 0; j < k; j++) b[j] -= rate * G[i * k + j];
      }
    }
    return cost;
  };
}

const HEADS = {
  squared(z, y, G, m) {
    let cost = 0;
    for (let i = 0; i < m; i++) {
      const e = z[i] - y[i];
      cost += e * e;
      G[i] = (2 / m) * e;
    }
    return cost / m;
  },
  softmax(z, y, G, m, k) {
    let cost = 0;
    for (let i = 0; i < m; i++) {
      let top = -Infinity, sum = 0;
      for (let j = 0; j < k; j++) top = Math.max(top, z[i * k + j]);
      for (let j = 0; j < k; j++) sum += G[i * k + j] = Math.exp(z[i * k + j] - top);
      cost += Math.log(sum) + top - z[i * k + y[i]];
      for (let j = 0; j < k; j++) G[i * k + j] /= sum * m;
      G[i * k + y[i]] -= 1 / m;
    }
    return cost / m;
  },
  // Three logits, three means, three logarithms of widths.
  mixture(z, y, G, m, k, work) {
    let cost = 0;
    for (let i = 0; i < m; i++) {
      const at = i * 9;
      let top = -Infinity, sum = 0, highest = -Infinity, all = 0;
      for (let j = 0; j < 3; j++) top = Math.max(top, z[at + j]);
      for (let j = 0; j < 3; j++) sum += Math.exp(z[at + j] - top);
      const logSum = top + Math.log(sum);
      for (let j = 0; j < 3; j++) {
        const e = (y[i] - z[at + 3 + j]) * Math.exp(-z[at + 6 + j]);
        work[j] = z[at + j] - logSum - z[at + 6 + j] - 0.5 * e * e;
        highest = Math.max(highest, work[j]);
      }
      for (let j = 0; j < 3; j++) all += Math.exp(work[j] - highest);
      const logAll = highest + Math.log(all);
      cost -= logAll;
      for (let j = 0; j < 3; j++) {
        const share = Math.exp(work[j] - logAll), width = Math.exp(-z[at + 6 + j]);
        const e = (y[i] - z[at + 3 + j]) * width;
        G[at + j] = (Math.exp(z[at + j] - logSum) - share) / m;
        G[at + 3 + j] = (-share * e * width) / m;
        G[at + 6 + j] = (share * (1 - e * e)) / m;
      }
    }
    return cost / m;
  },
};

module.exports = { makeStep, rectifier, tanh };
