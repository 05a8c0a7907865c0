// Explore: the plane of codes, the picture under the pointer, and what can be made of both.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, runPath, send, type Direction, type Model, type Run } from "../api";
import { openModel, type Drawn } from "../decoder";
import { fetchCodes, fetchDirections, itemAddress, makeCodes, projected, unitPlane, unknown, type Codes, type Plane } from "../explore/codes";
import { Choose } from "../explore/choose";
import { Shelf, ShelfRow, type Kept } from "../explore/shelf";
import { Space } from "../explore/space";
import { Stage, type Tool } from "../explore/stage";
import { Combine, Directions, Labels, number, Path, Seeds, Shown, Units } from "../explore/tools";
import { follow } from "../live";
import { Choice, Note } from "../parts/bits";
import { color, themeTurn } from "../parts/color";
import { count, many, plain } from "../parts/format";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { Store, useLoad, useStore } from "../parts/store";
import { complain } from "../parts/toast";
import { setQuery } from "../router";
import type { ViewProps } from "../main";

export default function Explore({ place }: ViewProps) {
  if (!place.id) return <Choose view="explore" title="Explore" text="Walk through what a model has learned: every point of its plane is a picture." />;
  return <Opened id={place.id} query={place.query} />;
}

function Opened({ id, query }: { id: string; query: URLSearchParams }) {
  const [space, setSpace] = useState<Space | null>(null), [fault, setFault] = useState(""), [at, setAt] = useState(query.get("at") ?? "");
  const run = useLoad((signal) => get<Run>(runPath(id), signal), [id]);
  const [written, setWritten] = useState(false), empty = run.value?.state === "training" && !run.value.checkpoints.length && !written;
  useEffect(() => { // a training that has saved nothing yet writes its weights when it is told that somebody looks
    if (!empty) return;
    const ask = (): void => { void send("POST", "watch", { runs: [id] }).catch(() => { /* said again */ }); run.again(); };
    ask();
    const timer = setInterval(ask, 3000), deaf = follow((e) => { if (e.type === "weights" && e.id === id) setWritten(true); });
    return () => { clearInterval(timer); deaf(); };
  }, [empty, id]);
  const where = at || (run.value?.state === "training" ? "live" : "best");
  useEffect(() => {
    if (!run.value || empty) return;
    let gone = false, opened: Space | null = null;
    openModel(id, where, true).then((decoder) => {
      if (gone) { decoder.close(); return; }
      opened = new Space(decoder);
      setSpace(opened); setFault("");
    }, (e: Error) => { if (!gone) setFault(e.message); });
    return () => { gone = true; opened?.close(); setSpace(null); };
  }, [id, !!run.value, empty]);
  const go = (to: string): void => { setAt(to); setQuery({ at: to }); void space?.decoder.follow(to).catch(complain); };
  if (fault || run.fault) return <div class="head"><div class="grow col"><h1>{plain(id)}</h1><Note look="no" icon="alert">{fault || run.fault!.message}</Note></div></div>;
  if (empty) return <div class="head"><div class="grow col"><h1>{plain(id)}</h1><Note icon="clock">The training has begun. Its first weights come within seconds, and the plane opens by itself.</Note></div></div>;
  if (!space || !run.value) return <div class="x-room" aria-busy="true"><div class="x-plane bone" /><div class="x-side"><div class="bone x-square" /></div></div>;
  return <Room key={id} id={id} at={where} run={run.value} space={space} query={query} onAt={go} />;
}

// rgb returns the bytes of a colour of CSS.
const rgb = (css: string): [number, number, number] => {
  const c = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
  c.canvas.width = c.canvas.height = 1;
  c.fillStyle = css; c.fillRect(0, 0, 1, 1);
  const d = c.getImageData(0, 0, 1, 1).data;
  return [d[0]!, d[1]!, d[2]!];
};
// classColor is the colour of a class, as style.css has it where it does, else that of the model, lightened on dark.
const classColor = (model: Model, k: number): string => k < 10 ? `var(--c${k})` : `color-mix(in oklch, rgb(${(model.colors[k] ?? [120, 120, 120]).join(" ")}), light-dark(transparent 0%, white 35%))`;

interface Kinds { names: string[]; colors: string[]; of: Uint8Array<ArrayBuffer>; counts: number[] }
// kindsOf sorts codes by class, or by whether they have an attribute.
function kindsOf(model: Model, codes: Codes, by: string): Kinds {
  const a = codes.attributes.indexOf(by), of = new Uint8Array(codes.n), classes = codes.names;
  let names: string[], colors: string[];
  if (a >= 0) {
    names = ["without", by.replaceAll("_", " ")]; colors = ["var(--line2)", "var(--c1)"];
    for (let i = 0; i < codes.n; i++) of[i] = codes.flags[i * codes.attributes.length + a]!;
  } else if (classes.length > 1 && by !== "none") {
    names = [...classes]; colors = classes.map((_, k) => classColor(model, k));
    if (codes.classes.some((c) => c < 0)) { names.push("no class"); colors.push("var(--ink3)"); }
    for (let i = 0; i < codes.n; i++) of[i] = codes.classes[i]! < 0 ? classes.length : Math.min(254, codes.classes[i]!);
  } else { names = ["items"]; colors = ["var(--accent)"]; }
  const counts = names.map(() => 0);
  for (const k of of) counts[k]!++;
  return { names, colors, of, counts };
}

const tabs = [["units", "Units"], ["directions", "Edit"], ["combine", "Combine"], ["path", "Film"], ["seeds", "Seeds"]] as const;
type Tab = typeof tabs[number][0];

function Room({ id, at, run, space, query, onAt }: { id: string; at: string; run: Run; space: Space; query: URLSearchParams; onAt: (at: string) => void }) {
  const { decoder } = space, { model } = decoder, shelf = useMemo(() => new Shelf(), []);
  const box = useRef<HTMLDivElement>(null), back = useRef<HTMLCanvasElement>(null), dots = useRef<HTMLCanvasElement>(null), top = useRef<HTMLCanvasElement>(null), stage = useRef<Stage | null>(null);
  const [codes, setCodes] = useState<Codes | null>(null), [why, setWhy] = useState(""), [planeKey, setPlaneKey] = useState(query.get("plane") ?? model.plane.join());
  const [plane, setPlane] = useState<Plane | null>(null), [mapping, setMapping] = useState(false), [tool, setTool] = useState<Tool>("look"), [pictures, setPictures] = useState(query.get("pictures") === "1"), [points, setPoints] = useState(query.get("points") !== "0");
  const [by, setBy] = useState(query.get("color") ?? ""), [hidden, setHidden] = useState<ReadonlySet<number>>(new Set()), [pinned, setPinned] = useState(false);
  const item = useMemo(() => new Store<number | null>(null), []), [chosen, setChosen] = useState<number | null>(null), [lasso, setLasso] = useState<number[] | null>(null);
  const [tab, setTabState] = useState<Tab>(tabs.some(([t]) => t === query.get("tool")) ? query.get("tool") as Tab : "units"), [stops, setStops] = useState<Float32Array[]>([]), [seed, setSeed] = useState(query.get("seed") ?? "7"), [turn, setTurn] = useState(0);
  const [directions, setDirections] = useState<Direction[] | null>(null), [noDirections, setNoDirections] = useState(""), look = useStore(themeTurn), canDecode = decoder.can("decode");
  const setTab = (t: Tab): void => { setTabState(t); setQuery({ tool: t }); };
  const usable = codes && codes.units === model.latent ? codes : null; // of models of more than 64 units the page has not all
  const kinds = useMemo(() => codes ? kindsOf(model, codes, by) : null, [codes, by, model]);

  useEffect(() => { // the plane on the screen
    const s = stage.current = new Stage(box.current!, back.current!, dots.current!, top.current!, space, {
      item: (p) => item.set(p),
      pin: (p) => { const on = p !== null || !s.pinned; s.pinned = on; setPinned(on); setChosen(on ? p : null); s.selected = on ? p : null; },
      lasso: (found) => setLasso(found),
      stop: (z) => setStops((all) => [...all, z]),
      view: () => { /* not kept */ },
    });
    const z = query.get("z")?.split(",").map(Number), label = query.get("label");
    if (label && model.labels.length) space.labels = Float32Array.from(model.labels, (_, k) => label.split(",").includes(String(k)) ? 1 : 0);
    space.set(z?.length === model.latent && z.every(Number.isFinite) ? Float32Array.from(z) : Float32Array.from(space.z));
    (globalThis as unknown as Record<string, unknown>)["imagoExplore"] = { space, stage: s }; // for tests, and for those who look behind it
    return () => s.close();
  }, [space]);

  useEffect(() => { // the address says where we are
    let timer = 0;
    const later = (): void => { clearTimeout(timer); timer = setTimeout(() => setQuery({ z: Array.from(space.z, (v) => v.toFixed(3).replace(/\.?0+$/, "")).join(), label: model.labels.length ? Array.from(space.labels).flatMap((v, k) => v ? [k] : []).join() : null }), 400) as unknown as number; };
    const ends = [space.on("move", later), space.on("labels", later)];
    return () => { clearTimeout(timer); for (const f of ends) f(); };
  }, [space]);

  const load = useRef<() => Promise<void>>(async () => { /* set below */ });
  load.current = async () => {
    if (!run.can.encode) { setWhy("This model has no encoder, so no item has a place in the plane."); setPictures(true); return; }
    try { setCodes(await fetchCodes(id, at)); setWhy(""); }
    catch (e) {
      setWhy((e as Error).message);
      if (run.can.encode && unknown(e)) await makeCodes(id, at).then(() => setWhy("The codes of the test items are being computed."), () => { /* the reason above stands */ });
      else if (!codes) setPictures(true);
    }
  };
  useEffect(() => { if (at !== "live") setCodes(null); void load.current(); }, [at]);
  useEffect(() => follow((e) => { if (e.type === "codes" && e.id === id) { if (asked.current) took.current = Date.now() - asked.current; void fetchCodes(id, at).then((c) => { setCodes(c); setWhy(""); }, (x: Error) => setWhy(x.message)); } }), [id, at]);
  const asked = useRef(0), took = useRef(0);
  useEffect(() => decoder.onWeights(() => { // newer weights: the picture, the pictures behind it and, less often the longer they take, the points
    setTurn((n) => n + 1);
    space.decode();
    stage.current?.remake(0);
    if (at === "live" && points && Date.now() - asked.current > Math.max(10000, Math.min(120000, 30 * took.current))) { asked.current = Date.now(); void makeCodes(id, at).catch(() => { /* as before */ }); }
  }), [decoder, at, points]);

  const started = useRef(!!query.get("z"));
  useEffect(() => { // of many units, begin at a real item, unless somebody has moved: at the origin there is only the mean of all
    if (!usable || started.current) return;
    started.current = true;
    if (model.latent > 2 && space.z.every((v) => v === 0)) space.set(usable.means.slice(0, model.latent));
  }, [usable]);
  useEffect(() => { // which plane
    let gone = false;
    const units = planeKey.split(",").map(Number);
    if (planeKey === "pca" || planeKey === "tsne") {
      if (!plane?.points) setPlane(unitPlane(model, usable, ...model.plane)); // until the other is known
      setMapping(true);
      if (usable) projected(planeKey, id, at, usable).then((p) => { if (!gone) { setPlane(p); setMapping(false); } }, (e) => { if (!gone) { complain(e); setPlaneKey(model.plane.join()); } });
    } else {
      setMapping(false);
      const [x, y] = units.length === 2 && units.every((u) => u >= 0 && u < model.latent) ? units as [number, number] : model.plane;
      setPlane(unitPlane(model, usable, x, y));
    }
    setQuery({ plane: planeKey === model.plane.join() ? null : planeKey });
    return () => { gone = true; };
  }, [planeKey, usable, model]);
  const shownPlane = useRef("");
  useEffect(() => {
    const s = stage.current;
    if (!s || !plane) return;
    s.plane = plane;
    const n = (plane.points?.length ?? 0) / 2;
    s.scatter.set(plane.points ?? new Float32Array(0), kinds ? kinds.of.slice(0, n) : new Uint8Array(n), !matchMedia("(prefers-reduced-motion: reduce)").matches);
    if (shownPlane.current !== plane.key) { shownPlane.current = plane.key; setLasso(null); s.lassoed([]); s.fit(); } else { s.draw(); s.remake(); }
  }, [plane, kinds]);
  useEffect(() => {
    const s = stage.current;
    if (!s || !kinds) return;
    s.scatter.color(kinds.colors.map((c) => rgb(color(c))), (k) => !hidden.has(k));
    s.draw();
  }, [kinds, hidden, look]);
  useEffect(() => { stage.current?.draw(); }, [look]);
  useEffect(() => { stage.current?.pictures(pictures); setQuery({ pictures: pictures ? "1" : null }); }, [pictures]);
  useEffect(() => { setQuery({ points: points ? null : "0" }); }, [points]);
  useEffect(() => { const s = stage.current; if (s) { s.tool = tool; if (tool !== "lasso") { s.lassoed([]); setLasso(null); } } }, [tool]);
  useEffect(() => { const s = stage.current; if (s) { s.stops = stops; s.mark(); } }, [stops]);
  useEffect(() => {
    if (tab !== "directions") return;
    let gone = false;
    fetchDirections(id, at).then((d) => { if (!gone) { setDirections(d); setNoDirections(""); } }, (e: Error) => { if (!gone) setNoDirections(e.message); });
    return () => { gone = true; };
  }, [tab, at, codes]);

  const unpin = (): void => { const s = stage.current; if (s) { s.pinned = false; s.selected = null; s.mark(); } setPinned(false); setChosen(null); };
  const nameOf = (p: number): string => {
    const k = codes!.classes[p]!, a = codes!.attributes;
    return k >= 0 ? codes!.names[k] ?? String(k) : a.filter((_, i) => codes!.flags[p * a.length + i]).slice(0, 4).join(", ").replaceAll("_", " ");
  };
  const words = (): string => { const z = Array.from(space.z), p = plane?.at(space.z); return z.length <= 3 ? z.map(number).join(", ") : p ? `${plane!.x || "x"} ${number(p[0])}, ${plane!.y || "y"} ${number(p[1])}` : ""; };
  const current = (): Kept | null => space.values ? { key: -Date.now(), name: words(), z: Float32Array.from(space.z), values: space.values } : null;
  const keep = (): void => { if (space.values) shelf.keep(words(), space.z, space.values); };
  const jump = (z: Float32Array): void => { space.set(Float32Array.from(z)); const s = stage.current; if (s && !s.pinned) { s.pinned = true; setPinned(true); } };
  const goItem = (p: number): void => { if (usable) jump(usable.means.subarray(p * usable.units, (p + 1) * usable.units)); };
  useKeys("Explore", [
    { keys: "k", text: "Keep the shown picture", act: keep },
    { keys: "p", text: "Add it to the path", act: () => { setStops((s) => [...s, Float32Array.from(space.z)]); setTab("path"); } },
    { keys: "v", text: "Look: the picture follows the pointer", act: () => setTool("look") },
    { keys: "l", text: "Lasso: select points", act: () => setTool("lasso") },
    { keys: "m", text: "Pictures behind the points", act: () => setPictures((x) => !x) },
    { keys: "o", text: "Points", act: () => setPoints((x) => !x) },
    { keys: "f", text: "Fit the plane", act: () => stage.current?.fit() },
    { keys: "Escape", text: "Let the picture follow again", act: unpin },
  ]);
  const states = ["best", "latest", ...(run.state === "training" ? ["live"] : [])];
  const planes: [string, string][] = [[model.plane.join(), `Units ${model.plane[0]}, ${model.plane[1]}`]];
  if (!/^(pca|tsne)$/.test(planeKey) && planeKey !== model.plane.join()) planes.push([planeKey, `Units ${planeKey.replace(",", ", ")}`]);
  if (model.latent > 2 && run.can.encode) planes.push(["pca", "Principal components"], ["tsne", "t-SNE"]);
  const onUnit = (u: number): void => { const [x, y] = (/^\d/.test(planeKey) ? planeKey.split(",").map(Number) : model.plane) as [number, number]; setPlaneKey(u === x || u === y ? `${y},${x}` : `${u},${x}`); };
  return <>
    <div class="x-head"><h1>{plain(id)}</h1><a class="small" href={`/run/${encodeURIComponent(id)}`}>Run</a><a class="small" href={`/own/${encodeURIComponent(id)}`}>Your own picture</a>
      <span class="end row small mute"><label class="row">Weights <select value={at} onChange={(e) => onAt(e.currentTarget.value)}>{states.map((s) => <option key={s} value={s}>{s === "live" ? "live, as it trains" : s}</option>)}
        {run.checkpoints.map((c) => <option key={c.name} value={c.name}>epoch {c.epoch}, step {c.step}</option>)}{![...states, ...run.checkpoints.map((c) => c.name)].includes(at) && <option value={at}>{at}</option>}</select></label>
        <span role="status" class="nowrap">{at === "live" && <i class="dot beat good" />} step {count(decoder.step)}</span></span></div>
    {decoder.server && <Note look="wait" icon="alert">The server computes the pictures of this model: {decoder.server}</Note>}
    <div class="x-room">
      <section class="x-plane" aria-label="Plane">
        <div class="x-bar"><Choice label="Tool" value={tool} options={[["look", "Look"], ["lasso", "Lasso"], ["path", "Path"]]} onChange={(t) => { setTool(t); if (t === "path") setTab("path"); }} />
          <button type="button" class="btn small" aria-pressed={pictures} disabled={!canDecode} onClick={() => setPictures(!pictures)}>Pictures</button>
          <button type="button" class="btn small" aria-pressed={points && !!codes} disabled={!codes} onClick={() => setPoints(!points)}>Points</button>
          {planes.length > 1 && <select aria-label="Plane" value={planeKey} onChange={(e) => setPlaneKey(e.currentTarget.value)}>{planes.map(([k, t]) => <option key={k} value={k} disabled={!usable && !/^\d/.test(k)}>{t}</option>)}</select>}
          {codes && (codes.attributes.length > 0 || codes.names.length > 1) && <select aria-label="Colour the points by" value={by} onChange={(e) => { setBy(e.currentTarget.value); setHidden(new Set()); setQuery({ color: e.currentTarget.value || null }); }}>
            <option value="">{codes.names.length > 1 ? "By class" : "One colour"}</option>{codes.names.length > 1 && <option value="none">One colour</option>}{codes.attributes.map((a) => <option key={a} value={a}>{a.replaceAll("_", " ")}</option>)}</select>}
        </div>
        <div ref={box} class={`x-box ${tool}`} tabIndex={0} role="application" aria-label={`${plane?.title ?? "Plane"}: the arrow keys move the point whose picture is shown, plus and minus zoom, Enter holds it`}>
          <canvas ref={back} aria-hidden="true" /><canvas ref={dots} aria-hidden="true" hidden={!points} /><canvas ref={top} aria-hidden="true" />
          <span class="x-zoom"><button type="button" class="btn small icon" aria-label="Zoom in" onClick={() => stage.current?.zoom(1.25)}>+</button><button type="button" class="btn small icon" aria-label="Zoom out" onClick={() => stage.current?.zoom(0.8)}>−</button><button type="button" class="btn small icon" aria-label="Fit the plane" title="Fit" onClick={() => stage.current?.fit()}><Icon name="fit" /></button></span>
          {mapping && <div class="x-why small" role="status">The map of the codes is being computed.</div>}
          {why && !codes && <div class="x-why small" role="status">{why}</div>}
          {lasso && kinds && <LassoCard found={lasso} kinds={kinds} codes={usable} onGo={jump} onClose={() => { setLasso(null); stage.current?.lassoed([]); }} />}
        </div>
        {kinds && kinds.names.length > 1 && <div class="x-legend" role="group" aria-label="Classes: press one to hide or show its points">{kinds.names.map((n, k) => <button key={n} type="button" class="chip" aria-pressed={!hidden.has(k)} onClick={() => { const h = new Set(hidden); if (!h.delete(k)) h.add(k); setHidden(h); }}>
          <i class="swatch" style={{ background: kinds.colors[k]! }} />{n}</button>)}<span class="tiny mute end">{many(codes!.n, `${codes!.set} item`)}</span></div>}
      </section>
      <aside class="x-side">
        <section class="x-picture" aria-label="Picture">
          {canDecode ? <Shown space={space} label="The picture that the model decodes from the shown code" /> : <Note>This model decodes no codes: see Seeds for its pictures.</Note>}
          <Where space={space} words={words} pinned={pinned} onUnpin={unpin} onKeep={keep} />
          <Item id={id} item={item} chosen={chosen} codes={codes} nameOf={nameOf} onGo={usable ? goItem : null} />
          <Labels space={space} />
        </section>
        <section class="x-tools" aria-label="Tools">
          <div class="x-tabs" role="tablist" aria-label="Tools">{tabs.map(([t, word]) => <button key={t} id={`tab-${t}`} type="button" role="tab" aria-selected={tab === t} aria-controls="x-panel" tabIndex={tab === t ? 0 : -1} onClick={() => setTab(t)}
            onKeyDown={(e) => { const i = tabs.findIndex(([x]) => x === t), d = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? tabs.length - 1 : 0; if (d) { const to = tabs[(i + d) % tabs.length]![0]; setTab(to); document.getElementById(`tab-${to}`)?.focus(); e.stopPropagation(); } }}>{word}</button>)}</div>
          <div id="x-panel" role="tabpanel" aria-labelledby={`tab-${tab}`} class="x-panel">
            {tab === "units" && <Units space={space} turn={turn} onPlane={onUnit} />}
            {tab === "directions" && <Directions space={space} list={directions} fault={noDirections} />}
            {tab === "combine" && <><ShelfRow shelf={shelf} shape={model.shape} onGo={(k) => jump(k.z)} /><Combine space={space} shelf={shelf} current={current} /></>}
            {tab === "path" && <Path space={space} id={id} at={at} stops={stops} onStops={setStops} />}
            {tab === "seeds" && <Seeds space={space} seed={seed} turn={turn} onSeed={(s) => { setSeed(s); setQuery({ seed: s }); }} onDrawn={(d: Drawn, name) => { if (d.code) jump(d.code); shelf.keep(name, d.code ?? space.z, d.values); }} />}
          </div>
        </section>
      </aside>
    </div>
  </>;
}

// Item shows the item of the data under the pointer, or the chosen one.
function Item({ id, item, chosen, codes, nameOf, onGo }: { id: string; item: Store<number | null>; chosen: number | null; codes: Codes | null; nameOf: (p: number) => string; onGo: ((p: number) => void) | null }) {
  const under = useStore(item), p = chosen ?? under;
  if (!codes || p === null || p >= codes.n) return <div class="x-item"><span class="hint">{codes ? "An item of the data that the pointer meets is shown here. A click holds it." : ""}</span></div>;
  return <div class="x-item"><img class="pic" src={itemAddress(id, codes.index[p]!, codes.set)} alt={`${codes.set} item ${codes.index[p]}`} /><div class="col tight"><b>{nameOf(p)}</b><span class="tiny mute">{codes.set} item {codes.index[p]}</span>{chosen !== null && onGo && <button type="button" class="btn small" onClick={() => onGo(chosen)}>Its code</button>}</div></div>;
}

// Where says which code is shown.
function Where({ space, words, pinned, onUnpin, onKeep }: { space: Space; words: () => string; pinned: boolean; onUnpin: () => void; onKeep: () => void }) {
  const [, turn] = useState(0);
  useEffect(() => { const ends = [space.on("code", () => turn((n) => n + 1)), space.on("picture", () => { if (space.fault) turn((n) => n + 1); })]; return () => { for (const f of ends) f(); }; }, [space]);
  return <div class="x-where"><code class="grow cut">{words()}</code>{space.fault && <span class="bad tiny">{space.fault}</span>}
    {pinned && <button type="button" class="btn small" onClick={onUnpin}>Follow again</button>}<button type="button" class="btn small" onClick={onKeep}>Keep</button></div>;
}

// LassoCard says what is in a lasso.
function LassoCard({ found, kinds, codes, onGo, onClose }: { found: number[]; kinds: Kinds; codes: Codes | null; onGo: (z: Float32Array) => void; onClose: () => void }) {
  const counts = kinds.names.map(() => 0);
  for (const p of found) counts[kinds.of[p]!]!++;
  const rows = counts.map((n, k) => [n, k] as const).filter(([n]) => n).sort((a, b) => b[0] - a[0]), most = rows[0]?.[0] ?? 1;
  const mean = (): void => {
    if (!codes || !found.length) return;
    const z = new Float32Array(codes.units);
    for (const p of found) for (let u = 0; u < z.length; u++) z[u]! += codes.means[p * codes.units + u]! / found.length;
    onGo(z);
  };
  return <div class="x-lasso panel" role="status"><header><h2>{many(found.length, "item")}</h2><button type="button" class="btn quiet small icon" aria-label="Close" onClick={onClose}><Icon name="close" /></button></header>
    <dl>{rows.slice(0, 10).map(([n, k]) => <div key={k}><dt><i class="swatch" style={{ background: kinds.colors[k]! }} />{kinds.names[k]}</dt><dd><i class="x-bar-fill" style={{ width: `${100 * n / most}%`, background: kinds.colors[k]! }} />{count(n)}</dd></div>)}</dl>
    {found.length > 0 && codes && <button type="button" class="btn small" onClick={mean}>Go to their mean</button>}</div>;
}
