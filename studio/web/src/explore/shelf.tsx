// Pictures that are kept on a shelf: what combine, path and interpolation are made of. They are dragged, or taken by keys.
import { useEffect, useRef } from "preact/hooks";
import { paint } from "../decoder";
import { Store, useStore } from "../parts/store";

export interface Kept { key: number; name: string; z: Float32Array; values: Float32Array }
export type Slot = "A" | "B" | "C";

let next = 0;
export class Shelf {
  readonly all = new Store<Kept[]>([]);
  readonly slots = new Store<Partial<Record<Slot, Kept>>>({});
  keep(name: string, z: Float32Array, values: Float32Array): Kept {
    const k = { key: ++next, name, z: Float32Array.from(z), values };
    this.all.set([...this.all.value.slice(-23), k]);
    return k;
  }
  remove(key: number): void { this.all.set(this.all.value.filter((k) => k.key !== key)); }
  put(slot: Slot, k: Kept | null): void {
    const slots = { ...this.slots.value };
    if (k) slots[slot] = k; else delete slots[slot];
    this.slots.set(slots);
  }
  find(key: number): Kept | undefined { return this.all.value.find((k) => k.key === key) ?? Object.values(this.slots.value).find((k) => k.key === key); }
}

// Small is a decoded picture.
export function Small({ values, shape, label, size }: { values: ArrayLike<number> | null; shape: number[]; label: string; size?: string }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => { if (values && ref.current) paint(ref.current, values, shape); }, [values]);
  return <canvas ref={ref} class={`pix ${size ?? ""}`} width={shape[1]} height={shape[0]} role="img" aria-label={label} />;
}

const dragged = "application/x-imago-picture";

export function ShelfRow({ shelf, shape, onGo }: { shelf: Shelf; shape: number[]; onGo: (k: Kept) => void }) {
  const all = useStore(shelf.all);
  if (!all.length) return <p class="hint">Keep pictures with <kbd>k</kbd> or the button under the large one: they wait here to be combined.</p>;
  const key = (e: KeyboardEvent, k: Kept): void => {
    const slot = e.key.toUpperCase();
    if (slot === "A" || slot === "B" || slot === "C") { shelf.put(slot, k); e.preventDefault(); e.stopPropagation(); }
    if (e.key === "Delete" || e.key === "Backspace") { shelf.remove(k.key); e.preventDefault(); e.stopPropagation(); }
  };
  return <ul class="shelf" aria-label="Kept pictures. On one of them, A, B and C put it into the places of the sum, Delete removes it">
    {all.map((k) => <li key={k.key}><button type="button" class="keep" draggable title={`${k.name}: show it, drag it, or press A, B or C`} aria-label={`Show ${k.name}`} onClick={() => onGo(k)} onKeyDown={(e) => key(e, k)}
      onDragStart={(e) => { e.dataTransfer?.setData(dragged, String(k.key)); if (e.dataTransfer) e.dataTransfer.effectAllowed = "copy"; }}><Small values={k.values} shape={shape} label={k.name} /></button></li>)}
  </ul>;
}

// Place is a slot that a picture is dropped on, or that takes the one that is shown.
export function Place({ shelf, slot, shape, current }: { shelf: Shelf; slot: Slot; shape: number[]; current: () => Kept | null }) {
  const k = useStore(shelf.slots)[slot];
  const drop = (e: DragEvent): void => {
    e.preventDefault();
    (e.currentTarget as Element).classList.remove("over");
    const found = shelf.find(Number(e.dataTransfer?.getData(dragged)));
    if (found) shelf.put(slot, found);
  };
  const over = (e: DragEvent): void => { if (e.dataTransfer?.types.includes(dragged)) { e.preventDefault(); (e.currentTarget as Element).classList.add("over"); } };
  return <button type="button" class="place" data-slot={slot} aria-label={k ? `${slot} is ${k.name}: put the shown picture here` : `${slot} is empty: put the shown picture here`} title="Drop a picture, or press to take the one that is shown"
    onClick={() => { const c = current(); if (c) shelf.put(slot, c); }} onKeyDown={(e) => { if (e.key === "Delete") { shelf.put(slot, null); e.stopPropagation(); } }}
    onDragOver={over} onDragEnter={over} onDragLeave={(e) => (e.currentTarget as Element).classList.remove("over")} onDrop={drop}
    draggable={!!k} onDragStart={(e) => { if (k) e.dataTransfer?.setData(dragged, String(k.key)); }}>
    {k ? <Small values={k.values} shape={shape} label={k.name} /> : <span class="mute">{slot}</span>}</button>;
}
