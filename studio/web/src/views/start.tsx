// A training is made ready and started: what, on what, and how. The address has all of it.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, runPath, send, type Checked, type DataSet, type Job, type Option, type Recipe, type Run, type Wanted } from "../api";
import type { ViewProps } from "../main";
import { jobs, refresh } from "../live";
import { address, go, setQuery } from "../router";
import { Choice, Command, Field } from "../parts/bits";
import { BrowseDialog, LookPanel, accepted, upload, useLook } from "../parts/dataset";
import { bytes, count, span } from "../parts/format";
import { Icon } from "../parts/icons";
import { OptionsForm } from "../parts/options";
import { Queue } from "../parts/queue";
import { wantedOf } from "../parts/shell";
import { useLoad, useStore } from "../parts/store";
import { complain, say } from "../parts/toast";

// speedText says where an estimate of time comes from.
const speedText = "By the median speed of the five newest runs of this recipe on such pictures, on this machine.";

export default function Start({ place }: ViewProps) {
  const sets = useLoad((s) => get<DataSet[]>("data", s), []);
  const [recipe, setRecipe] = useState(place.query.get("recipe") ?? "cnn-vae"), [data, setData] = useState(place.query.get("data") ?? "digits"), [name, setName] = useState(place.query.get("name") ?? "");
  const [values, setValues] = useState<Record<string, string>>(() => Object.fromEntries([...place.query].filter(([k]) => k.startsWith("o.")).map(([k, v]) => [k.slice(2), v])));
  const [init, setInit] = useState(place.query.get("init") ?? ""), [like] = useState(place.query.get("like") ?? "");
  const [added, add] = useState<DataSet[]>([]), [family, show] = useState<"all" | "vae" | "gan">("all"), [whole, open] = useState(false), [browsing, browse] = useState(false), [over, drag] = useState(false);
  const [checked, setChecked] = useState<Checked | null>(null), [asking, ask] = useState(false), [starting, begin] = useState(false), turn = useRef(0), file = useRef<HTMLInputElement>(null);
  const [again, lookAgain] = useState(0), at = useLook(data, again), seen = useRef("");
  if (at.look) seen.current = `?items=${at.look.train}&shape=${at.look.shape.join()}`;
  const recipes = useLoad((s) => get<Recipe[]>("recipes" + seen.current, s), [seen.current]);
  const options = useLoad((s) => get<Option[]>(`options?recipe=${encodeURIComponent(recipe)}`, s), [recipe]);
  const queue = useStore(jobs);

  useEffect(() => { // one like another: its command says what it was; what the address says comes on top
    if (!like || !options.value) return;
    const switches = new Set(options.value.filter((o) => o.type === "bool").map((o) => o.name)), asked = values;
    get<Run>(runPath(like)).then((r) => {
      const w = wantedOf(r.command, switches);
      setRecipe(w?.recipe || r.recipe);
      setData(w?.data || r.data);
      if (w) {
        const { init: from, ...rest } = w.options;
        setValues({ ...rest, ...asked });
        if (from) setInit(from.replace(/\/$/, "").split("/").pop()!);
      }
      setQuery({ like: null });
    }, complain);
  }, [like, options.value === null]);
  useEffect(() => {
    const q = new URLSearchParams(location.search), change: Record<string, string | null> = { recipe, data, name: name || null, init: init || null };
    for (const k of q.keys()) if (k.startsWith("o.")) change[k] = null;
    for (const [k, v] of Object.entries(values)) change["o." + k] = v;
    setQuery(change);
  }, [recipe, data, name, values, init]);
  const known = useMemo(() => new Set(options.value?.map((o) => o.name)), [options.value]);
  const wanted: Wanted = { recipe, data, options: Object.fromEntries(Object.entries(values).filter(([k]) => !known.size || known.has(k))), ...(name ? { name } : {}), ...(init ? { init } : {}) };
  const key = JSON.stringify(wanted);
  useEffect(() => {
    const mine = ++turn.current;
    ask(true);
    const t = setTimeout(() => {
      send<Checked>("POST", "jobs/check", wanted).then((c) => { if (mine === turn.current) { setChecked(c); ask(false); } },
        (e: Error & { fields?: { field: string; text: string }[] }) => { if (mine === turn.current) { setChecked((c) => ({ ...(c ?? { notes: [], command: "", name: "", memory: null, seconds: null, parameters: null, items: null }), errors: e.fields?.length ? e.fields : [{ field: "", text: e.message }] })); ask(false); } });
    }, 200);
    return () => clearTimeout(t);
  }, [key, again]);

  const all = [...added, ...(sets.value ?? []).filter((d) => !added.some((a) => a.source === d.source))];
  if (data && !all.some((d) => d.source === data) && sets.value) all.unshift({ source: data, name: data.split("/").pop()!, about: data, kind: "file", present: true, picture: null });
  const shown = (recipes.value ?? []).filter((r) => family === "all" || r.family === family), first = shown.findIndex((r) => r.name === recipe) < 8 ? shown.slice(0, 8) : [...shown.slice(0, 7), ...shown.filter((r) => r.name === recipe)];
  const errors: Record<string, string> = {}, general: string[] = [];
  for (const e of checked?.errors ?? []) if (e.field && (known.has(e.field) || e.field === "name")) errors[e.field] ??= e.text; else general.push(e.text);
  const ready = !!checked && !checked.errors.length && !asking, busy = queue.some((j) => j.state === "running");
  const bring = async (files: Iterable<File>): Promise<void> => {
    say("Uploading …");
    const here = await upload(files), set = here.at(-1);
    if (set) { add((a) => [...here, ...a.filter((x) => !here.some((h) => h.source === x.source))]); setData(set.source); lookAgain((n) => n + 1); say(`${here.map((h) => h.name).join(", ")} ${here.length === 1 ? "is" : "are"} here.`); }
  };
  const launch = async (): Promise<void> => {
    if (!ready || starting) return;
    begin(true);
    try {
      const job = await send<Job>("POST", "jobs", wanted);
      await refresh();
      if (busy) say(`${job.run} is in the queue.`);
      else if (job.run) go(address("run", job.run));
      setName("");
    } catch (e) { complain(e); } finally { begin(false); }
  };

  return <form class="start" onSubmit={(e) => { e.preventDefault(); void launch(); }} onDragOver={(e) => { if (e.dataTransfer?.types.includes("Files")) { e.preventDefault(); drag(true); } }} onDragLeave={() => drag(false)} onDrop={(e) => { drag(false); if (e.dataTransfer?.files.length) { e.preventDefault(); void bring(e.dataTransfer.files); } }}>
    <div class="start-main">
      <h1>Start a training</h1>
      <section aria-labelledby="s-recipe"><header class="row wrap gap part"><h2 id="s-recipe"><i>1</i>What</h2><Choice label="Family" value={family} options={[["all", "All"], ["vae", "Autoencoders"], ["gan", "GANs"]]} onChange={show} /></header>
        {recipes.fault && <p class="bad">{recipes.fault.message}</p>}
        <div class="cards recipes">{recipes.value ? (whole ? shown : first).map((r) => <button type="button" class="card" key={r.name} aria-pressed={r.name === recipe} onClick={() => { setRecipe(r.name); }}>
          {r.picture ? <span class="cover-of"><img class="pic cover" src={r.picture} alt="" loading="lazy" />{r.like && <span class="tiny" title={`No ${r.name} is trained here yet: ${r.like}, a model that imago brings along, drew this picture.`}>drawn by {r.like}</span>}</span> : <span class="cover blank" aria-hidden="true">{r.name}</span>}<span class="in"><span class="row"><span class="strong cut">{r.name}</span>{r.minutes !== null && <span class="end mute tiny nowrap" title={speedText}>{r.minutes < 1 ? "< 1" : `≈ ${Math.round(r.minutes)}`} min</span>}</span><span class="mute small">{r.about}</span>{r.paper && <span class="mute tiny">{r.paper}</span>}</span></button>) : [0, 1, 2, 3].map((i) => <div class="bone" key={i} style={{ height: "14rem" }} />)}</div>
        {shown.length > first.length && <button type="button" class="btn quiet" onClick={() => open(!whole)}>{whole ? "Fewer" : `All ${shown.length} recipes`}</button>}</section>
      <section aria-labelledby="s-data" class={over ? "drop" : ""}>
        <header class="row wrap gap part"><h2 id="s-data"><i>2</i>On what</h2><div class="row wrap"><button type="button" class="btn small" onClick={() => file.current?.click()}><Icon name="upload" />Upload</button><button type="button" class="btn small" onClick={() => browse(true)}><Icon name="folder" />Browse</button><input ref={file} type="file" hidden multiple accept={accepted} aria-label="Files to upload" onChange={(e) => { if (e.currentTarget.files?.length) void bring(e.currentTarget.files); e.currentTarget.value = ""; }} /></div><span class="mute small">or drop pictures, a zip or a CSV here</span></header>
        <div class="cards sets">{all.map((d) => <button type="button" class="card set" key={d.source} aria-pressed={d.source === data} onClick={() => setData(d.source)}>{d.picture ? <img class="pic" src={d.picture} alt="" loading="lazy" /> : <span class="pic blank"><Icon name={d.kind === "folder" ? "folder" : d.kind === "drawn" || d.kind === "set" ? "grid" : "file"} /></span>}<span class="grow"><span class="strong cut">{d.name}</span><span class="mute tiny two" title={d.about}>{d.present ? d.about : `not here yet: ${d.about}`}</span></span></button>)}</div>
        {data && <LookPanel source={data} at={at} recipe={recipe} onSuggestion={(r, o) => { setRecipe(r); setValues({ ...values, ...o }); }} />}</section>
      <section aria-labelledby="s-how"><header class="row wrap gap part"><h2 id="s-how"><i>3</i>How</h2><span class="mute small">what is left empty is the recipe's</span></header>
        <div class="panel col gap"><div class="form"><Field label="Name" hint="of the folder of the run" error={errors["name"]}>{(id, by) => <input id={id} aria-describedby={by} aria-invalid={!!errors["name"]} value={name} placeholder={checked?.name ?? ""} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} />}</Field>
          {init && <Field label="Start from" hint="the weights of this run">{(id) => <span class="row"><input id={id} value={init} readOnly /><button type="button" class="btn small" onClick={() => setInit("")}>Clear</button></span>}</Field>}</div>
          {options.value ? <OptionsForm options={options.value} values={values} errors={errors} onChange={(k, v) => setValues((o) => { const n = { ...o }; if (v === undefined) delete n[k]; else n[k] = v; return n; })} /> : options.fault ? <p class="bad">{options.fault.message}</p> : <div class="bone" style={{ height: "12rem" }} />}</div></section>
    </div>
    <aside class="start-side">
      <section class="panel launch" aria-label="Ready to start"><div class="launch-what"><h2>{recipe} <span class="mute">on</span> {data.split("/").pop()}</h2>
        <dl class="estimates">{([["Time", checked?.seconds != null ? `≈ ${span(checked.seconds)}` : "–"], ["Memory", bytes(checked?.memory ?? null)], ["Weights", checked?.parameters != null ? count(checked.parameters) : "–"], ["Items", checked?.items != null ? count(checked.items) : "–"]] as const).map(([k, v]) => <div key={k} title={k === "Time" ? speedText : undefined}><dt class="mute small">{k}</dt><dd>{v}</dd></div>)}</dl></div>
        <div aria-live="polite" class="col tight">{[...general, ...Object.values(errors)].map((t) => <p class="wrong" key={t}>{t}</p>)}{checked?.notes.map((n) => <p class="small mute" key={n}>{n}</p>)}</div>
        {checked?.command && <Command text={checked.command} />}
        <button class="btn primary big go" disabled={!ready || starting}><Icon name="play" />{busy ? "Add to the queue" : "Start"}</button></section>
      <Queue />
    </aside>
    {browsing && <BrowseDialog onClose={() => browse(false)} onChoose={(p) => { setData(p); browse(false); }} />}
  </form>;
}
