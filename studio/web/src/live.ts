// What happens in the studio, as it happens. All tabs of the browser share one stream of events: the tab that holds a lock
// reads it and tells the others. Only tabs that can be seen ask for the lock, so the stream is closed while all are hidden.
// A tab that has missed events (it was hidden, or the server cannot resume) asks for everything anew.
import { get, type Job, type LiveEvent, type LogLine, type RunSummary, type Warning } from "./api";
import { Store } from "./parts/store";

interface Numbered { id: string; event: LiveEvent }
type Told = { kind: "events"; after: string; events: Numbered[] } | { kind: "state"; state: Connection } | { kind: "ask" } | { kind: "here" };
export type Connection = "connecting" | "live" | "lost";

export const runs = new Store<Map<string, RunSummary> | null>(null); // null until they are known
export const jobs = new Store<Job[]>([]);
export const connection = new Store<Connection>("connecting");
export const fault = new Store<string>(""); // why the runs cannot be listed

const followers = new Set<(e: LiveEvent) => void>();
const channel = new BroadcastChannel("imago-events");
let last = "";       // id of the last event that this tab has seen
let release: (() => void) | null = null;
let leading = false;
let others = false;  // whether this browser has, or has had, another tab, which is told

// follow calls f with every event, until what it returns is called.
export function follow(f: (e: LiveEvent) => void): () => void { followers.add(f); return () => { followers.delete(f); }; }
export const onLines = (id: string, f: (line: LogLine) => void): (() => void) => follow((e) => { if (e.type === "line" && e.id === id) f(e.line); });
export const onWarnings = (id: string, f: (w: Warning) => void): (() => void) => follow((e) => { if (e.type === "warning" && e.id === id) f(e.warning); });

// refresh asks for the runs and the jobs.
export async function refresh(): Promise<void> {
  try {
    const [all, queue] = await Promise.all([get<RunSummary[]>("runs"), get<Job[]>("jobs").catch((): Job[] => [])]);
    runs.set(new Map(all.map((r) => [r.id, r])));
    jobs.set(queue);
    fault.set("");
  } catch (e) {
    fault.set((e as Error).message);
  }
}

// put notes a run that a call has answered, before its event comes.
export function put(run: RunSummary): void { take([{ id: "", event: { type: "run", run } }]); }
export function drop(id: string): void { take([{ id: "", event: { type: "removed", id } }]); }

function take(events: Numbered[]): void {
  let map = runs.value, queue: Job[] | null = null, changed = false;
  const change = (): Map<string, RunSummary> => { if (!changed) { map = new Map(map); changed = true; } return map!; };
  for (const { event: e } of events) {
    if (e.type === "run" && map) change().set(e.run.id, e.run);
    else if (e.type === "removed" && map) change().delete(e.id);
    else if (e.type === "job") { // the order is that of the queue, not that of their coming
      const now: Job[] = queue ?? jobs.value, at = now.findIndex((j) => j.id === e.job.id);
      queue = at < 0 ? [...now, e.job] : now.with(at, e.job);
    }
    else if (e.type === "reset") void refresh();
  }
  if (changed) runs.set(map);
  if (queue) jobs.set(queue);
  for (const { event } of events) for (const f of [...followers]) f(event);
}

function hear(told: Told): void {
  if (told.kind === "here" || told.kind === "ask") {
    if (told.kind === "ask") channel.postMessage({ kind: "here" } satisfies Told);
    else if (!others) void refresh(); // what it was not told
    others = true;
  }
  if (told.kind === "here") return;
  if (told.kind === "ask") { if (leading) channel.postMessage({ kind: "state", state: connection.value } satisfies Told); return; }
  if (told.kind === "state") { connection.set(told.state); return; }
  if (last !== "" && told.after !== last) take([{ id: "", event: { type: "reset" } }]);
  last = told.events.at(-1)?.id || last;
  take(told.events);
}
channel.onmessage = (m: MessageEvent<Told>) => hear(m.data);
function tell(told: Told): void { if (others) channel.postMessage(told); hear(told); }

// read reads the stream until it ends. EventSource cannot be told where to resume in another tab, so the stream is parsed here.
async function read(signal: AbortSignal): Promise<void> {
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (last) headers["Last-Event-ID"] = last;
  const response = await fetch("/api/events", { headers, signal, cache: "no-store" });
  if (!response.ok || !response.body) throw new Error(`events: ${response.status}`);
  tell({ kind: "state", state: "live" });
  const reader = response.body.getReader(), decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += decoder.decode(value, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop()!;
    const events: Numbered[] = [], after = last;
    for (const block of blocks) {
      let id = "", type = "", data = "";
      for (const line of block.split(/\r?\n/)) {
        const m = /^(id|event|data): ?(.*)$/.exec(line);
        if (!m) continue;
        if (m[1] === "id") id = m[2]!;
        else if (m[1] === "event") type = m[2]!;
        else data += m[2]!;
      }
      if (data) events.push({ id, event: JSON.parse(data) as LiveEvent });
      else if (type === "reset") events.push({ id, event: { type: "reset" } });
    }
    if (events.length) tell({ kind: "events", after, events });
  }
}

async function lead(signal: AbortSignal): Promise<void> {
  leading = true;
  signal.addEventListener("abort", () => { leading = false; });
  for (let wait = 250; !signal.aborted; wait = Math.min(wait * 2, 4000)) {
    const began = performance.now();
    try { await read(signal); } catch { /* told below */ }
    if (signal.aborted) return;
    if (performance.now() - began > 5000) wait = 250;
    tell({ kind: "state", state: "lost" });
    await new Promise((done) => setTimeout(done, wait));
  }
}

function show(): void {
  if (document.hidden) { release?.(); release = null; return; }
  if (release) return;
  const stop = new AbortController();
  release = () => stop.abort();
  const locks = navigator.locks as LockManager | undefined; // absent where the page is not of a secure origin
  if (locks) locks.request("imago-events", { signal: stop.signal }, () => lead(stop.signal)).catch(() => { /* given up for a hidden tab */ });
  else void lead(stop.signal);
}

// begin opens the stream. The page calls it once.
export function begin(): void {
  document.addEventListener("visibilitychange", show);
  addEventListener("pagehide", () => { release?.(); release = null; });
  window.addEventListener("pageshow", (e) => { if (e.persisted) show(); });
  channel.postMessage({ kind: "ask" } satisfies Told);
  void refresh();
  let was: Connection = "connecting";
  connection.follow((state) => { if (state === "live" && was === "lost") void refresh(); was = state; });
  show();
}
