// The same step with an object for each unit and each weight, one example after the other: as the
// engines of pages for learners do it, TensorFlow Playground's above all.
"use strict";

const { rectifier, tanh } = require("./by_hand.js");

class Link {
  constructor(source, target, weight) { Object.assign(this, { source, target, weight, slope: 0 }); }
}

class Unit {
  constructor(bias) { Object.assign(this, { bias, inputs: [], outputs: [], output: 0, slope: 0, total: 0 }); }
}

/** Make a step of a network with one output and the mean of squared errors. */
function makeStep({ layers, examples: m, unit, rate }, parameters) {
  const { f, slope } = { relu: rectifier, tanh }[unit];
  const network = layers.map((width, l) => Array.from({ length: width }, (_, j) =>
    new Unit(l ? parameters[2 * l - 1][j] : 0)));
  for (let l = 1; l < layers.length; l++) {
    network[l].forEach((target, j) => network[l - 1].forEach((source, p) => {
      const link = new Link(source, target, parameters[2 * l - 2][p * layers[l] + j]);
      source.outputs.push(link);
      target.inputs.push(link);
    }));
  }
  const hidden = network.slice(1, -1), [last] = network.at(-1), all = network.slice(1);
  return function step(X, y) {
    let cost = 0;
    for (let i = 0; i < m; i++) {
      network[0].forEach((input, p) => { input.output = X[i * layers[0] + p]; });
      for (const layer of all) {
        for (const one of layer) {
          let sum = one.bias;
          for (const link of one.inputs) sum += link.weight * link.source.output;
          one.output = layer === network.at(-1) ? sum : f(sum);
        }
      }
      const e = last.output - y[i];
      cost += (e * e) / m;
      last.slope = (2 * e) / m;
      for (let l = hidden.length - 1; l >= 0; l--) {
        for (const one of hidden[l]) {
          let sum = 0;
          for (const link of one.outputs) sum += link.weight * link.target.slope;
          one.slope = sum * slope(one.output);
        }
      }
      for (const layer of all) {
        for (const one of layer) {
          one.total += one.slope;
          for (const link of one.inputs) link.slope += one.slope * link.source.output;
        }
      }
    }
    for (const layer of all) {
      for (const one of layer) {
        one.bias -= rate * one.total;
        one.total = 0;
        for (const link of one.inputs) {
          link.weight -= rate * link.slope;
          link.slope = 0;
        }
      }
    }
    return cost;
  };
}

module.exports = { makeStep };
