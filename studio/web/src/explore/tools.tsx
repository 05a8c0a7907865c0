// The tools beside the plane: units, directions, combining, path, seeds. Each changes the code or keeps pictures.
import { useEffect, useRef, useState } from "preact/hooks";
import { runPath, send, type Direction, type Model } from "../api";
import { imageOf, paint, type Drawn } from "../decoder";
import { Field, Meter, Note } from "../parts/bits";
import { Icon } from "../parts/icons";
import { useStore } from "../parts/store";
import { complain, say } from "../parts/toast";
import { apng, between, frames, save, webm, webmKind } from "./film";
import { Place, Small, type Kept, type Shelf } from "./shelf";
import type { Space } from "./space";

export const number = (v: number): string => v.toFixed(2).replace("-", "−");
const sliding = (e: Event): number => (e.currentTarget as HTMLInputElement).valueAsNumber;

// useCode draws anew when the code has changed, once a frame.
export function useCode(space: Space): void {
  const [, turn] = useState(0);
  useEffect(() => space.on("code", () => turn((n) => n + 1)), [space]);
}

// Slider is a labelled range with its value.
export function Slider({ label, title, value, reach, onInput, children }: { label: string; title?: string; value: number; reach: number; onInput: (v: number) => void; children?: preact.ComponentChildren }) {
  return <label class="slide" title={title}><span class="cut">{label}</span>
    <input type="range" min={-reach} max={reach} step={reach / 200} value={value} aria-valuetext={number(value)} onInput={(e) => onInput(sliding(e))} />
    <output>{number(value)}</output>{children}</label>;
}

// --- Units.

function Strip({ space, unit, turn }: { space: Space; unit: number; turn: number }) {
  const ref = useRef<HTMLCanvasElement>(null), n = 9, { shape, reach, latent } = space.decoder.model;
  useEffect(() => {
    const stop = new AbortController(), timer = setTimeout(() => {
      const codes = new Float32Array(n * latent), c = ref.current?.getContext("2d");
      for (let i = 0; i < n; i++) { codes.set(space.z, i * latent); codes[i * latent + unit] = reach * (2 * i / (n - 1) - 1); }
      void space.decoder.decodeMany(codes, space.labels, (from, values) => {
        const size = values.length && shape.reduce((a, b) => a * b, 1);
        for (let i = 0; i * size < values.length; i++) c?.putImageData(imageOf(values, i * size, shape), (from + i) * shape[1]!, 0);
      }, stop.signal).catch(() => { /* the model has been closed */ });
    }, 120);
    return () => { clearTimeout(timer); stop.abort(); };
  }, [space, unit, turn]);
  const go = (e: MouseEvent): void => {
    const b = ref.current!.getBoundingClientRect(), i = Math.min(n - 1, Math.floor((e.clientX - b.left) / b.width * n));
    const z = Float32Array.from(space.z); z[unit] = reach * (2 * i / (n - 1) - 1); space.set(z);
  };
  return <canvas ref={ref} class="strip pix" width={n * shape[1]!} height={shape[0]!} role="img" aria-label={`Unit ${unit} from ${-reach} to ${reach}`} onClick={go} />;
}

export function Units({ space, turn, onPlane }: { space: Space; turn: number; onPlane: (u: number) => void }) {
  useCode(space);
  const { order, latent, reach } = space.decoder.model, [most, more] = useState(8), [strips, setStrips] = useState(latent > 2);
  const settled = useSettled(space);
  const set = (u: number, v: number): void => { const z = Float32Array.from(space.z); z[u] = v; space.set(z); };
  const shown = latent <= 2 ? [...Array(latent).keys()] : order.slice(0, most);
  return <div class="col">
    <div class="row wrap"><button type="button" class="btn small" onClick={() => space.set(new Float32Array(latent))}>Centre</button>
      <button type="button" class="btn small" onClick={() => space.set(Float32Array.from({ length: latent }, gauss))}><Icon name="dice" />Random</button>
      <button type="button" class="btn small quiet end" aria-pressed={strips} onClick={() => setStrips(!strips)}>Strips</button></div>
    {latent > 2 && <p class="hint">The most active unit first. Press its name to lay the plane along it.</p>}
    {shown.map((u) => <div class="unit" key={u}><div class="row"><button type="button" class="unit-name" disabled={latent <= 2} aria-label={`z${u}, lay the plane along this unit`} onClick={() => onPlane(u)}>z<sub>{u}</sub></button>
      <input type="range" min={-reach} max={reach} step={reach / 200} value={space.z[u]} aria-label={`Unit ${u}`} aria-valuetext={number(space.z[u]!)} onInput={(e) => set(u, sliding(e))} /><output>{number(space.z[u]!)}</output></div>
      {strips && <Strip space={space} unit={u} turn={turn + settled} />}</div>)}
    {most < order.length && latent > 2 && <button type="button" class="btn small quiet" onClick={() => more(most + 24)}>{order.length - most} more units</button>}
  </div>;
}

const gauss = (): number => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

// useSettled counts the times that the code has come to rest.
function useSettled(space: Space): number {
  const [n, set] = useState(0);
  useEffect(() => {
    let timer = 0;
    const wait = (): void => { clearTimeout(timer); timer = setTimeout(() => set((v) => v + 1), 160) as unknown as number; };
    const ends = [space.on("move", wait), space.on("labels", wait)];
    return () => { clearTimeout(timer); for (const f of ends) f(); };
  }, [space]);
  return n;
}

// --- Directions.

export function Directions({ space, list, fault, onStrengths }: { space: Space; list: Direction[] | null; fault: string; onStrengths?: (s: Record<string, number>) => void }) {
  const [strength, set] = useState<Record<string, number>>({}), base = useRef<Float32Array | null>(null), mine = useRef<Float32Array | null>(null);
  useEffect(() => space.on("code", () => { if (space.z !== mine.current) { base.current = null; set({}); } }), [space]); // somebody else moved
  if (fault) return <Note>{fault}</Note>;
  if (!list) return <div class="bone tall" aria-busy="true" />;
  const change = (d: Direction, v: number): void => {
    base.current ??= Float32Array.from(space.z);
    const s = { ...strength, [d.name]: v }, z = Float32Array.from(base.current);
    for (const x of list) if (s[x.name]) for (let u = 0; u < z.length; u++) z[u]! += s[x.name]! * x.deviation * x.vector[u]!;
    set(s); onStrengths?.(s);
    mine.current = z;
    space.set(z);
  };
  const reset = (): void => { if (base.current) { const z = base.current; base.current = null; set({}); space.set(z); } };
  return <div class="col">
    <div class="row"><p class="hint grow">One unit is a deviation of the codes along it. The bar says how well the direction tells the attribute: 0.5 is chance, 1 is certain.</p><button type="button" class="btn small" onClick={reset}>Reset</button></div>
    {list.map((d) => <div class="direction" key={d.name}><Slider label={d.name.replaceAll("_", " ")} value={strength[d.name] ?? 0} reach={3} onInput={(v) => change(d, v)} />
      <span class="measure" title={`AUROC ${d.auroc.toFixed(2)} on ${d.items} items`}><Meter value={Math.max(0, 2 * d.auroc - 1)} label={`How well ${d.name} is told`} /><span class="tiny mute">{d.auroc.toFixed(2)}</span></span></div>)}
  </div>;
}

// --- Combining.

export function Combine({ space, shelf, current }: { space: Space; shelf: Shelf; current: () => Kept | null }) {
  const slots = useStore(shelf.slots), shape = space.decoder.model.shape, [t, setT] = useState(0), { A, B, C } = slots;
  const [sum, setSum] = useState<Float32Array | null>(null), strip = useRef<HTMLCanvasElement>(null), n = 9;
  const code = A && B && C ? A.z.map((v, i) => v - B.z[i]! + C.z[i]!) : null;
  useEffect(() => {
    setSum(null);
    if (!code) return;
    const stop = new AbortController();
    void space.decoder.decodeMany(code, space.labels, (_, values) => setSum(values), stop.signal).catch(complain);
    return () => stop.abort();
  }, [A, B, C]);
  const mix = (u: number): Float32Array => A!.z.map((v, i) => v + u * (B!.z[i]! - v));
  useEffect(() => {
    if (!A || !B) return;
    const stop = new AbortController(), codes = new Float32Array(n * A.z.length), c = strip.current?.getContext("2d"), size = shape.reduce((a, b) => a * b, 1);
    for (let i = 0; i < n; i++) codes.set(mix(i / (n - 1)), i * A.z.length);
    void space.decoder.decodeMany(codes, space.labels, (from, values) => { for (let i = 0; i * size < values.length; i++) c?.putImageData(imageOf(values, i * size, shape), (from + i) * shape[1]!, 0); }, stop.signal).catch(complain);
    return () => stop.abort();
  }, [A, B]);
  const places = (["A", "B", "C"] as const).map((s) => <Place key={s} shelf={shelf} slot={s} shape={shape} current={current} />);
  return <div class="col gap">
    <section class="col"><h2>A − B + C</h2><div class="sum">{places[0]}<b aria-hidden="true">−</b>{places[1]}<b aria-hidden="true">+</b>{places[2]}<b aria-hidden="true">=</b>
      <button type="button" class="place result" disabled={!code} aria-label="Show the result of A minus B plus C" onClick={() => { if (code) space.set(code); }}>{sum ? <Small values={sum} shape={shape} label="A minus B plus C" /> : <span class="mute">?</span>}</button></div>
      <p class="hint">Drag kept pictures onto the places, or press <kbd>A</kbd>, <kbd>B</kbd>, <kbd>C</kbd> on one. A place that is pressed takes the picture that is shown.</p></section>
    <section class="col"><h2>From A to B</h2>
      {A && B ? <><canvas ref={strip} class="strip pix" width={n * shape[1]!} height={shape[0]!} role="img" aria-label="Pictures from A to B" />
        <label class="slide"><span>t</span><input type="range" min={0} max={1} step={0.005} value={t} onInput={(e) => { const u = sliding(e); setT(u); space.set(mix(u)); }} /><output>{number(t)}</output></label></>
        : <p class="hint">Fill A and B: the pictures between them appear here.</p>}</section>
  </div>;
}

// --- The path and its film.

export function Path({ space, id, at, stops, onStops }: { space: Space; id: string; at: string; stops: Float32Array[]; onStops: (s: Float32Array[]) => void }) {
  const { model } = space.decoder, { shape } = model, [seconds, setSeconds] = useState(1), [closed, close] = useState(true), [busy, setBusy] = useState(""), [share, setShare] = useState(0);
  const view = useRef<HTMLCanvasElement>(null), [small, setSmall] = useState<Float32Array[]>([]), images = useRef<ImageData[]>([]);
  const fps = 24, legs = closed && stops.length > 2 ? stops.length : stops.length - 1, n = Math.max(2, Math.round(legs * seconds * fps)), round = closed && stops.length > 2;
  const codes = (): Float32Array[] => Array.from({ length: n }, (_, i) => between(stops, i / (round ? n : n - 1), round));
  useEffect(() => { // thumbnails, and the film as it will be
    images.current = [];
    if (!stops.length) { setSmall([]); return; }
    const stop = new AbortController(), all = new Float32Array(stops.length * model.latent), size = shape.reduce((a, b) => a * b, 1), found: Float32Array[] = [];
    stops.forEach((z, i) => all.set(z, i * model.latent));
    void space.decoder.decodeMany(all, space.labels, (from, v) => { for (let i = 0; i * size < v.length; i++) found[from + i] = v.slice(i * size, (i + 1) * size); if (found.length === stops.length) setSmall([...found]); }, stop.signal).catch(complain);
    if (stops.length > 1) void frames(space.decoder, codes(), space.labels, () => { /* it plays when it is whole */ }, stop.signal).then((f) => { if (!stop.signal.aborted) images.current = f; }, complain);
    return () => stop.abort();
  }, [stops, seconds, closed, space.decoder.step]);
  useEffect(() => {
    if (stops.length < 2) return;
    let frame = 0, start = performance.now(), last = -1;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const play = (now: number): void => {
      frame = requestAnimationFrame(play);
      const f = images.current, i = still ? 0 : Math.floor((now - start) / 1000 * fps) % Math.max(1, f.length), c = view.current;
      if (!f[i] || i === last || !c) return;
      last = i;
      c.getContext("2d")!.putImageData(f[i]!, 0, 0);
    };
    frame = requestAnimationFrame(play);
    return () => { cancelAnimationFrame(frame); start = 0; };
  }, [stops, seconds, closed]);
  const scale = Math.max(1, Math.min(8, Math.round(280 / Math.max(shape[0]!, shape[1]!))));
  const make = async (kind: "gif" | "apng" | "webm"): Promise<void> => {
    setBusy(kind); setShare(0);
    try {
      const name = `${id.replace(/^zoo:/, "")}-path.${kind === "apng" ? "png" : kind}`;
      if (kind === "gif") {
        save(await send<Blob>("POST", runPath(id, `/film?at=${encodeURIComponent(at)}`), { codes: codes().map((c) => Array.from(c)), labels: space.labels.length ? Array.from(space.labels) : null, format: "gif", fps, size: Math.max(shape[0]!, shape[1]!) * scale }), name);
      } else {
        const f = images.current.length === n ? images.current : await frames(space.decoder, codes(), space.labels, setShare, new AbortController().signal);
        save(kind === "apng" ? await apng(f, fps, scale, shape[2] === 1) : await webm(f, fps, scale, setShare), name);
      }
      say(`The film is saved as ${name}.`);
    } catch (e) { complain(e); }
    setBusy("");
  };
  const move = (i: number, by: number): void => { const s = [...stops], [z] = s.splice(i, 1); s.splice(Math.max(0, i + by), 0, z!); onStops(s); };
  return <div class="col">
    <div class="row wrap"><button type="button" class="btn small" onClick={() => onStops([...stops, Float32Array.from(space.z)])}><Icon name="plus" />Stop here</button>
      <button type="button" class="btn small quiet" disabled={!stops.length} onClick={() => onStops([])}>Clear</button></div>
    {stops.length === 0 ? <p class="hint">Choose <b>Path</b> above the plane and click where the film should pass, or add the shown picture with <kbd>p</kbd>.</p>
      : <ol class="shelf" aria-label="Stops of the path">{stops.map((z, i) => <li key={i}><button type="button" class="keep" aria-label={`Stop ${i + 1}: arrow keys move it, Delete removes it`} onClick={() => space.set(z)}
        onKeyDown={(e) => { if (e.key === "Delete" || e.key === "Backspace") onStops(stops.filter((_, k) => k !== i)); else if (e.key === "ArrowLeft") move(i, -1); else if (e.key === "ArrowRight") move(i, 1); else return; e.preventDefault(); e.stopPropagation(); }}>
        <Small values={small[i] ?? null} shape={shape} label={`Stop ${i + 1}`} /></button><button type="button" class="away" aria-label={`Remove stop ${i + 1}`} onClick={() => onStops(stops.filter((_, k) => k !== i))}><Icon name="close" /></button></li>)}</ol>}
    {stops.length > 1 && <>
      <canvas ref={view} class="pix film" width={shape[1]} height={shape[0]} role="img" aria-label="Preview of the film" />
      <label class="slide"><span>Pace</span><input type="range" min={0.25} max={4} step={0.25} value={seconds} onInput={(e) => setSeconds(sliding(e))} /><output>{seconds.toFixed(2)} s</output></label>
      <label class="check"><input type="checkbox" checked={closed} onChange={() => close(!closed)} />Return to the first stop</label>
      <div class="row wrap" role="group" aria-label="Save the film"><span class="small mute">{n} frames as</span>
        {(["gif", "apng", "webm"] as const).map((k) => <button key={k} type="button" class="btn small" disabled={!!busy || k === "webm" && !webmKind()} title={k === "webm" && !webmKind() ? "This browser records no WebM" : undefined} onClick={() => void make(k)}>{k === "gif" ? "GIF" : k === "apng" ? "APNG" : "WebM"}</button>)}</div>
      {busy && <Meter value={share} label="The film is made" />}</>}
  </div>;
}

// --- Seeds.

export function Seeds({ space, seed, onSeed, onDrawn, turn }: { space: Space; seed: string; onSeed: (s: string) => void; onDrawn: (d: Drawn, name: string) => void; turn: number }) {
  const n = 12, shape = space.decoder.model.shape, [drawn, set] = useState<(Drawn | null)[]>([]), good = /^\d+$/.test(seed) && BigInt(seed) < 1n << 64n;
  useEffect(() => {
    if (!good) return;
    let gone = false;
    void (async () => {
      const all: Drawn[] = [];
      for (let i = 0; i < n && !gone; i++) all[i] = await space.decoder.sample(BigInt(seed), i, space.labels);
      if (!gone) set(all);
    })().catch((e) => { if (!gone) complain(e); });
    return () => { gone = true; };
  }, [seed, space, turn, space.labels]);
  return <div class="col">
    <div class="row"><Field label="Seed" error={good ? undefined : "A whole number from 0 to 2⁶⁴ − 1."}>{(fid, d) => <input id={fid} aria-describedby={d} inputMode="numeric" value={seed} onInput={(e) => onSeed(e.currentTarget.value.trim())} />}</Field>
      <button type="button" class="btn icon" aria-label="Next seed" title="Next seed" disabled={!good} onClick={() => onSeed(String(BigInt(seed) + 1n))}><Icon name="dice" /></button></div>
    <ul class="draws">{Array.from({ length: n }, (_, i) => <li key={i}><button type="button" class="keep" disabled={!drawn[i]} aria-label={`Show picture ${i + 1} of seed ${seed}`} onClick={() => onDrawn(drawn[i]!, `seed ${seed}, ${i + 1}`)}><Small values={drawn[i]?.values ?? null} shape={shape} label={`Picture ${i + 1} of seed ${seed}`} /></button></li>)}</ul>
    <p class="hint">The same pictures for the same number: here, and by <code>imago sample --seed {good ? seed : "7"}</code>.</p>
  </div>;
}

// Labels are what a conditional model is told.
export function Labels({ space }: { space: Space }) {
  const { labels, attributes } = space.decoder.model as Model, [, turn] = useState(0);
  useEffect(() => space.on("labels", () => turn((n) => n + 1)), [space]);
  if (!labels.length) return null;
  const press = (k: number): void => {
    const l = attributes ? Float32Array.from(space.labels) : new Float32Array(labels.length);
    l[k] = attributes ? 1 - l[k]! : 1;
    space.setLabels(l);
  };
  return <div class="row wrap labels" role="group" aria-label={attributes ? "Attributes" : "Class"}>{labels.map((name, k) => <button key={k} type="button" class="chip" aria-pressed={space.labels[k] === 1} onClick={() => press(k)}>{name}</button>)}</div>;
}

// Shown is a canvas that the picture of a space is painted on as it comes.
export function Shown({ space, label }: { space: Space; label: string }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const c = ref.current!;
    space.canvases.add(c);
    if (space.values) paint(c, space.values, space.decoder.model.shape);
    return () => { space.canvases.delete(c); };
  }, [space]);
  const [h, w] = space.decoder.model.shape as [number, number, number];
  return <canvas ref={ref} class="pix shown" width={w} height={h} role="img" aria-label={label} />;
}
