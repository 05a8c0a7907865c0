// A run, while it trains and after: curves and pictures, at one moment of its time.
import { useEffect, useState } from "preact/hooks";
import { get, runPath, type Run, type RunSummary, type Warning } from "../api";
import type { ViewProps } from "../main";
import { follow, jobs, runs } from "../live";
import { address, setQuery } from "../router";
import { ProlongDialog, RenameDialog, TagsDialog, chief, command, isZoo, remove } from "../parts/actions";
import { Badge, Command, Menu, Meter, Note, Picture } from "../parts/bits";
import { CurvesPanel } from "../parts/curves";
import { ago, bytes, count, nice, number, plain, span } from "../parts/format";
import { Term } from "../parts/glossary";
import { Icon } from "../parts/icons";
import { Samples, SeedField } from "../parts/samples";
import { together, useLoad, useSelected, useSlow, useStore } from "../parts/store";
import { Timeline } from "../parts/timeline";

// What changes with each line of the log of a run in training: the view as a whole is drawn when anything else has changed.
const moving = new Set(["epoch", "step", "progress", "trained", "seconds", "remaining", "bytes", "best", "last", "spark"]);
const still = (r: RunSummary | null | undefined): string => JSON.stringify(r, (k, v: unknown) => moving.has(k) ? undefined : v) ?? "";

// Facts shows how far a run is. onEpoch is told of epochs, at most every 10 seconds: one may take less than a second, its pictures more.
function Facts({ run, onEpoch }: { run: Run; onEpoch: (epoch: number) => void }) {
  const now = useSelected(runs, (map) => map?.get(run.id), Object.is, together) ?? run, training = now.state === "training", key = chief(now);
  const epoch = useSlow(now.epoch, 10000);
  useEffect(() => onEpoch(epoch), [epoch]);
  return <div class="facts">
    <div class="fact wide-fact"><span class="mute small">Progress</span><b>{now.epochs ? <>epoch {now.epoch}<span class="mute"> of {now.epochs}</span></> : <>step {count(now.step)}<span class="mute">{now.steps ? ` of ${count(now.steps)}` : ""}</span></>}</b><Meter value={now.progress} label="Progress" look={now.state === "complete" ? "ok" : training ? "" : "off"} /></div>
    <div class="fact"><span class="mute small">{training ? "Left" : "Time"}</span><b>{span(training ? now.remaining : now.seconds)}</b><span class="mute tiny">{training ? `${span(now.seconds)} so far` : `${count(now.step)} steps`}</span></div>
    <div class="fact"><span class="mute small">{nice(key) || "loss"}</span><b>{number(now.last[key])}</b><span class="mute tiny">best {number(now.best[key])}</span></div>
    <div class="fact"><span class="mute small"><Term of="latent">Latent units</Term></span><b>{run.latent || "–"}</b><span class="mute tiny">{run.shape.join(" × ")} {run.medium}</span></div>
    <div class="fact"><span class="mute small">On disk</span><b>{bytes(now.bytes)}</b><span class="mute tiny">{run.checkpoints.length} checkpoints</span></div>
  </div>;
}

export default function RunView({ place }: ViewProps) {
  const id = place.id, mine = useSelected(runs, (map) => map && map.get(id), (a, b) => still(a) === still(b)), listed = mine !== null;
  const [at, setAt] = useState(place.query.get("at") ?? ""), [seed, setSeed] = useState(place.query.get("seed") ?? "1");
  const row = mine?.state === "waiting" && !mine.bytes && !mine.step; // row: of a run that has no folder yet
  const there = !!mine && !row, queue = useStore(jobs), begins = queue.find((j) => j.run === id && (j.state === "waiting" || j.state === "running"));
  const loaded = useLoad(there ? (s) => get<Run>(runPath(id, at ? `?at=${encodeURIComponent(at)}` : ""), s) : null, [id, at, there]);
  const [warnings, warn] = useState<Warning[]>([]), [shownStep, step] = useState<{ step: number; epoch: number } | null>(null);
  const [dialog, ask] = useState<"" | "rename" | "tags" | "prolong">("");
  const run = loaded.value, now: RunSummary | null = mine ?? run, state = mine?.state, [epoch, setEpoch] = useState(mine?.epoch ?? 0);
  useEffect(() => setQuery({ at: at || null, seed: seed === "1" ? null : seed }), [at, seed]);
  useEffect(() => follow((e) => { if (e.type === "warning" && e.id === id) warn((w) => [...w, e.warning]); }), [id]);
  useEffect(() => { if (run && at === "") loaded.again(); }, [epoch, state]); // it brings checkpoints and pictures
  const bare = !!run && !run.checkpoints.length && state === "training";
  useEffect(() => { // the first checkpoint has no event of its own
    if (!bare) return;
    const t = setInterval(loaded.again, 3000);
    return () => clearInterval(t);
  }, [bare]);
  if (listed && !there) return begins || row
    ? <div class="empty" role="status"><h1>{plain(id)}</h1><p class="row"><i class="dot beat accent" />{begins?.state === "waiting" && queue.some((j) => j.state === "running") ? "It waits in the queue: trainings run one after another." : "It begins: the data are read."}</p>{begins && <Command text={begins.command} />}<a class="btn" href="/start#queue">Queue</a></div>
    : <div class="empty"><h1>{plain(id)}</h1><p>{queue.findLast((j) => j.run === id && j.state === "failed")?.text || "There is no run of this name."}</p><a class="btn" href="/">All runs</a></div>;
  if (!run || !now) return loaded.fault
    ? <div class="empty"><h1>{plain(id)}</h1><p>{loaded.fault.message}</p><a class="btn" href="/">All runs</a></div>
    : <div aria-busy="true"><h1>{plain(id)}</h1><div class="bone" style={{ height: "24rem", marginTop: "1.5rem" }} /></div>;

  const training = now.state === "training", zoo = isZoo(now), job = begins?.state === "waiting" ? begins : null;
  const shown = at || (training ? "live" : "latest");
  const known = new Set(run.warnings.map((w) => w.name + w.step)), all = [...run.warnings, ...warnings.filter((w) => !known.has(w.name + w.step))];
  const moment = run.checkpoints.find((c) => c.name === at);
  const nearest = (s: number): void => { // the checkpoint nearest to a step
    const c = run.checkpoints.reduce<Run["checkpoints"][number] | null>((a, b) => a && Math.abs(a.step - s) <= Math.abs(b.step - s) ? a : b, null);
    if (c) setAt(c === run.checkpoints.at(-1) && !training ? "" : c.name);
  };
  const drawn = run.pictures.filter((p) => !/^(images\/)?(curves|samples|reconstructions)\b/.test(p.name)), networks = drawn.filter((p) => /network/.test(p.name)), pictures = drawn.filter((p) => !networks.includes(p));
  const shot = (p: Run["pictures"][number]) => <a class="panel shot" key={p.name} href={p.address} target="_blank" rel="noreferrer"><h3>{p.title}</h3><Picture src={p.address} alt="" class="sheet smooth" /></a>;
  const ready = zoo || run.checkpoints.length > 0; // before it there are no weights to be asked for
  const goneAt = now.fault && (now.state === "failed" || now.state === "damaged");
  return <div class="runview">
    <div class="head">
      <div class="grow"><div class="row wrap base"><h1>{plain(id)}</h1><Badge state={now.state} /></div>
        <p class="mute">{[run.about, now.data && `on ${now.data}`, now.trained ? (training ? "training now" : `trained ${ago(now.trained)}`) : ""].filter(Boolean).join(" · ")}{now.tags.map((t) => <a class="tag" key={t} href={address("runs", "", { filter: "#" + t })}>#{t}</a>)}</p></div>
      <div class="row wrap actions">
        {training && <><button type="button" class="btn" onClick={() => void command(id, "pause")}><Icon name="pause" />Pause</button><button type="button" class="btn" onClick={() => void command(id, "stop")}><Icon name="stop" />Stop and save</button></>}
        {now.state === "paused" && <><button type="button" class="btn primary" onClick={() => void command(id, "resume")}><Icon name="play" />Resume</button><button type="button" class="btn" onClick={() => void command(id, "stop")}><Icon name="stop" />Stop and save</button></>}
        {(now.state === "stopped" || now.state === "failed") && <button type="button" class="btn primary" onClick={() => void command(id, "resume")}><Icon name="play" />Resume</button>}
        {now.state === "complete" && <button type="button" class="btn" onClick={() => ask("prolong")}><Icon name="play" />Train on</button>}
        {run.can.decode && <a class="btn primary" href={address("explore", id)}><Icon name="explore" />Explore</a>}
        {run.can.encode && <a class="btn" href={address("own", id)}><Icon name="own" />Your own</a>}
        <a class="btn" href={address("judge", id)}><Icon name="judge" />Judge</a>
        {!zoo && <Menu label="More actions" items={[{ icon: "plus", text: "Start one like it", href: address("start", "", { like: id }) }, { icon: "edit", text: "Rename", act: () => ask("rename") }, { icon: "tag", text: "Tags", act: () => ask("tags") }, ...(training ? [] : [{ icon: "trash" as const, text: "Delete", danger: true, act: () => void remove([now]) }])]} />}
      </div>
    </div>
    {job && <Note icon="clock" look="wait">It waits in the queue: trainings run one after another. <a href="/start#queue">Queue</a></Note>}
    {goneAt && <Note icon="alert" look="no">{now.fault}</Note>}
    {!zoo && <Facts run={run} onEpoch={setEpoch} />}
    {all.length > 0 && <div class="col" aria-live="polite">{all.slice(-4).map((w) => <Note look="wait" icon="alert" key={w.name + w.step}><p>{w.text} <span class="mute small nowrap">epoch {w.epoch}</span></p>
      {w.remedies.length > 0 && <div class="row wrap remedies">{w.remedies.map((r) => r.options ? <a class="btn small" key={r.text} href={address("start", "", { like: id, ...Object.fromEntries(Object.entries(r.options).map(([k, v]) => ["o." + k, v])) })}>{r.text}<Icon name="right" /></a> : <span class="small dim" key={r.text}>{r.text}</span>)}</div>}</Note>)}
      {all.length + run.earlierWarnings > 4 && <p class="mute tiny">{count(all.length + run.earlierWarnings - 4)} earlier warnings are in metrics.jsonl.</p>}</div>}
    <div class="runview-grid">
      <div class="col gap curves-col">{!zoo && <CurvesPanel id={id} gan={run.gan} mark={moment?.step ?? null} onStep={nearest} />}</div>
      <div class="col gap pics-col">
        {(run.can.sample || run.can.decode) && <section class="panel" aria-label="Samples"><header><div><h2>{run.gan ? "Generated" : "Samples"}</h2><span class="mute small">{shownStep && run.can.page ? `weights of step ${count(shownStep.step)}` : "of fixed noise"}</span></div><SeedField seed={seed} onSeed={setSeed} /></header>
          {!ready ? <p class="empty well small" role="status">The first pictures come with the first checkpoint.</p> : <Samples id={id} at={shown} n={run.labels.length === 10 ? 20 : 16} seed={seed} page={run.can.page} turn={at ? 0 : epoch} onStep={(s, e) => step({ step: s, epoch: e })} label={`Pictures drawn from seed ${seed}`} />}</section>}
        {run.can.reconstruct && ready && <section class="panel" aria-label="Reconstructions"><header><h2><Term of="recon">Reconstructions</Term></h2><span class="mute small">test pictures, each above what the model makes of it</span></header>
          <Picture src={`/api/${runPath(id, `/reconstructions.png?n=8&at=${encodeURIComponent(shown === "live" ? "latest" : shown)}&t=${at ? 0 : epoch}`)}`} alt="Test pictures, each above its reconstruction" /></section>}
      </div>
      {pictures.length > 0 && <section class="gallery-col" aria-label="Pictures of the run"><div class="cards gallery">{pictures.map(shot)}</div></section>}
      {networks.length > 0 && <details class="gallery-col more"><summary>The networks</summary><div class="cards gallery">{networks.map(shot)}</div></details>}
    </div>
    {!zoo && <section class="panel foot-panel"><header><h2>The same from the command line</h2></header><Command text={run.command} />
      {run.processes.length > 0 && <details class="more"><summary>{run.processes.length === 1 ? "1 process has trained it" : `${run.processes.length} processes have trained it`}</summary><div class="scroll"><table class="data"><thead><tr><th scope="col">Started</th><th scope="col" class="num">Steps</th><th scope="col" class="num">Time</th><th scope="col">Ended</th><th scope="col">On</th></tr></thead><tbody>{run.processes.map((p) => <tr key={p.started}><th scope="row" class="nowrap">{new Date(p.started).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })}</th><td class="num">{count(p.from)} – {count(p.step)}</td><td class="num">{span(p.seconds)}</td><td>{p.ended || "running"}</td><td class="mute small">{p.processor}, {p.threads} {p.threads === 1 ? "thread" : "threads"}</td></tr>)}</tbody></table></div></details>}
      {run.paper && <p class="mute small">{run.paper}</p>}</section>}
    <Timeline checkpoints={run.checkpoints} at={at} live={training} onAt={setAt} />
    {dialog === "rename" && <RenameDialog run={now} onClose={() => ask("")} />}{dialog === "tags" && <TagsDialog all={[now]} onClose={() => ask("")} />}{dialog === "prolong" && <ProlongDialog run={now} onClose={() => ask("")} />}
  </div>;
}
