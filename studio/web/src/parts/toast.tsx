// Short messages at the foot of the page, with a way back.
import { Store, useStore } from "./store";

interface Toast { key: number; text: string; bad: boolean; label: string; act: (() => unknown) | null }
const toasts = new Store<Toast[]>([]);
let next = 0;

function close(key: number): void { toasts.set(toasts.value.filter((t) => t.key !== key)); }

// say shows a message, with a button if there is something to do about it.
export function say(text: string, label = "", act: (() => unknown) | null = null, bad = false): void {
  const key = ++next;
  toasts.set([...toasts.value.filter((t, i, all) => t.act || i >= all.length - 2), { key, text, bad, label, act }]); // what can be taken back stays
  setTimeout(() => close(key), act ? 10000 : bad ? 9000 : 4500);
}
export const complain = (e: unknown): void => say((e as Error).message, "", null, true);

// undo does what the newest message offers to take back.
export function undo(): void {
  const t = toasts.value.findLast((x) => x.act);
  if (t) { close(t.key); void t.act?.(); }
}

export function Toasts() {
  const all = useStore(toasts);
  return <div class="toasts" role="status" aria-live="polite">{all.map((t) => <div class={t.bad ? "toast bad" : "toast"} key={t.key}><span>{t.text}</span>{t.act
    ? <button type="button" onClick={() => { close(t.key); void t.act?.(); }}>{t.label}</button>
    : <button type="button" aria-label="Dismiss" onClick={() => close(t.key)}>✕</button>}</div>)}</div>;
}
