// Keys of the page: a view lists those that it has; the sheet behind ? shows them.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Store, useStore } from "./store";

export interface Key { keys: string; text: string; act: () => unknown } // keys: "g r" is two after each other
const lists = new Store<{ title: string; keys: Key[] }[]>([]);
export const sheetOpen = new Store(false);

// useKeys adds keys while the caller is shown.
export function useKeys(title: string, keys: Key[], when: unknown[] = []): void {
  const current = useRef(keys);
  current.current = keys;
  useLayoutEffect(() => { // with what is shown: a key that is pressed at once counts
    const list = { title, keys: keys.map((k, i) => ({ ...k, act: () => current.current[i]?.act() })) };
    lists.set([...lists.value, list]);
    return () => lists.set(lists.value.filter((l) => l !== list));
  }, [title, keys.length, ...when]);
}

let before = "", beforeAt = 0;
export function beginKeys(): void {
  window.addEventListener("keydown", (e) => {
    const at = e.target as HTMLElement;
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
    if (at.closest("textarea, select, [contenteditable], input:not([type=checkbox]):not([type=radio]):not([type=range])")) {
      if (e.key === "Escape") at.blur();
      return;
    }
    if (at.matches("input[type=range], input[type=radio]") && e.key.startsWith("Arrow")) return;
    if ((e.key === " " || e.key === "Enter") && at.closest("button, a, summary, input, [role=button]")) return;
    const name = e.key === " " ? "Space" : e.key.length === 1 ? e.key : e.key;
    const pair = e.timeStamp - beforeAt < 1200 ? `${before} ${name}` : "";
    const all = [...lists.value].reverse().flatMap((l) => l.keys), k = all.find((x) => x.keys === pair) ?? all.find((x) => x.keys === name); // of any list, a pair comes before its second key
    if (k) { e.preventDefault(); before = ""; void k.act(); return; }
    before = name; beforeAt = e.timeStamp;
  });
}

const shown = (k: string): string => ({ ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" })[k] ?? k;
export function KeySheet() {
  const open = useStore(sheetOpen), all = useStore(lists), ref = useRef<HTMLDialogElement>(null);
  useEffect(() => { if (open) ref.current?.showModal(); else ref.current?.close(); }, [open]);
  return <dialog ref={ref} aria-labelledby="keys-title" onClose={() => sheetOpen.set(false)} onClick={(e) => { if (e.target === ref.current) sheetOpen.set(false); }}>
    <div class="in"><h2 id="keys-title">Keyboard</h2>
      {open && all.map((l) => <section class="col tight" key={l.title}><h3 class="mute small">{l.title}</h3>
        <dl class="keys">{l.keys.map((k) => <div key={k.keys}><dt>{k.keys.split(" ").map((x, i) => <>{i ? " then " : ""}<kbd>{shown(x)}</kbd></>)}</dt><dd>{k.text}</dd></div>)}</dl></section>)}
      <footer><button class="btn" type="button" onClick={() => sheetOpen.set(false)}>Close</button></footer></div>
  </dialog>;
}
