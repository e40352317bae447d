// Called by javascript.py with the tasks: runs each step of everybody, and says how long it takes.
"use strict";

const fs = require("node:fs");
const byHand = require("./by_hand.js");
const objects = require("./objects.js");
const tensorflow = require("./tensorflow.js");

const [, , file, modules] = process.argv;
const tasks = JSON.parse(fs.readFileSync(file, "utf-8"));
let tf = null;
try {
  const log = console.log; // it greets
  console.log = console.warn = () => {};
  tf = require(`${modules}/@tensorflow/tfjs`);
  tf.setBackend("cpu");
  console.log = log;
} catch { /* without it the others are measured */ }

const fresh = (task) => task.parameters.map((values) => Float64Array.from(values));

/** Return everybody's step, each with parameters of its own. */
function contenders(task) {
  const X = Float64Array.from(task.X), y = Float64Array.from(task.y), found = {};
  const program = new Function(`${task.source}; return make;`)()(0);
  let mine = fresh(task);
  // What a program returns is its own until its next call: here two take turns.
  const other = new Function(`${task.source}; return make;`)()(0);
  let turn = false;
  found.dlbook = () => {
    const [cost, ...next] = (turn = !turn) ? program(X, y, ...mine) : other(X, y, ...mine);
    mine = next;
    return cost;
  };
  const step = byHand.makeStep(task), his = fresh(task);
  found["by hand"] = () => step(X, y, his);
  if (task.head === "squared") {
    const inObjects = objects.makeStep(task, fresh(task));
    found["objects"] = () => inObjects(X, y);
  }
  if (tf) found["TensorFlow.js"] = tensorflow.makeStep(tf, task, task.X, task.y, task.parameters);
  return found;
}

/** Return the microseconds of a step: the least of many short rounds, as all else only adds to it. */
function time(step) {
  for (let i = 0; i < 200; i++) step(); // until it is compiled
  let count = 1, took = 0;
  while (took < 1) {
    const start = performance.now();
    for (let i = 0; i < count; i++) step();
    took = performance.now() - start;
    if (took < 1) count *= 2;
  }
  let least = Infinity;
  for (let round = 0; round < 500; round++) {
    const start = performance.now();
    for (let i = 0; i < count; i++) step();
    least = Math.min(least, ((performance.now() - start) / count) * 1000);
  }
  return least;
}

const rows = tasks.map((task) => {
  const costs = Object.entries(contenders(task)).map(([name, step]) =>
    [name, Array.from({ length: 20 }, step)]);
  const microseconds = Object.entries(contenders(task)).map(([name, step]) => [name, time(step)]);
  return { name: task.name, costs: Object.fromEntries(costs), microseconds: Object.fromEntries(microseconds) };
});
process.stdout.write(JSON.stringify({ node: process.version, tensorflow: tf?.version?.tfjs ?? null, rows }));
