// A set of data, looked at before it is trained on; and the ways to bring one's own.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, send, type DataSet, type Look } from "../api";
import { Dialog, Note, Picture } from "./bits";
import { bytes, count } from "./format";
import { Icon } from "./icons";
import { useLoad } from "./store";
import { complain, say } from "./toast";

// useLook asks for what is known of a set, until it is known: a large folder takes a while.
export function useLook(source: string, turn: number): { look: Look | null; progress: number | null; fault: string } {
  const [state, set] = useState<{ look: Look | null; progress: number | null; fault: string }>({ look: null, progress: null, fault: "" });
  useEffect(() => {
    if (!source) { set({ look: null, progress: null, fault: "" }); return; }
    const stop = new AbortController();
    let timer = 0;
    const ask = (): void => {
      get<Look | { progress: number }>(`data/look?source=${encodeURIComponent(source)}`, stop.signal).then((v) => {
        if ("source" in v) set({ look: v, progress: null, fault: "" });
        else { set((s) => ({ ...s, progress: v.progress })); timer = setTimeout(ask, 400) as unknown as number; }
      }, (e: Error) => { if (!stop.signal.aborted) set({ look: null, progress: null, fault: e.message }); });
    };
    set({ look: null, progress: 0, fault: "" });
    ask();
    return () => { stop.abort(); clearTimeout(timer); };
  }, [source, turn]);
  return state;
}

export function LookPanel({ source, at, recipe, onSuggestion }: { source: string; at: ReturnType<typeof useLook>; recipe: string; onSuggestion: (recipe: string, options: Record<string, string>) => void }) {
  const { look, progress, fault } = at;
  if (fault) return <Note look="no" icon="alert">{fault}</Note>;
  if (!look) return <div class="well row gap" role="status"><span class="dot beat accent" />Looking at {source}{progress ? `, ${Math.round(progress * 100)} %` : " …"}</div>;
  const most = Math.max(1, ...look.classes.map((c) => c.items));
  return <div class="look well">
    <div class="look-pic">{look.preview && <Picture src={look.preview} alt={`Items of ${look.name}`} />}</div>
    <div class="col">
      <div class="row wrap base gap"><h3>{look.name}</h3><span class="mute small">{look.medium === "table" ? `rows of ${look.shape.reduce((a, b) => a * b, 1)} numbers` : `${look.shape.slice(0, 2).join(" × ")}, ${look.shape[2] === 1 ? "grey" : "in colour"}`}</span></div>
      <p><b>{count(look.train)}</b> to train on, <b>{count(look.test)}</b> held out to test</p>
      {look.classes.length > 0 && <figure class="balance" aria-label="Items of each class">{look.classes.slice(0, 24).map((c) => <div key={c.name} title={`${c.name}: ${count(c.items)}`}><i style={{ height: `${(c.items / most) * 100}%` }} /><span class="tiny mute cut">{c.name}</span></div>)}</figure>}
      {look.classes.length > 24 && <p class="mute small">and {look.classes.length - 24} more classes</p>}
      {look.attributes.length > 0 && <p class="mute small">{look.attributes.length} attributes: {look.attributes.slice(0, 6).join(", ")}{look.attributes.length > 6 ? ", …" : ""}</p>}
      {look.notes.map((n) => <p class="small warn row" key={n.text}><span>{n.text}</span></p>)}
      {look.suggestion.recipe && look.suggestion.recipe !== recipe && <div class="row wrap"><button type="button" class="btn small" onClick={() => onSuggestion(look.suggestion.recipe, look.suggestion.options)}>Use {look.suggestion.recipe}</button><span class="mute small">{look.suggestion.why}</span></div>}
    </div>
  </div>;
}

const pictureName = /\.(png|jpe?g|webp|gif|bmp|tiff?)$/i, dataName = /\.(zip|csv|tsv|npz|gz)$/i;
export const accepted = ".zip,.csv,.tsv,.npz,.gz,.png,.jpg,.jpeg,.webp,.gif,.bmp,.tif,.tiff";

// upload brings files to the studio: each file of data by itself, a picture alone, or pictures as a folder. It returns what is there.
export async function upload(files: Iterable<File>): Promise<DataSet[]> {
  const there = new Map<string, DataSet>(), all = [...files], pictures = all.filter((f) => pictureName.test(f.name)), sets = all.filter((f) => dataName.test(f.name));
  const bring = async (f: File, into: string): Promise<void> => { // a name of a folder has fewer signs than that of a file may have
    const name = f.name.normalize().replace(/[^\p{L}\p{N} ._+-]+/gu, "_").replace(/^[^\p{L}\p{N}]+/u, "") || "data";
    const set = await send<DataSet>("POST", `data/upload?${into && `into=${encodeURIComponent(into)}&`}name=${encodeURIComponent(name)}`, f);
    there.set(set.source, set);
  };
  const left = all.filter((f) => !pictures.includes(f) && !sets.includes(f));
  if (left.length) say(`${left.slice(0, 3).map((f) => f.name).join(", ")}${left.length > 3 ? ` and ${left.length - 3} more` : ""}: no picture, zip, CSV or NPZ. Of a folder, take it by Browse, or make a zip of it.`, "", null, true);
  try {
    for (const f of sets) await bring(f, "");
    const folder = pictures.length > 1 ? `pictures-${new Date().toISOString().slice(0, 19).replace(/\D/g, "")}` : "";
    for (const [i, f] of pictures.entries()) {
      await bring(f, folder);
      if (i % 50 === 49) say(`${i + 1} of ${pictures.length} pictures are there.`);
    }
  } catch (e) { complain(e); }
  return [...there.values()];
}

interface Listing { path: string; parent: string | null; entries: { name: string; folder: boolean; bytes: number }[]; more: number }
export function BrowseDialog({ onChoose, onClose }: { onChoose: (path: string) => void; onClose: () => void }) {
  const [path, to] = useState(""), list = useRef<HTMLUListElement>(null);
  const { value, fault } = useLoad((s) => get<Listing>(`browse?path=${encodeURIComponent(path)}`, s), [path]);
  const join = (name: string): string => value?.path ? `${value.path.replace(/\/$/, "")}/${name}` : name;
  useEffect(() => { list.current?.querySelector("button")?.focus(); }, [value]);
  return <Dialog title="Take data from a folder" onClose={onClose}>
    <p class="mute small">A folder or zip of pictures, a table (CSV), an NPZ or IDX file. {value?.path && <code>{value.path}</code>}</p>
    {fault && <Note look="no" icon="alert">{fault.message}</Note>}
    <ul class="browse list" ref={list}>{value?.parent !== null && value?.parent !== undefined && <li><button type="button" onClick={() => to(value.parent!)}><Icon name="up" />..</button></li>}
      {value?.entries.map((e) => <li key={e.name}><button type="button" onClick={() => e.folder ? to(join(e.name)) : onChoose(join(e.name))}><Icon name={e.folder ? "folder" : "file"} /><span class="grow cut">{e.name}</span><span class="mute small">{e.folder ? "" : bytes(e.bytes)}</span></button></li>)}
      {!!value?.more && <li class="mute small">and {count(value.more)} more, which are not listed</li>}
      {value && !value.entries.length && <li class="mute small">This folder is empty.</li>}</ul>
    <footer><button type="button" class="btn" onClick={onClose}>Cancel</button><button type="button" class="btn primary" disabled={!value?.path} onClick={() => onChoose(value!.path)}>Take this folder</button></footer>
  </Dialog>;
}
