// The runs of the folder, and the models that imago brings along.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, type Recipe, type RunSummary } from "../api";
import type { ViewProps } from "../main";
import { fault, refresh, runs as store } from "../live";
import { address, go, setQuery } from "../router";
import { Badge, Menu, Meter, Spark, stateWord } from "../parts/bits";
import { RenameDialog, TagsDialog, chief, compare, isZoo, remove } from "../parts/actions";
import { ago, bytes, many, nice, number, plain, span } from "../parts/format";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { useLoad, useStore } from "../parts/store";

const sorts = {
  trained: ["Trained last", (a, b) => b.trained - a.trained],
  name: ["Name", (a, b) => a.id.localeCompare(b.id, "en", { numeric: true })],
  recipe: ["Recipe", (a, b) => a.recipe.localeCompare(b.recipe) || b.trained - a.trained],
  best: ["Best loss", (a, b) => (a.best[chief(a)] ?? Infinity) - (b.best[chief(b)] ?? Infinity)],
  time: ["Time of training", (a, b) => b.seconds - a.seconds],
  size: ["Size on disk", (a, b) => b.bytes - a.bytes],
} satisfies Record<string, [string, (a: RunSummary, b: RunSummary) => number]>;
type Sort = keyof typeof sorts;

function fits(r: RunSummary, words: string[]): boolean {
  const text = `${r.id} ${r.recipe} ${r.data} ${stateWord(r.state)} ${r.tags.map((t) => "#" + t).join(" ")} ${r.note}`.toLowerCase();
  return words.every((w) => w.startsWith("-") && w.length > 1 ? !text.includes(w.slice(1)) : text.includes(w));
}

export default function Runs({ place }: ViewProps) {
  const map = useStore(store), wrong = useStore(fault);
  const [filter, setFilter] = useState(place.query.get("filter") ?? ""), [sort, setSort] = useState<Sort>((place.query.get("sort") ?? "trained") as Sort);
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const [limit, more] = useState(60);
  const [renamed, rename] = useState<RunSummary | null>(null), [tagged, tag] = useState<RunSummary[] | null>(null);
  const search = useRef<HTMLInputElement>(null), foot = useRef<HTMLDivElement>(null), lastRow = useRef(-1);
  const all = useMemo(() => [...(map?.values() ?? [])], [map]);
  const own = all.filter((r) => !isZoo(r)), zoo = all.filter((r) => isZoo(r) && !/:(ae|beta-)/.test(r.id)).sort((a, b) => (a.data === "faces" ? 0 : 1) - (b.data === "faces" ? 0 : 1)); // those of the story of β are on its page
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = useMemo(() => own.filter((r) => fits(r, words)).sort(sorts[sort]?.[1] ?? sorts.trained[1]), [map, filter, sort]);
  const tags = useMemo(() => [...new Set(own.flatMap((r) => r.tags))].sort(), [map]);
  const selected = own.filter((r) => chosen.has(r.id));
  useEffect(() => setQuery({ filter: filter || null, sort: sort === "trained" ? null : sort }), [filter, sort]);
  useEffect(() => {
    if (!foot.current || shown.length <= limit) return;
    const seen = new IntersectionObserver((e) => { if (e[0]?.isIntersecting) more((n) => n + 120); }, { rootMargin: "800px" });
    seen.observe(foot.current);
    return () => seen.disconnect();
  }, [shown.length, limit]);
  const pick = (id: string, at: number, range: boolean): void => {
    const from = range && lastRow.current >= 0 ? lastRow.current : at;
    lastRow.current = at;
    choose((before) => {
      const next = new Set(before), on = !next.has(id);
      for (const r of shown.slice(Math.min(from, at), Math.max(from, at) + 1)) on ? next.add(r.id) : next.delete(r.id);
      return next;
    });
  };
  useKeys("Runs", [
    { keys: "/", text: "Filter", act: () => search.current?.focus() },
    { keys: "c", text: "Compare what is selected", act: () => { if (selected.length > 1) compare([...chosen]); } },
    { keys: "a", text: "Select all that are shown", act: () => choose(new Set(shown.map((r) => r.id))) },
    { keys: "Escape", text: "Select none", act: () => choose(new Set()) },
  ]);
  const word = (w: string): void => setFilter(words.includes(w) ? words.filter((x) => x !== w).join(" ") : [...words, w].join(" "));

  if (!map) return wrong ? <div class="empty"><h1>Runs</h1><p>{wrong}</p><button class="btn" type="button" onClick={() => void refresh()}>Try again</button></div>
    : <div aria-busy="true"><h1 class="hide">Runs</h1>{[0, 1, 2, 3].map((i) => <div key={i} class="bone row-bone" />)}</div>;
  if (!own.length) return <Welcome zoo={zoo} />;
  const training = own.filter((r) => r.state === "training").length;
  return <>
    <div class="head">
      <div class="grow"><h1>Runs</h1><p class="mute">{many(own.length, "run")}{training ? ` · ${training} in training` : ""}</p></div>
      <div class="search"><Icon name="search" /><input ref={search} type="search" aria-label="Filter by words" placeholder="Filter: name, recipe, #tag, −word" value={filter} onInput={(e) => { setFilter(e.currentTarget.value); more(60); }} /></div>
      <label class="row"><span class="hide">Sort by</span><select value={sort} onChange={(e) => setSort(e.currentTarget.value as Sort)}>{Object.entries(sorts).map(([k, [w]]) => <option value={k} key={k}>{w}</option>)}</select></label>
      <a class="btn primary" href="/start"><Icon name="plus" />Start a training</a>
    </div>
    {tags.length > 0 && <div class="row wrap tags" role="group" aria-label="Filter by tag">{tags.map((t) => <button type="button" class="chip" key={t} aria-pressed={words.includes("#" + t)} onClick={() => word("#" + t)}>#{t}</button>)}</div>}
    <div class="runs panel" role="table" aria-label="Runs" aria-rowcount={shown.length + 1}>
      <div role="row" class="run head-row">
        <span role="columnheader"><input type="checkbox" aria-label="Select all" checked={selected.length > 0 && selected.length === shown.length} onChange={(e) => choose(new Set(e.currentTarget.checked ? shown.map((r) => r.id) : []))} /></span>
        <span role="columnheader"><span class="hide">Picture</span></span><span role="columnheader">Run</span><span role="columnheader">State</span><span role="columnheader" class="num">Epochs</span><span role="columnheader" class="num">Last loss</span><span role="columnheader" class="num">Best</span><span role="columnheader">Curve</span><span role="columnheader" class="num wide">Time</span><span role="columnheader" class="num wide">Size</span><span role="columnheader" class="num">Trained</span><span role="columnheader"><span class="hide">Actions</span></span>
      </div>
      {shown.slice(0, limit).map((r, i) => <Row key={r.id} r={r} on={chosen.has(r.id)} pick={(range) => pick(r.id, i, range)} rename={() => rename(r)} tag={() => tag([r])} word={word} />)}
    </div>
    <div ref={foot} />
    {!shown.length && <div class="empty"><p>No run has all of these words: <b>{words.join(" ")}</b></p><button class="btn" type="button" onClick={() => setFilter("")}>Show all {own.length}</button></div>}
    {zoo.length > 0 && !filter && <section class="zoo"><h2>Trained models to play with</h2><ZooCards zoo={zoo} /></section>}
    {selected.length > 0 && <div class="picked" role="region" aria-label="Selected runs">
      <span class="strong nowrap">{many(selected.length, "run")}</span><span class="grow" />
      <button class="btn primary" type="button" disabled={selected.length < 2} title="c" onClick={() => compare(selected.map((r) => r.id))}><Icon name="compare" />Compare</button>
      <button class="btn" type="button" onClick={() => tag(selected)}><Icon name="tag" />Tag</button>
      <button class="btn danger" type="button" disabled={selected.some((r) => r.state === "training")} onClick={() => { void remove(selected); choose(new Set()); }}><Icon name="trash" />Delete</button>
      <button class="btn quiet icon" type="button" aria-label="Select none" onClick={() => choose(new Set())}><Icon name="close" /></button></div>}
    {renamed && <RenameDialog run={renamed} onClose={() => rename(null)} />}{tagged && <TagsDialog all={tagged} onClose={() => tag(null)} />}
  </>;
}

function Row({ r, on, pick, rename, tag, word }: { r: RunSummary; on: boolean; pick: (range: boolean) => void; rename: () => void; tag: () => void; word: (w: string) => void }) {
  const key = chief(r), open = address("run", r.id), bad = r.state === "damaged";
  const busy = r.state === "training" || r.state === "paused";
  return <div role="row" class={on ? "run on" : "run"}>
    <span role="cell"><input type="checkbox" aria-label={`Select ${r.id}`} checked={on} onClick={(e) => pick(e.shiftKey)} /></span>
    <span role="cell">{r.thumbnail ? <img class="thumb" src={r.thumbnail} alt="" loading="lazy" decoding="async" /> : <span class="thumb" />}</span>
    <span role="cell" class="what"><a class="strong name" href={open}>{r.id}</a><span class="mute small about"><span class="cut">{r.recipe} · {r.data}</span>{r.tags.map((t) => <button type="button" class="tag" key={t} aria-label={`Filter by #${t}`} onClick={() => word("#" + t)}>#{t}</button>)}</span>
      {r.fault && <span class="bad small fault">{r.fault}</span>}</span>
    <span role="cell" class="state"><Badge state={r.state} />{busy && <><Meter value={r.progress} label={`Progress of ${r.id}`} look={r.state === "paused" ? "off" : ""} />{r.remaining !== null && <span class="mute tiny">{span(r.remaining)} left</span>}</>}</span>
    <span role="cell" class="num" data-label="epochs">{r.epochs ? <>{r.epoch}<span class="mute"> / {r.epochs}</span></> : bad ? "–" : <>{r.epoch}</>}</span>
    <span role="cell" class="num" data-label="last" title={nice(key)}>{number(r.last[key])}</span>
    <span role="cell" class="num strong" data-label="best" title={nice(key)}>{number(r.best[key])}</span>
    <span role="cell" class="curve"><Spark values={r.spark} label={`Loss of ${r.id}, from ${number(r.spark.find((v) => v !== null))} to ${number(r.spark.at(-1))}`} /></span>
    <span role="cell" class="num mute wide">{span(r.seconds)}</span><span role="cell" class="num mute wide">{bytes(r.bytes)}</span>
    <span role="cell" class="num mute when">{r.state === "training" ? "now" : ago(r.trained)}</span>
    <span role="cell" class="act"><Menu label={`Actions of ${r.id}`} items={[
      { icon: "explore", text: "Explore", href: address("explore", r.id) }, { icon: "own", text: "Your own pictures", href: address("own", r.id) }, { icon: "judge", text: "Judge", href: address("judge", r.id) },
      { icon: "edit", text: "Rename", act: rename }, { icon: "tag", text: "Tags", act: tag },
      ...(r.state === "training" ? [] : [{ icon: "trash" as const, text: "Delete", danger: true, act: () => void remove([r]) }])]} /></span>
  </div>;
}

export function ZooCards({ zoo }: { zoo: RunSummary[] }) {
  const recipes = useLoad((s) => get<Recipe[]>("recipes", s), []);
  const data: Record<string, string> = { mnist: "handwritten digits", digits: "drawn digits", faces: "cartoon faces" };
  return <div class="cards zoo-cards">{zoo.map((r) => <a class="card" href={address("explore", r.id)} key={r.id}>
    <img class="pic cover" src={r.thumbnail ?? ""} alt={`Pictures that ${plain(r.id)} makes`} loading="lazy" /><span class="in"><span class="row"><span class="strong">{plain(r.id)}</span><span class="end mute small nowrap">{data[r.data] ?? r.data}</span></span><span class="mute small">{recipes.value?.find((x) => x.name === r.recipe)?.about}</span></span></a>)}</div>;
}

function Welcome({ zoo }: { zoo: RunSummary[] }) {
  return <div class="welcome">
    <div class="hero"><h1>See a model learn.<br />Walk through what it learned.</h1>
      <p class="lead">Nothing is trained here yet. {zoo.length ? "Play with a trained model now: every point of its plane is a picture. Or start a training of your own, and watch." : "Start a training, and watch it learn."}</p>
      <div class="row wrap"><button type="button" class="btn primary big" onClick={() => go("/start")}><Icon name="plus" />Start a training</button><a class="btn big" href="/learn"><Icon name="learn" />How does it work?</a></div></div>
    {zoo.length > 0 && <section><h2>Play with a trained model now</h2><ZooCards zoo={zoo} /></section>}
  </div>;
}
