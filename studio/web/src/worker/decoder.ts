// The worker: it keeps the machines of the models that are open and runs them. What the pointer waits for comes first;
// tables of many pictures are computed in slices of some milliseconds between it.
import type { Answer, Ask, Drawn, Machine, Runtime } from "../decoder";

declare const imago: Runtime;
declare function importScripts(...addresses: string[]): void;

importScripts("/assets/runtime.js");

const machines = new Map<number, Machine>();
const answer = (a: Answer, buffers: ArrayBuffer[] = []): void => (self as unknown as DedicatedWorkerGlobalScope).postMessage(a, buffers);
const copy = (a: Float32Array): Float32Array<ArrayBuffer> => new Float32Array(a);

const machine = (model: number): Machine => {
  const m = machines.get(model);
  if (!m) throw new Error("The model has been closed.");
  return m;
};

// drawn returns picture i of a seed as imago sample makes it, and its code if it is decoded from one.
function drawn(m: Machine, seed: string, i: number, latent: number, sampler: boolean, labels: Float32Array): Drawn {
  const key = imago.split(imago.seeded(BigInt(seed)), "sample");
  if (sampler) return { code: null, values: copy(m.run("sample", { key: imago.at(key, 0), labels }, i)["image"]!) };
  const code = new Float32Array(latent);
  imago.normal(key, i * latent, code);
  return { code, values: copy(m.run("decode", { z: code, labels })["image"]!) };
}

interface Task { id: number; step(): boolean } // step says whether there is more to do
const tasks: Task[] = [];
const channel = new MessageChannel();
let waiting = false;

function next(): void {
  if (waiting || !tasks.length) return;
  waiting = true;
  channel.port2.postMessage(0);
}

channel.port1.onmessage = () => { // messages from the page that came meanwhile are answered before the next slice
  waiting = false;
  const task = tasks[0];
  if (task) {
    try {
      if (!task.step()) tasks.splice(tasks.indexOf(task), 1);
    } catch (e) {
      tasks.splice(tasks.indexOf(task), 1);
      answer({ id: task.id, fault: String((e as Error).message) });
    }
  }
  next();
};

const slice = 4; // milliseconds

function many(ask: Ask & { op: "many" }): void {
  const { id, codes, units, labels } = ask, n = codes.length / units, m = machine(ask.model);
  const each = labels.length / n, of = (i: number): Float32Array => ask.own ? labels.subarray(i * each, (i + 1) * each) : labels;
  let from = 0;
  tasks.push({ id, step: () => {
    const first = from, start = performance.now();
    let values: Float32Array<ArrayBuffer> | null = null, size = 0;
    while (from < n && (from === first || performance.now() - start < slice) && from - first < 256) {
      const image = m.run("decode", { z: codes.subarray(from * units, (from + 1) * units), labels: of(from) })["image"]!;
      size = image.length;
      values ??= new Float32Array(Math.min(256, n - first) * size);
      values.set(image, (from - first) * size);
      from++;
    }
    const done = (values ?? new Float32Array(0)).slice(0, (from - first) * size);
    answer({ id, from: first, values: done, last: from >= n }, [done.buffer]);
    return from < n;
  } });
  next();
}

self.onmessage = async (event: MessageEvent<Ask>) => {
  const ask = event.data;
  try {
    switch (ask.op) {
      case "load": {
        const m = await imago.load(ask.program, ask.bytes, ask.half);
        machines.set(ask.model, m);
        answer({ id: ask.id, kind: m.kind, has: ["decode", "encode", "reconstruct", "sample"].filter((f) => m.has(f)) });
        break;
      }
      case "fill":
        machine(ask.model).fill(ask.bytes, ask.half);
        answer({ id: ask.id });
        break;
      case "run": {
        const results: Record<string, Float32Array<ArrayBuffer>> = {}, buffers: ArrayBuffer[] = [];
        for (const [name, values] of Object.entries(machine(ask.model).run(ask.name, ask.operands))) {
          results[name] = copy(values);
          buffers.push(results[name].buffer);
        }
        answer({ id: ask.id, results }, buffers);
        break;
      }
      case "sample": {
        const d = drawn(machine(ask.model), ask.seed, ask.index, ask.latent, ask.sampler, ask.labels);
        answer({ id: ask.id, drawn: d }, [d.values.buffer as ArrayBuffer]);
        break;
      }
      case "many": many(ask); break;
      case "cancel": {
        const at = tasks.findIndex((t) => t.id === ask.of);
        if (at >= 0) tasks.splice(at, 1);
        break;
      }
      case "close": machines.delete(ask.model); break;
    }
  } catch (e) {
    answer({ id: ask.id, fault: String((e as Error).message) });
  }
};
