// A value that parts of the page follow.
import { useEffect, useRef, useState } from "preact/hooks";

export class Store<T> {
  private readonly followers = new Set<(v: T) => void>();
  constructor(public value: T) {}
  set(v: T): void { this.value = v; for (const f of [...this.followers]) f(v); }
  follow(f: (v: T) => void): () => void { this.followers.add(f); return () => { this.followers.delete(f); }; }
}

export function useStore<T>(s: Store<T>): T {
  const [, tick] = useState(0);
  useEffect(() => {
    tick((n) => n + 1); // it may have changed before the effect
    return s.follow(() => tick((n) => n + 1));
  }, [s]);
  return s.value;
}

// useSelected returns a part of a value that parts of the page follow. It renders when the part is not the same any more, at once or
// when draw says: see together.
export function useSelected<T, U>(s: Store<T>, select: (v: T) => U, same: (a: U, b: U) => boolean = Object.is, draw: (f: () => void) => void = (f) => f()): U {
  const [, tick] = useState(0), shown = useRef<U>(null as U), of = useRef(select), turn = useRef(() => tick((n) => n + 1));
  of.current = select;
  shown.current = select(s.value);
  useEffect(() => {
    const look = (): void => { if (!same(of.current(s.value), shown.current)) draw(turn.current); };
    look(); // it may have changed before the effect
    return s.follow(look);
  }, [s]);
  return shown.current;
}

// together calls f with all else that was given to it: at once if the last such time is beat milliseconds ago, else then, or when
// drawTogether is called. What may be seen a little late is drawn in one frame, since each frame takes time from a training.
const beat = 2500;
let due = new Set<() => void>(), dueTimer = 0, drawnAt = -Infinity;
export function together(f: () => void): void {
  due.add(f);
  dueTimer ||= setTimeout(drawTogether, Math.max(0, drawnAt + beat - performance.now())) as unknown as number;
}
export function drawTogether(): void {
  clearTimeout(dueTimer);
  dueTimer = 0; drawnAt = performance.now();
  const all = due;
  due = new Set();
  for (const f of all) f();
}

// useSlow returns a value that follows another one, but changes at most once in so many milliseconds: the first change comes at once.
export function useSlow<T>(v: T, every: number): T {
  const [shown, show] = useState(v), newest = useRef(v), last = useRef(-Infinity), timer = useRef(0);
  newest.current = v;
  useEffect(() => {
    if (v === shown || timer.current) return;
    timer.current = setTimeout(() => { timer.current = 0; last.current = performance.now(); show(() => newest.current); }, Math.max(0, last.current + every - performance.now())) as unknown as number;
  }, [v, shown]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return shown;
}

// useSeen reports whether an element is on the screen.
export function useSeen(element: { current: Element | null }): boolean {
  const [seen, set] = useState(true);
  useEffect(() => {
    const on = new IntersectionObserver((e) => set(e.at(-1)!.isIntersecting), { rootMargin: "200px" });
    on.observe(element.current!);
    return () => on.disconnect();
  }, []);
  return seen;
}

// useLoad asks for a value, again when a key changes; what is shown meanwhile is the value before.
export interface Loaded<T> { value: T | null; fault: Error | null; loading: boolean; again: () => void }
export function useLoad<T>(load: ((signal: AbortSignal) => Promise<T>) | null, keys: unknown[]): Loaded<T> {
  const [state, set] = useState<{ value: T | null; fault: Error | null; loading: boolean }>({ value: null, fault: null, loading: !!load });
  const [turn, again] = useState(0);
  useEffect(() => {
    if (!load) { set({ value: null, fault: null, loading: false }); return; }
    const stop = new AbortController();
    set((s) => ({ ...s, loading: true }));
    load(stop.signal).then(
      (value) => { if (!stop.signal.aborted) set({ value, fault: null, loading: false }); },
      (fault: Error) => { if (!stop.signal.aborted) set((s) => ({ ...s, fault, loading: false })); });
    return () => stop.abort();
  }, [...keys, turn]);
  return { ...state, again: () => again((n) => n + 1) };
}

// kept returns a value that the browser remembers for this page, or what it is at first.
export function kept(key: string, first: string): string {
  try { return localStorage.getItem("imago." + key) ?? first; } catch { return first; }
}
export function keep(key: string, value: string): void {
  try { localStorage.setItem("imago." + key, value); } catch { /* private windows remember nothing */ }
}
export function useKept(key: string, first: string): [string, (v: string) => void] {
  const [v, set] = useState(() => kept(key, first));
  return [v, (x) => { keep(key, x); set(x); }];
}
