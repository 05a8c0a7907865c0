// Pictures that a model makes of fixed noise, computed in this page: they change with the weights and nothing else.
import { useEffect, useRef, useState } from "preact/hooks";
import { runPath } from "../api";
import { openModel, paint, type Decoder } from "../decoder";
import { Picture } from "./bits";

interface Props { id: string; at: string; n: number; seed: string; page: boolean; onStep?: (step: number, epoch: number) => void; label: string; turn?: unknown }

export function Samples(p: Props) {
  const [fault, fail] = useState(!p.page);
  const grid = useRef<HTMLDivElement>(null), now = useRef(p);
  now.current = p;
  const decoder = useRef<Decoder | null>(null), draw = useRef<() => void>(() => {});
  useEffect(() => {
    if (fault) return;
    let gone = false, running = false, again = false, full = false;
    draw.current = () => {
      if (running) { again = true; return; }
      const d = decoder.current;
      if (!d || gone) return;
      running = true;
      void (async () => {
        const { n, seed } = now.current, labels = d.model.labels.length, made: (() => void)[] = [];
        for (let i = 0; i < n && !gone; i++) {
          const canvas = grid.current?.children[i] as HTMLCanvasElement | undefined;
          if (!canvas) continue;
          let told: Float32Array | undefined;
          if (labels) { told = new Float32Array(labels); told[i % labels] = 1; }
          const drawn = await d.sample(BigInt(seed), i, told);
          const show = (): void => { if (!gone && seed === now.current.seed) paint(canvas, drawn.values, d.model.shape); };
          if (full) made.push(show);
          else show(); // the first ones appear as they come
        }
        made.forEach((show) => show()); // later ones in one frame: each frame of its own takes time from the training
        full = true;
      })().catch(() => { if (!gone) fail(true); }).finally(() => { running = false; if (again && !gone) { again = false; draw.current(); } });
    };
    void openModel(p.id, p.at).then((d) => {
      if (gone) { d.close(); return; }
      decoder.current = d;
      const told = (): void => now.current.onStep?.(d.step, d.epoch);
      d.onWeights(() => { told(); draw.current(); });
      told();
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
