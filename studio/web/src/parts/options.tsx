// The form of a training, made from what the options say of themselves.
import { useState } from "preact/hooks";
import type { Option } from "../api";
import { Field } from "./bits";
import { Term } from "./glossary";
import { Icon } from "./icons";

const terms: Record<string, string> = { latent: "latent", beta: "beta", epochs: "epoch", steps: "step", batch: "batch", lr: "lr", seed: "seed", "free-bits": "kl", warmup: "kl" };

function Control({ o, value, error, onChange }: { o: Option; value: string | undefined; error: string | undefined; onChange: (v: string | undefined) => void }) {
  const set = value !== undefined && value !== "";
  const label = <span class="row">{terms[o.name] ? <Term of={terms[o.name]!}>{o.name}</Term> : o.name}{set && <button type="button" class="reset tiny" aria-label={`Put ${o.name} back to ${o.default || "its default"}`} onClick={() => onChange(undefined)}>default</button>}</span>;
  return <Field label={label} hint={<span class="help" title={o.help}>{o.help}</span>} error={error}>{(id, by) => {
    const common = { id, "aria-describedby": by, "aria-invalid": !!error, name: o.name };
    if (o.values) return <select {...common} value={value ?? ""} onChange={(e) => onChange(e.currentTarget.value || undefined)}><option value="">{o.default || "default"}</option>{o.values.filter((v) => v !== o.default).map((v) => <option key={v} value={v}>{v}</option>)}</select>;
    if (o.type === "bool") return <span class="check"><input type="checkbox" {...common} checked={(value ?? o.default) === "true"} onChange={(e) => onChange(String(e.currentTarget.checked) === (o.default || "false") ? undefined : String(e.currentTarget.checked))} /><span class="mute small">{(value ?? o.default) === "true" ? "on" : "off"}</span></span>;
    return <input {...common} inputMode={o.type === "int" ? "numeric" : o.type === "float" ? "decimal" : "text"} value={value ?? ""} placeholder={o.default || "default"} class={set ? "changed" : ""} autocomplete="off" spellcheck={false} onInput={(e) => onChange(e.currentTarget.value || undefined)} />;
  }}</Field>;
}

export function OptionsForm({ options, values, errors, onChange }: { options: Option[]; values: Record<string, string>; errors: Record<string, string>; onChange: (name: string, v: string | undefined) => void }) {
  const [search, find] = useState("");
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const one = (o: Option) => <Control key={o.name} o={o} value={values[o.name]} error={errors[o.name]} onChange={(v) => onChange(o.name, v)} />;
  const common = options.filter((o) => o.common), rest = options.filter((o) => !o.common), folds = [...new Set(rest.map((o) => o.group))];
  const found = words.length ? options.filter((o) => words.every((w) => `${o.name} ${o.help}`.toLowerCase().includes(w))) : [];
  return <div class="col gap">
    <div class="search"><Icon name="search" /><input type="search" aria-label="Find an option" placeholder={`Find one of ${options.length} options`} value={search} onInput={(e) => find(e.currentTarget.value)} /></div>
    {words.length ? found.length ? <div class="form">{found.map(one)}</div> : <p class="mute">No option has these words.</p> : <>
      <div class="form">{common.map(one)}</div>
      <div>{folds.map((g) => { const all = rest.filter((o) => o.group === g), set = all.filter((o) => values[o.name]).length, bad = all.some((o) => errors[o.name]); return <details class="fold" key={g} open={bad || undefined}><summary><span class="strong">{g}</span><span class="mute small">{set ? `${set} changed` : all.slice(0, 4).map((o) => o.name).join(", ")}{!set && all.length > 4 ? ", …" : ""}</span></summary><div class="form">{all.map(one)}</div></details>; })}</div>
    </>}
  </div>;
}
