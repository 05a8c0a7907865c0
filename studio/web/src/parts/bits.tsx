// Small parts that several views use.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { State } from "../api";
import { Icon, type IconName } from "./icons";
import { say } from "./toast";

const states: Record<State, [word: string, look: string]> = {
  training: ["Training", "on"], waiting: ["Waiting", "wait"], paused: ["Paused", "wait"], stopped: ["Stopped", ""],
  complete: ["Complete", "ok"], failed: ["Failed", "no"], damaged: ["Damaged", "no"], model: ["Model", ""],
};
export const stateWord = (s: State): string => states[s][0];
export function Badge({ state }: { state: State }) {
  return <span class={`badge ${states[state][1]}`}><i class={state === "training" ? "dot beat" : "dot"} />{states[state][0]}</span>;
}

export function Meter({ value, label, look = "" }: { value: number; label: string; look?: string }) {
  return <div class={`meter ${look}`} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(value * 100)}><i style={{ width: `${Math.min(100, value * 100)}%` }} /></div>;
}

// Spark draws a short curve: the last point is marked.
export function Spark({ values, label, width = 120, height = 32 }: { values: (number | null)[]; label: string; width?: number; height?: number }) {
  const known = values.filter((v): v is number => v !== null);
  if (known.length < 2) return <span class="mute tiny">{known.length ? "one epoch" : ""}</span>;
  const low = Math.min(...known), high = Math.max(...known), scale = high > low ? (height - 8) / (high - low) : 0;
  let d = "", open = false, x = 0, y = 0;
  values.forEach((v, i) => {
    if (v === null) { open = false; return; }
    x = 3 + (i * (width - 6)) / (values.length - 1); y = height - 4 - (v - low) * scale;
    d += `${open ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    open = true;
  });
  return <svg class="spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label}><path d={d} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round" /><circle cx={x} cy={y} r="2.4" fill="currentColor" /></svg>;
}

// Command shows a command line that can be copied.
export function Command({ text, label = "Copy the command line" }: { text: string; label?: string }) {
  const [done, set] = useState(false);
  const copy = async (): Promise<void> => {
    try { await navigator.clipboard.writeText(text); set(true); setTimeout(() => set(false), 1500); }
    catch { say("The browser does not let the page copy: select the text instead.", "", null, true); }
  };
  return <div class="cmd"><code>{text}</code><button type="button" class="btn quiet small icon" aria-label={label} title={label} onClick={() => void copy()}><Icon name={done ? "check" : "copy"} /></button></div>;
}

// Choice is a row of exclusive options.
export function Choice<T extends string>({ label, value, options, onChange }: { label: string; value: T; options: readonly (readonly [T, string])[]; onChange: (v: T) => void }) {
  const name = useId();
  return <div class="seg" role="radiogroup" aria-label={label}>{options.map(([v, word]) => <label key={v}><input type="radio" name={name} checked={v === value} onChange={() => onChange(v)} /><span>{word}</span></label>)}</div>;
}

export function Field({ label, hint, error, children }: { label: ComponentChildren; hint?: ComponentChildren; error?: string | undefined; children: (id: string, described: string) => ComponentChildren }) {
  const id = useId();
  return <div class="field"><label for={id}>{label}</label>{children(id, `${id}-h`)}<div id={`${id}-h`}>{error ? <span class="wrong">{error}</span> : hint ? <span class="hint">{hint}</span> : null}</div></div>;
}

export function Note({ look = "", icon = "info", children }: { look?: "" | "wait" | "no"; icon?: IconName; children: ComponentChildren }) {
  return <div class={`note ${look}`}><Icon name={icon} /><div class="grow">{children}</div></div>;
}

// Picture is one that the server draws: the picture before stays until the new one is there.
export function Picture({ src, alt, class: cls = "sheet", onLoad }: { src: string; alt: string; class?: string; onLoad?: () => void }) {
  const [shown, show] = useState(""), [fault, fail] = useState(false);
  useEffect(() => {
    let gone = false;
    const image = new Image();
    image.onload = () => { if (!gone) { show(src); fail(false); onLoad?.(); } };
    image.onerror = () => { if (!gone) fail(true); };
    image.src = src;
    return () => { gone = true; };
  }, [src]);
  if (shown) return <img class={cls} src={shown} alt={alt} decoding="async" />;
  return fault ? <div class="empty well small">This picture cannot be drawn.</div> : <div class={`${cls} bone square`} aria-hidden="true" />;
}

// Menu is a button that opens a list of actions.
export function Menu({ label, items }: { label: string; items: { icon: IconName; text: string; act?: () => void; href?: string; danger?: boolean }[] }) {
  const [at, set] = useState<{ right: number; top: number } | null>(null);
  const button = useRef<HTMLButtonElement>(null), list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!at) return;
    list.current!.showPopover();
    list.current!.querySelector<HTMLElement>("button, a")?.focus();
    const scroll = (): void => set(null);
    addEventListener("scroll", scroll, { passive: true });
    return () => removeEventListener("scroll", scroll);
  }, [at]);
  const open = (): void => {
    const b = button.current!.getBoundingClientRect(), height = items.length * 44 + 16;
    set({ right: Math.max(8, innerWidth - b.right), top: b.bottom + height > innerHeight ? Math.max(8, b.top - height) : b.bottom + 4 });
  };
  const key = (e: KeyboardEvent): void => {
    const all = [...list.current!.querySelectorAll<HTMLElement>("button, a")], i = all.indexOf(document.activeElement as HTMLElement);
    if (e.key === "ArrowDown") all[(i + 1) % all.length]?.focus();
    else if (e.key === "ArrowUp") all[(i - 1 + all.length) % all.length]?.focus();
    else return;
    e.preventDefault();
  };
  return <><button ref={button} type="button" class="btn quiet icon" aria-label={label} aria-haspopup="menu" aria-expanded={!!at} onClick={open}><Icon name="more" /></button>
    {at && <div ref={list} class="menu" role="menu" aria-label={label} popover="auto" style={{ right: `${at.right}px`, top: `${at.top}px` }} onKeyDown={key} onToggle={(e) => { if ((e as unknown as ToggleEvent).newState === "closed") { set(null); button.current?.focus(); } }}>
      {items.map((m) => m.href
        ? <a role="menuitem" href={m.href} key={m.text}><Icon name={m.icon} />{m.text}</a>
        : <button role="menuitem" type="button" class={m.danger ? "danger" : ""} key={m.text} onClick={() => { list.current?.hidePopover(); m.act?.(); }}><Icon name={m.icon} />{m.text}</button>)}
    </div>}</>;
}

// Dialog is a question above the page.
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null), id = useId();
  useEffect(() => { ref.current!.showModal(); ref.current!.querySelector<HTMLElement>("input, select")?.focus(); }, []);
  return <dialog ref={ref} aria-labelledby={id} onClose={onClose} onClick={(e) => { if (e.target === ref.current) onClose(); }}><div class="in"><h2 id={id}>{title}</h2>{children}</div></dialog>;
}
