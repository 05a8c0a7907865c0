// Several runs side by side: curves, what differs, numbers, pictures of the same seed.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get, runPath, type Curves, type Run } from "../api";
import type { ViewProps } from "../main";
import { runs as store } from "../live";
import { address, setQuery } from "../router";
import { Badge, Choice, Picture } from "../parts/bits";
import { Chart, Legend, type Curve } from "../parts/chart";
import { seriesToken } from "../parts/color";
import { curvesOf, groups, useCurves, type Axis } from "../parts/curves";
import { isZoo } from "../parts/actions";
import { many, nice, number, plain, span, upward } from "../parts/format";
import { Term, termOf } from "../parts/glossary";
import { Icon } from "../parts/icons";
import { Samples, SeedField } from "../parts/samples";
import { useKept, useLoad, useStore } from "../parts/store";

// flat returns the options of a configuration by their paths. What every run has of its own is no option.
function flat(v: unknown, at = "", out: Record<string, string> = {}): Record<string, string> {
  if (v !== null && typeof v === "object" && !Array.isArray(v)) for (const [k, x] of Object.entries(v)) flat(x, at ? `${at}.${k}` : k, out);
  else if (!/^(sha256|imago|go|format|arithmetic|data\.(digest|labels|item|notes|attributes|train))/.test(at)) out[at] = Array.isArray(v) ? v.join(", ") : String(v);
  return out;
}

// Feed gives the curves of one run to the view, as they grow.
function Feed({ id, onData }: { id: string; onData: (id: string, d: Curves, version: number) => void }) {
  const { data, version } = useCurves(id);
  useEffect(() => { if (data) onData(id, data, version); }, [data, version]);
  return null;
}

export default function Compare({ place }: ViewProps) {
  const map = useStore(store), [ids, setIds] = useState((place.query.get("runs") ?? "").split(",").filter(Boolean)), [seed, setSeed] = useState(place.query.get("seed") ?? "1");
  const details = useLoad((s) => Promise.all(ids.map((id) => get<Run>(runPath(id), s).catch(() => null))), [ids.join()]);
  const [data, setData] = useState<Record<string, Curves>>({}), [version, turn] = useState(0);
  const [axis, setAxis] = useKept("axis", "epoch") as [Axis, (v: Axis) => void], [part, setPart] = useState<"test" | "train">("test"), [log, setLog] = useKept("log", ""), [zoom, setZoom] = useState<[number, number] | null>(null);
  const [metric, setMetric] = useState(place.query.get("metric") ?? "");
  useEffect(() => setQuery({ runs: ids.join(",") || null, seed: seed === "1" ? null : seed, metric: metric || null }), [ids, seed, metric]);
  useEffect(() => setZoom(null), [axis]);
  const all = (details.value ?? []).filter((r): r is Run => r !== null && ids.includes(r.id)), token = (id: string): string => seriesToken(ids.indexOf(id));
  const names = useMemo(() => { const n = new Map<string, { key: string; title: string; names: string[] }>(); for (const id of ids) if (data[id]) for (const g of groups(data[id]!)) n.set(g.key, n.get(g.key) ?? g); return [...n.values()]; }, [data, version, ids]);
  const chosen = names.find((g) => g.key === metric) ?? names[0];
  const curves = useMemo((): Curve[] => chosen ? ids.flatMap((id) => {
    if (!data[id]) return [];
    const own = curvesOf(data[id]!, chosen.names, axis), kept = own.filter((c) => c.label.endsWith(part));
    return (kept.length ? kept : own).map((c) => ({ ...c, label: chosen.names.length > 1 ? `${plain(id)} ${c.label}` : plain(id), token: token(id), dash: chosen.names.length > 1 && c.label.startsWith("D") }));
  }) : [], [data, version, chosen?.key, axis, part, ids]);
  const options = all.map((r) => flat(r.config)), paths = [...new Set(options.flatMap((o) => Object.keys(o)))], differ = paths.filter((p) => new Set(options.map((o) => o[p])).size > 1);
  const metrics = [...new Set(all.flatMap((r) => Object.keys({ ...r.best, ...r.last })))].filter((m) => all.filter((r) => m in r.best || m in r.last).length > 0 && !/grad_norm|images_per|waited/.test(m)).sort();
  const out = (id: string): void => setIds(ids.filter((x) => x !== id));
  const rest = [...(map?.values() ?? [])].filter((r) => !ids.includes(r.id) && !isZoo(r));
  const side = (r: Run): number | null => r.can.sample || r.can.decode ? 16 : null;

  return <>
    {ids.map((id) => <Feed key={id} id={id} onData={(i, d, v) => { setData((x) => x[i] === d ? x : { ...x, [i]: d }); turn((n) => n + v); }} />)}
    <div class="head"><div class="grow"><h1>Compare</h1><p class="mute">{ids.length ? many(ids.length, "run") : "choose two runs or more"}</p></div>
      {rest.length > 0 && <label class="row"><span class="hide">Add a run</span><select value="" onChange={(e) => { if (e.currentTarget.value) setIds([...ids, e.currentTarget.value]); }}><option value="">Add a run …</option>{rest.map((r) => <option key={r.id} value={r.id}>{r.id}</option>)}</select></label>}</div>
    <div class="row wrap compared">{all.map((r) => <span class="chip" key={r.id}><i class="swatch" style={{ background: `var(${token(r.id)})` }} /><a class="strong" href={address("run", r.id)}>{plain(r.id)}</a><Badge state={map?.get(r.id)?.state ?? r.state} /><button type="button" class="reset" aria-label={`Leave ${r.id} out`} onClick={() => out(r.id)}><Icon name="close" /></button></span>)}</div>
    {!ids.length ? <div class="empty panel"><p>Curves, options, numbers and pictures of runs stand here side by side.</p><a class="btn primary" href="/">Choose runs</a></div> : <div class="col gap">
      <section class="panel" aria-label="Curves"><header><div class="row wrap gap"><h2>{chosen && termOf(chosen.key) ? <Term of={termOf(chosen.key)}>Curves</Term> : "Curves"}</h2>{names.length > 0 && <select aria-label="Metric" value={chosen?.key} onChange={(e) => setMetric(e.currentTarget.value)}>{names.map((g) => <option key={g.key} value={g.key}>{g.title}</option>)}</select>}</div>
        <div class="row wrap tools">{zoom && <button type="button" class="btn small" onClick={() => setZoom(null)}>Whole training</button>}<Choice label="Part" value={part} options={[["test", "Test"], ["train", "Train"]]} onChange={setPart} /><Choice label="Axis" value={axis} options={[["epoch", "Epoch"], ["step", "Step"], ["time", "Time"]]} onChange={setAxis} /><button type="button" class="btn small" aria-pressed={log === "1"} onClick={() => setLog(log === "1" ? "" : "1")}>Log scale</button></div></header>
        <Chart title={chosen?.title ?? "Curves"} curves={curves} xLabel={axis === "time" ? "seconds" : axis} log={log === "1"} height={340} zoom={zoom} onZoom={setZoom} /><Legend curves={curves} /></section>
      <section class="panel" aria-label="Samples of the same seed"><header><h2>Samples of the same <Term of="seed">seed</Term></h2><SeedField seed={seed} onSeed={setSeed} /></header>
        <div class="cards side">{all.map((r) => <figure key={r.id} class="col"><figcaption class="row"><i class="swatch" style={{ background: `var(${token(r.id)})` }} /><span class="strong cut">{plain(r.id)}</span></figcaption>{side(r) ? <Samples id={r.id} at={r.state === "training" ? "live" : "latest"} n={16} seed={seed} page={r.can.page} label={`Pictures of ${r.id} from seed ${seed}`} /> : <p class="mute small">It draws nothing.</p>}
          {r.can.reconstruct && <Picture src={`/api/${runPath(r.id, "/reconstructions.png?n=8&at=latest")}`} alt={`Test pictures above their reconstructions by ${r.id}`} />}</figure>)}</div></section>
      <div class="two-col"><section class="panel" aria-label="What differs"><header><h2>What differs</h2></header>{differ.length ? <div class="scroll"><table class="data"><thead><tr><th scope="col">Option</th>{all.map((r) => <th scope="col" key={r.id}>{plain(r.id)}</th>)}</tr></thead><tbody>{differ.map((p) => <tr key={p}><th scope="row"><code>{p}</code></th>{options.map((o, i) => <td key={all[i]!.id}>{o[p] === undefined ? <span class="mute">–</span> : o[p] || <span class="mute">none</span>}</td>)}</tr>)}</tbody></table></div> : <p class="mute">{all.length > 1 ? "Nothing: the same options throughout." : "One run differs from none."}</p>}</section>
        <section class="panel" aria-label="Numbers"><header><h2>Numbers</h2><span class="mute small">last, the best of each line marked</span></header><div class="scroll"><table class="data"><thead><tr><th scope="col">Metric</th>{all.map((r) => <th scope="col" class="num" key={r.id}>{plain(r.id)}</th>)}</tr></thead><tbody>
          {metrics.map((m) => { const v = all.map((r) => r.last[m] ?? r.best[m] ?? null), known = v.filter((x): x is number => x !== null), top = known.length > 1 && /loss|kl|recon|fid|kid|elbo|acc/.test(m) ? (upward(m) ? Math.max(...known) : Math.min(...known)) : NaN; return <tr key={m}><th scope="row">{termOf(m) ? <Term of={termOf(m)}>{nice(m)}</Term> : nice(m)}</th>{v.map((x, i) => <td class={x === top && !/kl/.test(m) ? "num strong good" : "num"} key={all[i]!.id}>{number(x)}</td>)}</tr>; })}
          <tr><th scope="row">time of training</th>{all.map((r) => <td class="num" key={r.id}>{span(r.seconds)}</td>)}</tr></tbody></table></div></section></div>
    </div>}
  </>;
}
