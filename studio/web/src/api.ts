// What the page and the studio say to each other. The Go side is package studio: a field that changes there changes here.
// Everything is JSON unless it is said to be binary. Numbers that are not finite are null. Times are milliseconds since
// 1970. A fault is {"title": "...", "fields": [{"field": "epochs", "text": "..."}]} with status 4xx or 5xx.
// What changes something is POST, PUT or DELETE and needs the Origin of the page.

// --- Runs. The id of a run is its folder's name; of a model that imago brings along it is "zoo:NAME".

export type State = "training" | "waiting" | "paused" | "stopped" | "complete" | "failed" | "damaged" | "model";

// GET /api/runs → RunSummary[]: the run trained last first, the zoo's last.
export interface RunSummary {
  id: string; recipe: string; kind: string; data: string; state: State;
  epoch: number; epochs: number; step: number; steps: number; // done, and in all; 0 = by the other
  progress: number;          // 0 to 1
  trained: number;           // when it was last trained
  seconds: number;           // of training so far
  remaining: number | null;  // seconds, of one that trains
  bytes: number;
  best: Metrics; last: Metrics; // by the names of the log: test_loss, …
  spark: (number | null)[];  // the test loss (or generator loss) of at most 40 epochs
  thumbnail: string | null;  // address of a small PNG
  tags: string[]; note: string;
  fault: string;             // why no more is known, or how it failed; ""
}
export type Metrics = Record<string, number | null>;

// GET /api/runs/ID → Run. GET /api/runs/ID?at=NAME is the run at one of its checkpoints.
export interface Run extends RunSummary {
  about: string;             // of the recipe, one line
  paper: string;             // "" or a citation
  config: unknown;           // run.json
  command: string;           // that makes the same run
  processes: Process[];
  warnings: Warning[];       // the newest 1,000, the newest last
  earlierWarnings: number;   // that are not among them
  checkpoints: Checkpoint[]; // the oldest first
  pictures: { name: string; title: string; address: string }[]; // those of the run's folder
  can: { encode: boolean; decode: boolean; reconstruct: boolean; sample: boolean; classify: boolean; page: boolean }; // page: the page can compute it by itself
  cannot: string;            // why page is false, "" otherwise
  shape: number[];           // of an item: H, W, C
  medium: string;            // "image" or "table"
  latent: number;            // units of a code
  labels: string[];          // what a conditional model is told, by name
  gan: boolean;
}
export interface Process { started: number; seconds: number; from: number; step: number; ended: string; command: string; processor: string; threads: number; warnings: string[] }
export interface Warning { name: string; text: string; epoch: number; step: number; remedies: Remedy[] }
export interface Remedy { text: string; options: Record<string, string> | null } // of the changed run; null = a person has to choose the value
export interface Checkpoint { name: string; epoch: number; step: number; when: number; best: boolean; bytes: number }

// GET /api/runs/ID/curves?from=STEP&to=STEP&points=2000 → Curves. Of more lines than points, lines at equal distances.
export interface Curves { steps: Series; epochs: Series; every: number; everyEpoch: number } // every: one of so many step lines is here; everyEpoch: and of epoch lines
export interface Series {
  step: number[]; epoch: number[]; seconds: number[]; // one of each a line; seconds of training since the start
  train: Record<string, (number | null)[]>; test: Record<string, (number | null)[]>;
  validation: Record<string, (number | null)[]>;
  unitKL: number[][];        // of epoch lines; [] where a line has none
}

// What the page computes by itself.
// GET /api/runs/ID/model?at=AT → Model. AT is "best" (default), "latest", "live" or the name of a checkpoint.
export interface Model {
  program: unknown;          // of package browser: runtime.js loads it
  shape: number[]; latent: number; sampler: boolean;
  labels: string[]; attributes: boolean; // any of the labels may be chosen, not one alone
  order: number[];           // the units, the most important first
  plane: [number, number]; reach: number;
  classes: string[]; colors: [number, number, number][]; // of the points
  version: string;           // of the program: other weights of the same version may be loaded into it
}
// GET /api/runs/ID/weights?at=AT → binary: what runtime.js loads into the program. Headers: Imago-Half: true or false,
// Imago-Step, Imago-Epoch, Imago-Version (as Model.version), ETag. 304 if they have not changed.

// GET /api/runs/ID/codes?at=AT → binary, little endian: uint32 n, uint32 units (Z, at most 64), uint32 of which plane
// (unit x), uint32 unit y, uint32 attributes A; float32 means (n, Z); int32 class (n), −1 of none; uint8 attributes (n, A);
// int32 index (n): the item of its set. Headers: Imago-Set: train or test; Imago-Attributes and Imago-Classes: names as JSON, percent-encoded. 204 with Imago-Why (percent-encoded) where the codes are not known.
// POST /api/runs/ID/codes?at=AT starts computing them of the test set (or up to 100,000 items) → 202; event "codes".
// GET /api/runs/ID/projection?kind=pca|tsne&at=AT → binary: uint32 n, then float32 (n, 2), in the order of codes, n first of them.
//   pca also has header Imago-Components: JSON {mean: number[], axes: number[][]} so that a point is a code.
// GET /api/runs/ID/items/INDEX.png?set=train|test → PNG of an item.
// GET /api/runs/ID/directions?at=AT → Direction[]: of attributes, or of classes.
export interface Direction { name: string; vector: number[]; auroc: number; items: number; deviation: number } // one unit of strength is one deviation of the codes along it
// GET /api/runs/ID/samples.png?seed=7&n=16&at=AT&label=K; GET /api/runs/ID/reconstructions.png?n=8&at=AT → PNG sheets; of
//   samples cols=N says in how many columns, only=I is one of them
// GET /api/runs/ID/file/NAME → a file of the run's folder: pictures and report.
// POST /api/runs/ID/own (PNG or JPEG body; ?at=) → Own: of what the page cannot compute.
export interface Own {
  code: number[]; neighbours: { index: number; set: string; distance: number; class: string }[];
  anomaly: { score: number; share: number; threshold: number | null } | null; // share: of training items that score less
  cannot: string;
}
// POST /api/runs/ID/film {codes: number[][], labels: number[] | null, format: "gif", fps, size} → the film, binary.

// POST /api/runs/ID/stop | pause | resume {epochs?: n, steps?: n} → RunSummary, null of one that was stopped before it began;
// PUT /api/runs/ID {name?, tags?, note?} → RunSummary;
// DELETE /api/runs/ID → {undo: "TOKEN"}, "" of one that had not begun; POST /api/undo/TOKEN → RunSummary.

// GET /api/runs/ID/judge → Judge
export interface Judge {
  metrics: { name: string; value: number | null; low: number | null; high: number | null; protocol: string; up: boolean; step: number }[];
  anomalies: { index: number; set: string; score: number; class: string }[]; // the highest first
  clusters: { name: string; share: number; classes: Record<string, number> }[];
  memorised: { sample: string; index: number; distance: number }[]; // sample: address of a PNG
  cannot: Record<string, string>; // why a part is missing, and the way out
}
// POST /api/runs/ID/judge starts imago eval as a job → Job.

// --- Jobs: trainings and evaluations, one after another.
// GET /api/jobs → Job[]; POST /api/jobs Wanted → Job; POST /api/jobs/check Wanted → Checked;
// POST /api/jobs/ID/remove; PUT /api/jobs/ID {before: ID | null}.
export interface Job { id: string; kind: "train" | "eval"; run: string; state: "waiting" | "running" | "paused" | "done" | "failed"; command: string; added: number; text: string } // text: the last line it printed
export interface Wanted { recipe: string; data: string; name?: string; options: Record<string, string>; init?: string }
export interface Checked {
  errors: { field: string; text: string }[]; // field "" = of the whole
  notes: string[]; command: string; name: string;
  memory: number | null;     // bytes
  seconds: number | null;    // of training on this machine, as measured or reckoned; null = unknown
  parameters: number | null; items: number | null;
}

// --- Starting.
// GET /api/recipes?items=N&shape=H,W,C → Recipe[]: minutes are those of training on so many items of that shape, null if unknown
export interface Recipe { name: string; kind: string; about: string; paper: string; family: "vae" | "gan"; picture: string | null; like: string; defaults: Record<string, string>; minutes: number | null }
// GET /api/options?recipe=NAME → Option[]: those of training, then those of the kind.
export interface Option { name: string; type: "int" | "float" | "bool" | "string" | "ints"; help: string; default: string; group: string; values: string[] | null; common: boolean }
// GET /api/data → DataSet[]: what imago knows by name, then files and folders below the root, and what was uploaded.
export interface DataSet { source: string; name: string; about: string; kind: "drawn" | "set" | "folder" | "file" | "upload"; present: boolean; picture: string | null }
// GET /api/data/preview.png?source=S&few=1 → a few items of a set that imago knows by name, for its card.
// GET /api/data/look?source=S&size=N → Look: it may take long; 202 {progress} until it is known.
export interface Look {
  source: string; name: string; medium: string; shape: number[]; train: number; test: number;
  classes: { name: string; items: number }[]; attributes: string[]; notes: { kind: string; text: string }[]; // what was left out, and why
  preview: string;           // address of a PNG
  suggestion: { recipe: string; options: Record<string, string>; why: string };
}
// POST /api/data/upload?name=NAME (binary: a zip, CSV, NPZ or picture) → DataSet. POST /api/data/upload?into=FOLDER&name=… adds a picture.
// GET /api/browse?path=P → {path, parent, entries: {name, folder, bytes}[], more}: below the root only; more are not listed.

// --- Live: GET /api/events, server-sent events; id counts up, Last-Event-ID resumes, "reset" where it cannot.
export type LiveEvent =
  | { type: "run"; run: RunSummary }                    // it is new, or something of it has changed
  | { type: "removed"; id: string }
  | { type: "line"; id: string; line: LogLine }         // the log has grown
  | { type: "weights"; id: string; step: number; epoch: number } // newer weights are to be had as at=live
  | { type: "codes"; id: string } | { type: "warning"; id: string; warning: Warning }
  | { type: "job"; job: Job } | { type: "reset" };
export interface LogLine { kind: "step" | "epoch" | "interval"; epoch: number; step: number; seconds: number; train: Metrics; test: Metrics; validation: Metrics; unitKL: number[] }
// POST /api/watch {runs: string[]}: the runs whose live weights this tab shows, said again every 3 seconds; without it a
// training writes none, and nothing is slower.

// GET /api/studio → {version, root, folder, cores, processor, token: "…"}.
export interface Studio { version: string; root: string; folder: string; cores: number; processor: string; memory: number }

// --- Calls.

export class Fault extends Error {
  constructor(readonly status: number, title: string, readonly fields: { field: string; text: string }[] = []) { super(title); }
}

async function call(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch("/api/" + path, init);
  } catch {
    throw new Fault(0, "The studio does not answer. Has it been stopped? Start it again with imago studio.");
  }
  if (response.ok || response.status === 304) return response;
  const told = await response.json().catch(() => null) as { title?: string; fields?: { field: string; text: string }[] } | null;
  throw new Fault(response.status, told?.title ?? `${response.status} ${response.statusText}`, told?.fields);
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> => (await call(path, signal ? { signal } : {})).json() as Promise<T>;
export const getBytes = async (path: string, headers: Record<string, string> = {}): Promise<Response> => call(path, { headers });
export async function send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
  const raw = body instanceof Blob || body instanceof ArrayBuffer;
  const init: RequestInit = { method };
  if (raw) init.body = body;
  else if (body !== undefined) { init.body = JSON.stringify(body); init.headers = { "Content-Type": "application/json" }; }
  const response = await call(path, init);
  return (response.headers.get("Content-Type")?.includes("json") ? response.json() : response.blob()) as Promise<T>;
}
export const runPath = (id: string, rest = ""): string => `runs/${encodeURIComponent(id)}${rest}`;
