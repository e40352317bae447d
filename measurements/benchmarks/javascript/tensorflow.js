// The same step in TensorFlow.js on its CPU backend, if npm has brought it.
"use strict";

function makeStep(tf, { layers, examples: m, unit, head, rate }, X, y, parameters) {
  const inputs = tf.tensor2d(Float32Array.from(X), [m, layers[0]]);
  const targets = head === "softmax"
    ? tf.oneHot(tf.tensor1d(Int32Array.from(y), "int32"), layers.at(-1)).toFloat()
    : tf.tensor2d(Float32Array.from(y), [m, 1]);
  const weights = parameters.map((values, k) => tf.variable(tf.tensor(Float32Array.from(values),
    k % 2 ? [layers[(k + 1) / 2]] : [layers[k / 2], layers[k / 2 + 1]])));
  const optimizer = tf.train.sgd(rate);
  const costs = {
    squared: (z) => tf.mean(tf.square(tf.sub(z, targets))),
    softmax: (z) => tf.losses.softmaxCrossEntropy(targets, z),
    mixture(z) {
      const [a, mean, s] = tf.split(z, 3, 1);
      const e = tf.mul(tf.sub(targets, mean), tf.exp(tf.neg(s)));
      const parts = tf.sub(tf.sub(tf.logSoftmax(a), s), tf.mul(0.5, tf.square(e)));
      return tf.neg(tf.mean(tf.logSumExp(parts, 1)));
    },
  };
  const cost = () => tf.tidy(() => {
    let h = inputs;
    for (let k = 0; k < weights.length; k += 2) {
      h = tf.add(tf.matMul(h, weights[k]), weights[k + 1]);
      if (k + 2 < weights.length) h = tf[unit](h);
    }
    return costs[head](h);
  });
  return () => {
    const found = optimizer.minimize(cost, true);
    const value = found.dataSync()[0];
    found.dispose();
    return value;
  };
}

module.exports = { makeStep };
