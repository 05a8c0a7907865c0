// What can be done with a run, from any view.
import { useState } from "preact/hooks";
import { runPath, send, type Job, type RunSummary } from "../api";
import { drop, jobs, put, refresh } from "../live";
import { address, go } from "../router";
import { Dialog, Field } from "./bits";
import { many, plain } from "./format";
import { complain, say } from "./toast";

export const isZoo = (r: { id: string }): boolean => r.id.startsWith("zoo:");

// remove deletes runs, and offers to take it back.
export async function remove(all: RunSummary[]): Promise<void> {
  const gone: { run: RunSummary; undo: string }[] = [];
  let dropped = 0;
  try {
    for (const run of all) {
      const { undo } = await send<{ undo: string }>("DELETE", runPath(run.id));
      if (undo) gone.push({ run, undo }); else dropped++;
      drop(run.id);
    }
  } catch (e) { complain(e); }
  if (dropped) say(`${many(dropped, "run")} out of the queue.`);
  if (!gone.length) return;
  const back = async (): Promise<void> => {
    try { for (; gone.length; gone.shift()) put(await send<RunSummary>("POST", `undo/${encodeURIComponent(gone[0]!.undo)}`)); }
    catch (e) { say((e as Error).message, "Undo", back, true); void refresh(); } // it may go when another run is renamed
  };
  say(gone.length === 1 ? `${gone[0]!.run.id} is deleted.` : `${many(gone.length, "run")} are deleted.`, "Undo", back);
}

// change changes what a person says of a run: its name, tags, note.
export async function change(run: RunSummary, to: { name?: string; tags?: string[]; note?: string }): Promise<RunSummary | null> {
  try {
    const now = await send<RunSummary>("PUT", runPath(run.id), to);
    if (now.id !== run.id) drop(run.id);
    put(now);
    if (to.name && now.id !== run.id) say(`${run.id} is now ${now.id}.`, "Undo", () => change(now, { name: run.id }));
    return now;
  } catch (e) { complain(e); return null; }
}

export async function command(id: string, what: "stop" | "pause" | "resume", body?: { epochs?: number; steps?: number }): Promise<void> {
  const said = { stop: "It stops after this step, and keeps all of its work.", pause: "It pauses.", resume: "It goes on." };
  try {
    const now = await send<RunSummary | null>("POST", runPath(id, `/${what}`), body ?? {});
    if (now) put(now); else drop(id);
    say(!now ? `${id} is out of the queue.` : now.state === "waiting" && jobs.value.some((j) => j.state === "running") ? `${id} waits in the queue.` : said[what]);
  } catch (e) { complain(e); }
}

export async function measure(id: string): Promise<void> {
  try { await send<Job>("POST", runPath(id, "/judge")); say("The measurement is in the queue."); } catch (e) { complain(e); }
}

export function RenameDialog({ run, onClose }: { run: RunSummary; onClose: () => void }) {
  const [name, set] = useState(run.id);
  const done = async (e: Event): Promise<void> => { e.preventDefault(); if (name === run.id || await change(run, { name })) onClose(); };
  return <Dialog title="Rename the run" onClose={onClose}><form class="col gap" onSubmit={(e) => void done(e)}>
    <Field label="Name" hint="Its folder gets this name.">{(id, by) => <input id={id} aria-describedby={by} required value={name} onInput={(e) => set(e.currentTarget.value)} />}</Field>
    <footer><button type="button" class="btn" onClick={onClose}>Cancel</button><button class="btn primary">Rename</button></footer></form></Dialog>;
}

export function TagsDialog({ all, onClose }: { all: RunSummary[]; onClose: () => void }) {
  const one = all.length === 1 ? all[0]! : null;
  const [text, set] = useState(one ? one.tags.join(", ") : "");
  const done = async (e: Event): Promise<void> => {
    e.preventDefault();
    const tags = [...new Set(text.split(",").map((t) => t.trim()).filter(Boolean))];
    for (const r of all) if (!await change(r, { tags: one ? tags : [...new Set([...r.tags, ...tags])] })) return;
    onClose();
  };
  return <Dialog title={one ? `Tags of ${plain(one.id)}` : `Tag ${many(all.length, "run")}`} onClose={onClose}><form class="col gap" onSubmit={(e) => void done(e)}>
    <Field label="Tags" hint="Words, with commas between them.">{(id, by) => <input id={id} aria-describedby={by} value={text} onInput={(e) => set(e.currentTarget.value)} />}</Field>
    <footer><button type="button" class="btn" onClick={onClose}>Cancel</button><button class="btn primary">{one ? "Save" : "Add"}</button></footer></form></Dialog>;
}

// ProlongDialog asks for how long a run shall go on.
export function ProlongDialog({ run, onClose }: { run: RunSummary; onClose: () => void }) {
  const steps = run.epochs === 0, [to, set] = useState(String(steps ? run.steps * 2 : run.epochs * 2));
  const n = Number(to), done = steps ? run.step : run.epoch, good = Number.isInteger(n) && n > done;
  const act = async (e: Event): Promise<void> => { e.preventDefault(); await command(run.id, "resume", steps ? { steps: n } : { epochs: n }); onClose(); };
  return <Dialog title="Train on" onClose={onClose}><form class="col gap" onSubmit={(e) => void act(e)}>
    <Field label={steps ? "Steps in all" : "Epochs in all"} hint={`${done} are done. The run goes on from its last checkpoint.`} error={good ? undefined : `It must be a whole number above ${done}.`}>{(id, by) => <input id={id} aria-describedby={by} aria-invalid={!good} type="number" min={done + 1} value={to} onInput={(e) => set(e.currentTarget.value)} />}</Field>
    <footer><button type="button" class="btn" onClick={onClose}>Cancel</button><button class="btn primary" disabled={!good}>Train on</button></footer></form></Dialog>;
}

export function compare(ids: string[]): void { go(address("compare", "", { runs: ids.join(",") })); }

// chief names the number by which runs are listed.
export function chief(r: RunSummary): string {
  for (const k of ["validation_loss", "val_loss", "test_loss", "test_g_loss", "g_loss", "loss"]) if (k in r.last || k in r.best) return k;
  return Object.keys(r.best)[0] ?? Object.keys(r.last)[0] ?? "";
}
