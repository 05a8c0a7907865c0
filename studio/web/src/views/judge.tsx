// How good a model is: what was measured, with its protocol, of one run or of several.
import { useEffect, useState } from "preact/hooks";
import { get, runPath, type Judge } from "../api";
import type { ViewProps } from "../main";
import { jobs, runs as store } from "../live";
import { address, go, setQuery } from "../router";
import { measure } from "../parts/actions";
import { Note } from "../parts/bits";
import { seriesToken } from "../parts/color";
import { count, nice, number, plain } from "../parts/format";
import { Term, termOf } from "../parts/glossary";
import { Icon } from "../parts/icons";
import { useLoad, useStore } from "../parts/store";
import { follow } from "../live";

const item = (id: string, index: number, set: string): string => `/api/${runPath(id, `/items/${index}.png?set=${set}`)}`;

export default function JudgeView({ place }: ViewProps) {
  const queue = useStore(jobs), map = useStore(store), all = [...(map?.values() ?? [])];
  const [ids, setIds] = useState<string[]>(() => place.id ? [place.id, ...(place.query.get("with") ?? "").split(",").filter(Boolean)] : []);
  const judged = useLoad((s) => Promise.all(ids.map((id) => get<Judge>(runPath(id, "/judge"), s).catch((e: Error): Judge => ({ metrics: [], anomalies: [], clusters: [], memorised: [], cannot: { metrics: e.message } })))), [ids.join()]);
  useEffect(() => { if (place.id) setQuery({ with: ids.slice(1).join(",") || null }); }, [ids]);
  useEffect(() => follow((e) => { if (e.type === "job" && e.job.kind === "eval" && (e.job.state === "done" || e.job.state === "failed")) judged.again(); }), []);
  const first = ids[0] ?? "", shown = judged.value ?? [], one = shown[0];
  const job = queue.findLast((j) => j.kind === "eval" && j.run === first), busy = job?.state === "waiting" || job?.state === "running";
  const names = [...new Map(shown.flatMap((j) => j.metrics).map((m) => [m.name, m])).values()];
  const rest = all.filter((r) => !ids.includes(r.id));
  if (!place.id) return <>
    <div class="head"><div class="grow"><h1>Judge</h1><p class="lead">Measure how good a model is, find what it has memorised and what it takes for strange.</p></div></div>
    <Story />
    <section class="zoo"><h2>Which run?</h2><ul class="panel list picks">{all.map((r) => <li key={r.id}><a href={address("judge", r.id)}>{r.thumbnail && <img class="thumb" src={r.thumbnail} alt="" loading="lazy" />}<span class="strong">{plain(r.id)}</span><span class="mute small end">{r.recipe} · {r.data}</span></a></li>)}</ul></section>
  </>;
  return <>
    <div class="head"><div class="grow"><h1>Judge <a class="plain" href={address("run", first)}>{plain(first)}</a></h1></div>
      {rest.length > 0 && <label class="row"><span class="hide">Beside it</span><select value="" onChange={(e) => { if (e.currentTarget.value) setIds([...ids, e.currentTarget.value]); }}><option value="">Set a run beside it …</option>{rest.map((r) => <option key={r.id} value={r.id}>{plain(r.id)}</option>)}</select></label>}
      {!first.startsWith("zoo:") && <button type="button" class="btn primary" disabled={busy} onClick={() => void measure(first)}><Icon name="judge" />{busy ? "Measuring …" : "Measure"}</button>}</div>
    {busy && <Note icon="clock" look="wait">{job.state === "waiting" ? "The measurement waits in the queue: jobs run one after another. " : "It is measured now. "}<a href="/start#queue">Queue</a>{job.text && <p class="mute small cut">{job.text}</p>}</Note>}
    {job?.state === "failed" && <Note icon="alert" look="no">{job.text || "The measurement has failed."}</Note>}
    {!one ? <div role="status"><p class="mute">Asking what is known of it …</p><div class="bone" style={{ height: "16rem" }} /></div> : <div class="col gap">
      <section class="panel" aria-label="Metrics"><header><h2>Metrics</h2><span class="mute small">with the <Term of="interval">interval</Term> of 95 %</span></header>
        {names.length ? <div class="scroll"><table class="data metrics"><thead><tr><th scope="col">Metric</th>{ids.map((id, i) => <th scope="col" key={id}><span class="row"><i class="swatch" style={{ background: `var(${seriesToken(i)})` }} />{plain(id)}{i > 0 && <button type="button" class="reset" aria-label={`Leave ${id} out`} onClick={() => setIds(ids.filter((x) => x !== id))}><Icon name="close" /></button>}</span></th>)}<th scope="col">Protocol</th></tr></thead>
          <tbody>{names.map((m) => { const row = shown.map((j) => j.metrics.find((x) => x.name === m.name)), ends = row.flatMap((x) => x ? [x.low ?? x.value, x.high ?? x.value] : []).filter((v): v is number => v !== null), low = Math.min(...ends), high = Math.max(...ends), at = (v: number): number => high > low ? ((v - low) / (high - low)) * 100 : 50;
            return <tr key={m.name}><th scope="row">{termOf(m.name) ? <Term of={termOf(m.name)}>{nice(m.name)}</Term> : nice(m.name)}<div class="mute tiny">{m.up ? "higher is better" : "lower is better"}</div></th>{row.map((x, i) => <td key={ids[i]}>{x ? <div class="estimate"><b>{number(x.value)}</b>{x.low !== null && x.high !== null && <><span class="mute tiny">{number(x.low)} – {number(x.high)}</span>{row.length > 1 && <span class="whisker" aria-hidden="true"><i style={{ left: `${at(x.low)}%`, width: `${Math.max(1, at(x.high) - at(x.low))}%`, background: `var(${seriesToken(i)})` }} /></span>}</>}<span class="mute tiny">step {count(x.step)}</span></div> : <span class="mute">–</span>}</td>)}<td class="mute small">{m.protocol}</td></tr>; })}</tbody></table></div>
          : <div class="empty"><p>{one.cannot["metrics"] || "Nothing has been measured yet."}</p>{!busy && !first.startsWith("zoo:") && <button type="button" class="btn" onClick={() => void measure(first)}>Measure now</button>}</div>}</section>
      <div class="two-col">
        <section class="panel" aria-label="Anomalies"><header><h2><Term of="anomaly">Strangest items</Term></h2><span class="mute small">the highest scores first</span></header>
          {one.anomalies.length ? <ol class="items">{one.anomalies.map((a) => <li key={a.set + a.index}><img src={item(first, a.index, a.set)} alt={`Item ${a.index} of the ${a.set} set${a.class ? `, ${a.class}` : ""}`} loading="lazy" /><span class="tiny"><b>{number(a.score, 3)}</b> <span class="mute">{a.class}</span></span></li>)}</ol> : <p class="mute">{one.cannot["anomalies"] || "No item is known to be strange."}</p>}</section>
        <section class="panel" aria-label="Memorised"><header><h2><Term of="memorised">Nearest training items</Term></h2><span class="mute small">has it learned, or learned by heart?</span></header>
          {one.memorised.length ? <ul class="items pairs">{one.memorised.map((m) => <li key={m.sample}><span class="row"><img src={m.sample} alt="Generated picture" loading="lazy" /><img src={item(first, m.index, "train")} alt={`Training item ${m.index}`} loading="lazy" /></span><span class="tiny mute">distance {number(m.distance, 3)}</span></li>)}</ul> : <p class="mute">{one.cannot["memorised"] || "No generated picture is a copy."}</p>}</section>
      </div>
      <section class="panel" aria-label="Clusters"><header><h2><Term of="cluster">Clusters</Term></h2></header>{one.clusters.length ? <ul class="clusters">{one.clusters.map((c) => { const total = Object.values(c.classes).reduce((a, b) => a + b, 0) || 1; return <li key={c.name}><span class="row"><b>{c.name}</b><span class="mute small end">{Math.round(c.share * 100)} % of all</span></span><span class="stack" role="img" aria-label={Object.entries(c.classes).map(([k, v]) => `${k}: ${Math.round(v / total * 100)} %`).join(", ")}>{Object.entries(c.classes).map(([k, v], i) => v / total > .01 && <i key={k} title={`${k}: ${Math.round(v / total * 100)} %`} style={{ width: `${v / total * 100}%`, background: `var(--c${i % 10})` }} />)}</span><span class="mute tiny">mostly {Object.entries(c.classes).sort((a, b) => b[1] - a[1]).slice(0, 2).map(([k, v]) => `${k} (${Math.round(v / total * 100)} %)`).join(", ")}</span></li>; })}</ul> : <p class="mute">{one.cannot["clusters"] || "This model makes no clusters."}</p>}</section>
      <Story />
    </div>}
  </>;
}

// Story leads to the page on autoencoders and VAEs.
function Story() {
  return <Note icon="learn"><p class="strong">A low loss is not a good space.</p><p class="dim">An autoencoder reconstructs better than a VAE, and yet most points between its codes are pictures of nothing. See the holes, and how the KL closes them.</p><p><button type="button" class="btn small" onClick={() => go("/learn/holes")}>Autoencoder against VAE<Icon name="right" /></button></p></Note>;
}
