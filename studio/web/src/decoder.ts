// Models at work in this page: a worker runs them, so that neither the page nor a training waits. A model that the page cannot
// compute is asked of the server.
import { get, getBytes, runPath, send, Fault, type Model, type Run } from "./api";
import { follow as events } from "./live";

// What the page asks of the worker, and what it answers.
export type Ask = { id: number; model: number } & (
  | { op: "load"; program: unknown; bytes: Uint8Array; half: boolean }
  | { op: "fill"; bytes: Uint8Array; half: boolean }
  | { op: "run"; name: string; operands: Record<string, Float32Array> }
  | { op: "sample"; seed: string; index: number; latent: number; sampler: boolean; labels: Float32Array }
  | { op: "many"; codes: Float32Array; units: number; labels: Float32Array; own: boolean } // own: labels has those of each code
  | { op: "cancel"; of: number }
  | { op: "close" });
type Asked = Ask extends infer A ? A extends Ask ? Omit<A, "id" | "model"> : never : never;
export interface Drawn { code: Float32Array | null; values: Float32Array }
export interface Answer {
  id: number; fault?: string;
  kind?: string; has?: string[];
  results?: Record<string, Float32Array>;
  drawn?: Drawn;
  from?: number; values?: Float32Array; last?: boolean; // of many: pictures from this one on
}

// The runtime of package browser, which every page of imago runs. It is a script of its own: /assets/runtime.js.
export interface Machine {
  has(name: string): boolean;
  run(name: string, operands: Record<string, Float32Array | number[]>, item?: number): Record<string, Float32Array>;
  fill(bytes: Uint8Array, half: boolean): void;
  kind: string;
}
export interface Runtime {
  load(program: unknown, bytes: Uint8Array, half: boolean, kernels?: string): Promise<Machine>;
  seeded(seed: bigint): number[]; split(key: number[], name: string): number[]; at(key: number[], i: number): number[];
  normal(key: number[], from: number, to: Float32Array): Float32Array;
}
declare const imago: Runtime;
let here: Promise<void> | null = null; // the runtime, in the page itself
const runtimeHere = (): Promise<void> => here ??= new Promise((done, failed) => {
  const script = document.createElement("script");
  script.src = "/assets/runtime.js";
  script.onload = () => done();
  script.onerror = () => failed(new Error("The runtime could not be loaded."));
  document.head.append(script);
});

// quick is how many milliseconds a decoding may take to be done by the page itself while the pointer moves: a worker answers
// after the frame has begun, so that its picture waits for the next one.
const quick = 4;

// The worker, one for all models that are open.
let worker: Worker | null = null, counter = 0, open = 0;
const pending = new Map<number, (a: Answer) => void>();

function ask(model: number, a: Asked, heard: (a: Answer) => void, buffers: ArrayBuffer[] = []): number {
  if (!worker) {
    worker = new Worker("/assets/decoder.js");
    worker.onmessage = (e: MessageEvent<Answer>) => pending.get(e.data.id)?.(e.data);
    worker.onerror = (e) => { // it could not start: all that wait are told
      e.preventDefault();
      for (const [id, f] of [...pending]) f({ id, fault: e.message || "The worker of this page could not be started." });
    };
  }
  const id = ++counter;
  pending.set(id, heard);
  worker.postMessage({ ...a, id, model }, buffers);
  return id;
}

const once = (model: number, a: Asked, buffers: ArrayBuffer[] = []): Promise<Answer> => new Promise((resolve, reject) => {
  const id: number = ask(model, a, (answer) => {
    pending.delete(id);
    if (answer.fault) reject(new Error(answer.fault));
    else resolve(answer);
  }, buffers);
});

export interface Decoder {
  readonly model: Model;
  readonly step: number;               // of the weights
  readonly epoch: number;
  readonly server: string;             // why the server computes, "" where this page does
  readonly kind: string;               // of the kernels: relaxed, simd, plain or server
  can(name: "decode" | "encode" | "reconstruct" | "sample"): boolean;
  readonly now: ((z: Float32Array, labels: Float32Array) => Float32Array) | null; // decodes at once, of a quick model; the next call overwrites it
  decode(z: Float32Array, labels?: Float32Array): Promise<Float32Array | null>; // null: overtaken by a later call
  // decodeMany decodes codes in slices; labels are those of all codes, or those of one code after another.
  decodeMany(codes: Float32Array, labels: Float32Array | undefined, slice: (from: number, values: Float32Array) => void, signal?: AbortSignal): Promise<void>;
  encode(x: Float32Array, labels?: Float32Array): Promise<{ mean: Float32Array; logVar: Float32Array | null }>;
  reconstruct(x: Float32Array, labels?: Float32Array): Promise<Float32Array>;
  sample(seed: bigint, i: number, labels?: Float32Array): Promise<Drawn>; // as imago sample --seed draws it
  onWeights(f: (step: number) => void): () => void;
  follow(at: string): Promise<void>;   // shows the weights of another moment; "live" goes on following
  close(): void;
}

const none = new Float32Array(0);

// watch tells the server every 3 seconds that this page shows the live weights of a run, until what it returns is called. A
// hidden page shows nothing.
const watched: string[] = [];
let beat = 0;
const sayWatched = (): void => { if (!document.hidden) void send("POST", "watch", { runs: [...new Set(watched)] }).catch(() => { /* the next comes soon */ }); };
function watch(id: string): () => void {
  watched.push(id);
  if (!beat) beat = setInterval(sayWatched, 3000) as unknown as number;
  sayWatched();
  return () => {
    watched.splice(watched.indexOf(id), 1);
    if (!watched.length) { clearInterval(beat); beat = 0; }
  };
}

// openModel opens the model of a run, at the best checkpoint unless told. A decoder of a model without labels ignores them. With
// pointer, the page itself decodes too, if it is quick enough: see Decoder.now.
export async function openModel(id: string, at = "best", pointer = false): Promise<Decoder> {
  const number = ++counter, heard = new Set<(step: number) => void>();
  let model: Model, step = 0, epoch = 0, etag = "", has: string[] = [], kind = "", why = "", place = at, closed = false;
  let local: Machine | null = null, slow = !pointer;

  const ofRun = (rest: string, where: string): string => runPath(id, `${rest}?at=${encodeURIComponent(where)}`);

  // loadHere loads the model into the page too, if it decodes quickly enough.
  const loadHere = async (program: unknown, bytes: Uint8Array, half: boolean): Promise<void> => {
    try {
      await runtimeHere();
      const m = await imago.load(program, bytes, half), z = new Float32Array(model.latent), labels = new Float32Array(model.labels.length);
      let least = Infinity;
      for (let i = 0; i < 6 && least > quick / 4; i++) { const start = performance.now(); m.run("decode", { z, labels }); least = Math.min(least, performance.now() - start); }
      slow = least > quick;
      if (!slow && !closed && program === model.program) local = m;
    } catch { slow = true; /* the worker does it */ }
  };

  // load fetches weights, and the program too if it is another one. It says whether anything is new.
  const load = async (where: string): Promise<boolean> => {
    const response = await getBytes(ofRun("/weights", where), etag ? { "If-None-Match": etag } : {});
    if (response.status === 304) return false;
    const bytes = new Uint8Array(await response.arrayBuffer()), version = response.headers.get("Imago-Version") ?? "";
    const half = response.headers.get("Imago-Half") === "true", own = slow ? null : bytes.slice(), known = kind && version === model.version;
    if (!known) {
      if (kind) model = await get<Model>(ofRun("/model", where));
      const loaded = await once(number, { op: "load", program: model.program, bytes, half }, [bytes.buffer]);
      kind = loaded.kind!; has = loaded.has!;
    } else await once(number, { op: "fill", bytes, half }, [bytes.buffer]);
    if (own && local && known) local.fill(own, half);
    else if (own && has.includes("decode")) { local = null; void loadHere(model.program, own, half); }
    etag = response.headers.get("ETag") ?? "";
    step = Number(response.headers.get("Imago-Step") ?? 0);
    epoch = Number(response.headers.get("Imago-Epoch") ?? 0);
    return true;
  };

  try {
    model = await get<Model>(ofRun("/model", at));
    await load(at);
  } catch (e) {
    const run = await get<Run>(runPath(id)).catch(() => null);
    if (!run || run.can.page && !(e instanceof Fault && e.status === 422)) throw e;
    why = run.cannot || (e as Error).message;
    kind = "server";
    has = (["decode", "encode", "reconstruct", "sample"] as const).filter((f) => run.can[f]);
    model = {
      program: null, shape: run.shape, latent: run.latent, sampler: run.can.sample && !run.can.decode, labels: run.labels, attributes: false,
      order: Array.from({ length: run.latent }, (_, i) => i), plane: [0, Math.min(1, run.latent - 1)], reach: 3, classes: [], colors: [], version: "",
    };
  }
  open++;

  // asked asks the API of the server, which has the best weights, for what this page cannot compute: raw float32 numbers.
  const asked = async (path: string, body?: Record<string, unknown>, labels?: Float32Array): Promise<Float32Array> => {
    const on = labels ? Array.from(labels).flatMap((v, k) => v ? [k] : []) : [], label = on.length ? `&label=${on.join()}` : "";
    const response = await fetch(`/v1/models/${encodeURIComponent(id.replaceAll(":", "-"))}/${path}format=raw${label}`, body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {});
    if (!response.ok) throw new Fault(response.status, (await response.json().catch(() => null) as { title?: string } | null)?.title ?? response.statusText);
    return new Float32Array(await response.arrayBuffer());
  };
  const run = async (name: "decode" | "encode" | "reconstruct", operands: Record<string, Float32Array>): Promise<Record<string, Float32Array>> => {
    if (!why) return (await once(number, { op: "run", name, operands })).results!;
    const values = await asked(`${name}?`, name === "decode" ? { codes: [Array.from(operands["z"]!)] } : { items: [Array.from(operands["x"]!)] }, operands["labels"]);
    return name === "encode" ? { mean: values.slice(0, model.latent) } : { image: values };
  };

  let busy = false, newest: { z: Float32Array; labels: Float32Array; done(v: Float32Array | null): void; failed(e: unknown): void } | null = null;
  const pump = (): void => { // one decoding at a time, of the newest code
    if (busy || !newest) return;
    const n = newest;
    newest = null; busy = true;
    run("decode", { z: n.z, labels: n.labels }).then((r) => n.done(r["image"]!), n.failed).finally(() => { busy = false; pump(); });
  };

  const refresh = async (): Promise<void> => {
    if (closed || why) return;
    try { if (await load(place) && !closed) for (const f of heard) f(step); } catch (e) { if (!closed) throw e; }
  };
  let leave: (() => void) | null = null;
  const live = (): void => {
    leave?.(); leave = null;
    if (place !== "live" || why) return;
    const hear = (): void => void refresh().catch(() => { /* the next weights come */ });
    const deaf = events((e) => { if (e.type === "weights" && e.id === id || e.type === "reset") hear(); }), unwatch = watch(id);
    const seen = (): void => { if (!document.hidden) { sayWatched(); hear(); } }; // events that came while it was hidden
    document.addEventListener("visibilitychange", seen);
    leave = () => { deaf(); unwatch(); document.removeEventListener("visibilitychange", seen); };
  };
  live();

  return {
    get model() { return model; }, get step() { return step; }, get epoch() { return epoch; }, get kind() { return kind; }, server: why,
    get now() { const m = local; return m && ((z: Float32Array, labels: Float32Array) => m.run("decode", { z, labels })["image"]!); },
    can: (name) => has.includes(name),
    decode: (z, labels = none) => new Promise((done, failed) => {
      newest?.done(null);
      newest = { z: Float32Array.from(z), labels, done, failed };
      pump();
    }),
    decodeMany: (codes, labels = none, slice, signal) => new Promise((resolve, reject) => {
      if (signal?.aborted) return resolve();
      const units = model.latent, n = codes.length / units, each = model.labels.length, own = n > 1 && each > 0 && labels.length === n * each;
      if (why) {
        void (async () => {
          for (let i = 0; i < n && !signal?.aborted; i++) slice(i, (await run("decode", { z: codes.subarray(i * units, (i + 1) * units), labels: own ? labels.subarray(i * each, (i + 1) * each) : labels }))["image"]!);
        })().then(resolve, reject);
        return;
      }
      const end = (): void => { pending.delete(asking); resolve(); };
      const asking: number = ask(number, { op: "many", codes, units, labels, own }, (a) => {
        if (a.fault) { pending.delete(asking); reject(new Error(a.fault)); return; }
        slice(a.from!, a.values!);
        if (a.last) end();
      });
      signal?.addEventListener("abort", () => {
        if (!pending.has(asking)) return;
        ask(number, { op: "cancel", of: asking }, () => { /* it has no answer */ });
        end();
      }, { once: true });
    }),
    encode: async (x, labels = none) => {
      const r = await run("encode", { x, labels });
      return { mean: r["mean"]!, logVar: r["log_var"] ?? null };
    },
    reconstruct: async (x, labels = none) => (await run("reconstruct", { x, labels }))["image"]!,
    sample: async (seed, i, labels = none) => {
      if (!why) return (await once(number, { op: "sample", seed: String(seed), index: i, latent: model.latent, sampler: model.sampler, labels })).drawn!;
      const all = await asked(`sample?seed=${seed}&n=${i + 1}&`, undefined, labels), size = all.length / (i + 1);
      return { code: null, values: all.slice(i * size) };
    },
    onWeights: (f) => { heard.add(f); return () => heard.delete(f); },
    follow: async (where) => {
      if (where === place) return;
      place = where;
      live();
      await refresh();
    },
    close: () => {
      if (closed) return;
      closed = true;
      leave?.();
      heard.clear();
      if (!why && worker) worker.postMessage({ id: 0, model: number, op: "close" } satisfies Ask);
      if (--open === 0) { worker?.terminate(); worker = null; pending.clear(); }
    },
  };
}

// paint draws values in [0, 1] of a grey or coloured picture on a canvas, which gets the size of the picture.
export function paint(canvas: HTMLCanvasElement, values: ArrayLike<number>, shape: number[]): void {
  const h = shape[0]!, w = shape[1]!;
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  canvas.classList.toggle("sharp", Math.max(h, w) <= 40);
  canvas.getContext("2d")!.putImageData(imageOf(values, 0, shape), 0, 0);
}

// imageOf returns the pixels of a picture that begins at from.
export function imageOf(values: ArrayLike<number>, from: number, shape: number[]): ImageData {
  const [h, w, c] = shape as [number, number, number], image = new ImageData(w, h), to = new Uint32Array(image.data.buffer);
  const level = (v: number): number => v <= 0 ? 0 : v >= 1 ? 255 : 255 * v + 0.5 | 0;
  for (let i = 0, at = from; i < h * w; i++, at += c) {
    const r = level(values[at]!), g = c === 3 ? level(values[at + 1]!) : r, b = c === 3 ? level(values[at + 2]!) : r;
    to[i] = 0xff000000 | b << 16 | g << 8 | r;
  }
  return image;
}
