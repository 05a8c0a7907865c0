// Pictures that a model makes of fixed noise, computed in this page: they change with the weights and nothing else.
import { useEffect, useRef, useState } from "preact/hooks";
import { runPath } from "../api";
import { openModel, paint, type Decoder } from "../decoder";
import { Picture } from "./bits";
import { drawTogether } from "./store";

interface Props { id: string; at: string; n: number; seed: string; page: boolean; onStep?: (step: number, epoch: number) => void; label: string; turn?: unknown }

export function Samples(p: Props) {
  const [fault, fail] = useState(!p.page);
  const grid = useRef<HTMLDivElement>(null), now = useRef(p);
  now.current = p;
  const decoder = useRef<Decoder | null>(null), draw = useRef<() => void>(() => {});
  useEffect(() => {
    if (fault) return;
    let gone = false, running = false, again = false, full = false, codes: { seed: string; n: number; all: Float32Array } | null = null;
    draw.current = () => {
      if (running) { again = true; return; }
      const d = decoder.current;
      if (!d || gone) return;
      running = true;
      void (async () => {
        const { n, seed } = now.current, labels = d.model.labels.length;
        const show = (i: number, values: ArrayLike<number>): void => {
          const canvas = grid.current?.children[i] as HTMLCanvasElement | undefined;
          if (canvas && !gone && seed === now.current.seed) paint(canvas, values, d.model.shape);
        };
        const told = (): void => now.current.onStep?.(d.step, d.epoch);
        const given = new Float32Array(n * labels);
        for (let i = 0; i < n && labels; i++) given[i * labels + i % labels] = 1;
        const made: (() => void)[] = [];
        if (codes?.seed === seed && codes.n === n) { // newer weights: all in one message and one frame, which cost the training least
          await d.decodeMany(codes.all, given, (from, values) => {
            const size = values.length && d.model.shape.reduce((a, b) => a * b, 1);
            for (let i = 0; i * size < values.length; i++) made.push(() => show(from + i, values.subarray(i * size, (i + 1) * size)));
          });
          told();
          drawTogether();
          await null; // the page says the step first, in the same frame
          made.forEach((f) => f());
          return;
        }
        told();
        const all = new Float32Array(n * d.model.latent);
        let known = true;
        for (let i = 0; i < n && !gone; i++) {
          const drawn = await d.sample(BigInt(seed), i, labels ? given.subarray(i * labels, (i + 1) * labels) : undefined);
          if (drawn.code) all.set(drawn.code, i * d.model.latent); else known = false;
          if (full) made.push(() => show(i, drawn.values));
          else show(i, drawn.values); // the first ones appear as they come
        }
        made.forEach((f) => f());
        full = true;
        codes = known && !d.server ? { seed, n, all } : null;
      })().catch(() => { if (!gone) fail(true); }).finally(() => { running = false; if (again && !gone) { again = false; draw.current(); } });
    };
    void openModel(p.id, p.at).then((d) => {
      if (gone) { d.close(); return; }
      decoder.current = d;
      d.onWeights(() => draw.current());
      draw.current();
      if (now.current.at !== p.at) void d.follow(now.current.at);
    }).catch(() => { if (!gone) fail(true); });
    return () => { gone = true; decoder.current?.close(); decoder.current = null; };
  }, [p.id, fault]);
  useEffect(() => { void decoder.current?.follow(p.at).then(() => draw.current()); }, [p.at]);
  useEffect(() => { draw.current(); }, [p.seed, p.n]);
  const side = Math.ceil(Math.sqrt(p.n));
  if (fault) return <Picture src={`/api/${runPath(p.id, `/samples.png?seed=${p.seed}&n=${p.n}&at=${encodeURIComponent(p.at)}&t=${String(p.turn ?? 0)}`)}`} alt={p.label} />;
  return <div ref={grid} class="samples" role="img" aria-label={p.label} style={{ gridTemplateColumns: `repeat(${side}, 1fr)` }}>{Array.from({ length: p.n }, (_, i) => <canvas key={i} width={1} height={1} />)}</div>;
}

export function SeedField({ seed, onSeed }: { seed: string; onSeed: (s: string) => void }) {
  return <label class="row"><span class="small mute">Seed</span><input class="seed" inputMode="numeric" value={seed} onInput={(e) => { const v = e.currentTarget.value.trim(); if (/^\d{1,18}$/.test(v)) onSeed(v); }} /></label>;
}
