// The curves of a run: what was logged, and what is logged while it is shown.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, runPath, type Curves as Data, type LogLine, type Series } from "../api";
import { follow } from "../live";
import { Choice } from "./bits";
import { Chart, Heat, type Curve } from "./chart";
import { nice, number } from "./format";
import { Term, termOf } from "./glossary";
import { Store, together, useKept, useStore } from "./store";

export type Axis = "epoch" | "step" | "time";
const parts = ["train", "test", "validation"] as const;
const bare = (k: string): string => k.replace(/^(test|validation|val)_/, "");

// grown returns a series with one more line.
function grow(s: Series, line: LogLine): void {
  if (s.step.length && line.step <= s.step.at(-1)!) return;
  s.step.push(line.step); s.epoch.push(line.epoch); s.seconds.push(line.seconds); s.unitKL.push(line.unitKL ?? []);
  for (const part of parts) {
    for (const k of Object.keys(line[part] ?? {})) s[part][k] ??= new Array<null>(s.step.length - 1).fill(null);
    for (const k of Object.keys(s[part])) s[part][k]!.push(line[part]?.[k] ?? null);
  }
}

// drawEvery is how often the curves of a run are drawn at most, in milliseconds: a picture of each line of the log would take time
// from the training. What a line says in numbers is shown sooner, at most every tellEvery.
const drawEvery = 3500, tellEvery = 150;

// useCurves returns the curves of a run, which grow with its log. lines changes when lines have come.
export function useCurves(id: string): { data: Data | null; fault: string; version: number; lines: Store<number> } {
  const [version, turn] = useState(0), [fault, fail] = useState(""), data = useRef<Data | null>(null), lines = useMemo(() => new Store(0), []);
  useEffect(() => {
    const draw = (): void => { if (!gone) turn((n) => n + 1); };
    let gone = false, timer = 0, last = -Infinity, telling = 0, told = -Infinity, early: LogLine[] = [];
    const load = (): void => {
      get<Data>(runPath(id, "/curves?points=2000")).then((d) => {
        if (gone) return;
        data.current = d;
        for (const l of early) grow(l.kind === "epoch" ? d.epochs : d.steps, l);
        early = [];
        fail(""); turn((n) => n + 1);
      }, (e: Error) => { if (!gone) fail(e.message); });
    };
    load();
    const leave = follow((e) => {
      if (e.type === "reset") load();
      if (e.type !== "line" || e.id !== id) return;
      if (!data.current) { early.push(e.line); return; }
      grow(e.line.kind === "epoch" ? data.current.epochs : data.current.steps, e.line);
      telling ||= setTimeout(() => { telling = 0; told = performance.now(); lines.set(lines.value + 1); }, Math.max(0, told + tellEvery - performance.now())) as unknown as number;
      timer ||= setTimeout(() => { timer = 0; last = performance.now(); together(draw); }, Math.max(0, last + drawEvery - performance.now())) as unknown as number;
    });
    return () => { gone = true; leave(); clearTimeout(timer); clearTimeout(telling); };
  }, [id]);
  return { data: data.current, fault, version, lines };
}

// positions returns the x of a series. An epoch of a step line is a fraction.
export function positions(s: Series, axis: Axis, perEpoch: number): number[] {
  return axis === "time" ? s.seconds.slice() : axis === "step" ? s.step.slice() : perEpoch ? s.step.map((v) => v / perEpoch) : s.epoch.slice();
}
export function stepsPerEpoch(d: Data): number {
  const s = d.epochs.step.length ? d.epochs : d.steps, i = s.step.length - 1;
  return i >= 0 && s.epoch[i]! > 0 && d.epochs.step.length ? s.step[i]! / s.epoch[i]! : 0;
}

// charts groups what is logged: what is measured of training and of test stands together, as do the losses of a game.
export function groups(d: Data): { key: string; title: string; names: string[] }[] {
  const names = [...new Set([d.steps, d.epochs].flatMap((s) => parts.flatMap((p) => Object.keys(s[p]).map(bare))))];
  const rank = (k: string): number => k === "loss" ? 0 : /^(g|d|e)_loss$/.test(k) ? 1 : /reconstruction/.test(k) ? 2 : k === "kl" ? 3 : /accuracy/.test(k) ? 4 : /fid|kid/.test(k) ? 5 : /norm|waited|images/.test(k) ? 9 : 6;
  const game = names.filter((k) => /^(g|d)_loss$/.test(k)), alone = names.filter((k) => !game.includes(k));
  const out = alone.map((k) => ({ key: k, title: nice(k), names: [k] }));
  if (game.length) out.push({ key: "g_loss", title: "Losses of the game", names: game.sort().reverse() });
  return out.sort((a, b) => rank(a.key) - rank(b.key) || a.key.localeCompare(b.key));
}

export function curvesOf(d: Data, names: string[], axis: Axis): Curve[] {
  const per = stepsPerEpoch(d), dense = d.steps.step.length >= d.epochs.step.length ? d.steps : d.epochs;
  const xs = new Map<Series, number[]>([[d.steps, positions(d.steps, axis, per)], [d.epochs, positions(d.epochs, axis, per)]]);
  const out: Curve[] = [], game = names.length > 1, token = ["--c0", "--c1"];
  names.forEach((name, i) => {
    const one = (part: (typeof parts)[number], s: Series, key: string): void => {
      const y = s[part][key];
      if (!y?.some((v) => v !== null)) return;
      out.push({ label: game ? `${nice(name.replace("_loss", ""))} ${part}` : part, x: xs.get(s)!, y, token: game ? token[i % 2]! : part === "train" ? "--c0" : part === "test" ? "--c1" : "--c2", dash: game ? part !== "train" : false });
    };
    one("train", d.steps.train[name] && dense === d.steps ? d.steps : d.epochs.train[name] ? d.epochs : d.steps, name);
    for (const part of ["test", "validation"] as const) for (const key of [`${part}_${name}`, name, `val_${name}`]) {
      const s = d.epochs[part][key]?.some((v) => v !== null) ? d.epochs : d.steps;
      if (s[part][key]) { one(part, s, key); break; }
    }
  });
  return out;
}

// Newest shows the newest value of a curve, as its line comes.
function Newest({ curve, lines }: { curve: Curve; lines: Store<number> }) {
  useStore(lines);
  return <b>{number(curve.y.findLast((v) => v !== null))}</b>;
}

export function CurvesPanel({ id, mark, gan, onStep }: { id: string; mark: number | null; gan: boolean; onStep: (step: number) => void }) {
  const { data, fault, version, lines } = useCurves(id), [open, setOpen] = useState(false);
  const [axis, setAxis] = useKept("axis", gan ? "step" : "epoch") as [Axis, (v: Axis) => void], [smooth, setSmooth] = useKept("smooth", "0"), [log, setLog] = useKept("log", "");
  const [zoom, setZoom] = useState<[number, number] | null>(null), [fine, setFine] = useState<Data | null>(null);
  useEffect(() => setZoom(null), [axis]);
  const per = data ? stepsPerEpoch(data) : 0;
  const step = (x: number): number => { // the step at a place of the axis
    if (axis === "step" || !data) return x;
    if (axis === "epoch" && per) return x * per;
    const s = data.steps.step.length ? data.steps : data.epochs, xs = positions(s, axis, per), i = xs.findIndex((v) => v >= x);
    return s.step[i < 0 ? s.step.length - 1 : i] ?? 0;
  };
  useEffect(() => { // of a long log, the lines between are asked for when they can be told apart
    setFine(null);
    if (!zoom || !data || data.every <= 1) return;
    const stop = new AbortController();
    get<Data>(runPath(id, `/curves?points=2000&from=${Math.floor(step(zoom[0]))}&to=${Math.ceil(step(zoom[1]))}`), stop.signal).then(setFine, () => { /* the coarse lines stay */ });
    return () => stop.abort();
  }, [zoom?.[0], zoom?.[1]]);
  const used = fine ?? data;
  const all = useMemo(() => used ? groups(used).map((g) => ({ ...g, curves: curvesOf(used, g.names, axis) })).filter((g) => g.curves.length) : [], [used, version, axis]);
  if (fault) return <div class="panel"><h2>Curves</h2><p class="mute">{fault}</p></div>;
  if (!data) return <div class="panel"><header><h2>Curves</h2></header><div class="bone" style={{ height: "20rem" }} /></div>;
  const place = mark === null ? null : axis === "step" ? mark : axis === "epoch" && per ? mark / per : (() => { const s = data.epochs.step.length ? data.epochs : data.steps, i = s.step.findIndex((v) => v >= mark); return i < 0 ? null : positions(s, axis, per)[i]!; })();
  const label = axis === "time" ? "seconds" : axis;
  const many = all.length ? Math.max(2, ...all[0]!.curves.map((c) => c.x.length)) : 0;
  const chart = (g: (typeof all)[number], height: number) => <div class="curve-box" key={g.key}>
    <div class="row base wrap"><h3>{termOf(g.key) ? <Term of={termOf(g.key)}>{g.title}</Term> : g.title}</h3>{g.curves.map((c) => <span class="now small" key={c.label}><i class="swatch" style={{ background: `var(${c.token})` }} />{c.label} <Newest curve={c} lines={lines} /></span>)}</div>
    <Chart title={g.title} curves={g.curves} xLabel={label} log={log === "1"} smooth={many > 12 ? Number(smooth) : 0} height={height} mark={place} zoom={zoom} onZoom={setZoom} onPick={(x) => onStep(step(x))} group={id} /></div>;
  const first = all[0], next = all.slice(1, 3).filter((g) => !/norm/.test(g.key)), rest = all.slice(1 + next.length);
  return <section class="panel" aria-label="Curves">
    <header><h2>Curves</h2><div class="row wrap tools">
      {zoom && <button type="button" class="btn small" onClick={() => setZoom(null)}>Whole training</button>}
      <Choice label="Axis" value={axis} options={[["epoch", "Epoch"], ["step", "Step"], ["time", "Time"]]} onChange={setAxis} />
      <button type="button" class="btn small" aria-pressed={log === "1"} onClick={() => setLog(log === "1" ? "" : "1")}>Log scale</button>
      {many > 12 && <label class="row smooth"><span class="small mute">Smoothing</span><input type="range" aria-label="Smoothing" min={0} max={0.98} step={0.02} value={Math.min(.98, Number(smooth))} style={{ "--fill": `${Number(smooth) / .98 * 100}%` }} onInput={(e) => setSmooth(e.currentTarget.value)} /></label>}
    </div></header>
    {first ? <>{chart(first, innerHeight > 1700 ? 640 : innerWidth > 1900 ? 400 : innerWidth < 720 ? 220 : 280)}<div class="curve-grid">{next.map((g) => chart(g, 170))}</div></> : <div class="empty"><p>The first line of the log is not yet written.</p></div>}
    {data.epochs.unitKL.some((r) => r.length > 0) && <div class="curve-box"><h3><Term of="kl">KL of each unit</Term> <span class="mute small">over the epochs: the stronger the colour, the more it tells</span></h3><Heat rows={data.epochs.unitKL} x={data.epochs.step} label="KL of each unit over the epochs" mark={mark} /></div>}
    {rest.length > 0 && <details class="more" onToggle={(e) => setOpen(e.currentTarget.open)}><summary>{rest.length} more: {rest.slice(0, 4).map((g) => g.title).join(", ")}{rest.length > 4 ? ", …" : ""}</summary>{open && <div class="curve-grid">{rest.map((g) => chart(g, 150))}</div>}</details>}
    {data.every > 1 && !fine && <p class="mute tiny">One of {data.every} lines of the log is drawn; zoom by dragging to see those between.</p>}
    {data.everyEpoch > 1 && <p class="mute tiny">One of {data.everyEpoch} epochs is drawn.</p>}
  </section>;
}
