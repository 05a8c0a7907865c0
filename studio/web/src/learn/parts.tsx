// What the pages of Learn share: models of the zoo, planes of decoded pictures, pictures that follow a code.
import { useEffect, useRef, useState } from "preact/hooks";
import { imageOf, openModel, paint, type Decoder } from "../decoder";
import { color } from "../parts/color";

// useModels opens models of the zoo, while the caller is shown.
export function useModels(ids: string[]): { models: Decoder[] | null; fault: string } {
  const [state, set] = useState<{ models: Decoder[] | null; fault: string }>({ models: null, fault: "" });
  useEffect(() => {
    let gone = false, opened: Decoder[] = [];
    Promise.all(ids.map((id) => openModel(id).then((d) => { opened.push(d); return d; }))).then((models) => { if (gone) opened.forEach((d) => d.close()); else set({ models, fault: "" }); }, (e: Error) => { if (!gone) set({ models: null, fault: e.message }); });
    return () => { gone = true; opened.forEach((d) => d.close()); opened = []; };
  }, [ids.join()]);
  return state;
}

// manifold draws the decoded pictures of a grid of the plane, of the middle first.
export async function manifold(d: Decoder, n: number, reach: number, to: HTMLCanvasElement, signal: AbortSignal, drawn: () => void): Promise<void> {
  const [H, W] = d.model.shape as [number, number, number], size = d.model.shape.reduce((a, b) => a * b, 1), codes = new Float32Array(2 * n * n), c = to.getContext("2d")!;
  to.width = n * W; to.height = n * H;
  const far = (i: number): number => (i % n - (n - 1) / 2) ** 2 + (Math.floor(i / n) - (n - 1) / 2) ** 2, cells = Array.from({ length: n * n }, (_, i) => i).sort((a, b) => far(a) - far(b));
  cells.forEach((cell, i) => codes.set([reach * (2 * (cell % n + .5) / n - 1), reach * (1 - 2 * (Math.floor(cell / n) + .5) / n)], 2 * i));
  await d.decodeMany(codes, undefined, (from, values) => {
    for (let i = 0; i * size < values.length; i++) { const cell = cells[from + i]!; c.putImageData(imageOf(values, i * size, d.model.shape), cell % n * W, Math.floor(cell / n) * H); }
    drawn();
  }, signal).catch(() => { /* closed */ });
}

// Decoded shows the picture of a code, the newest if they come fast.
export function Decoded({ model, z, label, class: cls = "" }: { model: Decoder; z: ArrayLike<number>; label: string; class?: string }) {
  const ref = useRef<HTMLCanvasElement>(null), [h, w] = model.model.shape as [number, number, number], key = Array.from(z).join();
  useEffect(() => {
    let gone = false;
    void model.decodeMany(Float32Array.from(z), undefined, (_, v) => { if (!gone && ref.current && v.length) paint(ref.current, v, model.model.shape); }).catch(() => { /* closed */ });
    return () => { gone = true; };
  }, [model, key]);
  return <canvas ref={ref} class={`pix ${cls}`} width={w} height={h} role="img" aria-label={label} />;
}

export interface Board { c: CanvasRenderingContext2D; side: number; at(x: number, y: number): [number, number]; unit: number }
// useBoard is a square canvas with the plane from −reach to reach, drawn anew when something changed.
export function useBoard(reach: number, draw: (b: Board) => void, when: unknown[]): { ref: { current: HTMLCanvasElement | null }; place: (e: { clientX: number; clientY: number }) => [number, number]; again: () => void } {
  const ref = useRef<HTMLCanvasElement | null>(null), frame = useRef(0), paintNow = useRef(() => { /* set below */ });
  paintNow.current = () => {
    const canvas = ref.current;
    if (!canvas) return;
    const side = canvas.clientWidth, ratio = devicePixelRatio || 1, px = Math.max(1, Math.round(side * ratio));
    if (canvas.width !== px) canvas.width = canvas.height = px;
    const c = canvas.getContext("2d")!, unit = side / (2 * reach);
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, side, side);
    draw({ c, side, unit, at: (x, y) => [(x + reach) * unit, (reach - y) * unit] });
  };
  const again = (): void => { if (!frame.current) frame.current = requestAnimationFrame(() => { frame.current = 0; paintNow.current(); }); };
  useEffect(again, when);
  useEffect(() => { const o = new ResizeObserver(again); o.observe(ref.current!); return () => { o.disconnect(); cancelAnimationFrame(frame.current); frame.current = 0; }; }, []);
  return { ref, again, place: (e) => { const b = ref.current!.getBoundingClientRect(); return [reach * (2 * (e.clientX - b.left) / b.width - 1), reach * (1 - 2 * (e.clientY - b.top) / b.height)]; } };
}

// under draws a grid of pictures below what is marked: light on dark, and as ink on paper on a light page.
export function under({ c, side }: Board, pictures: HTMLCanvasElement): void {
  if (pictures.width <= 28) return;
  const dark = (document.documentElement.dataset["theme"] ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "")) === "dark";
  c.globalAlpha = dark ? .6 : .42; c.filter = dark ? "none" : "invert(1)"; c.imageSmoothingEnabled = true;
  c.drawImage(pictures, 0, 0, side, side);
  c.globalAlpha = 1; c.filter = "none";
}
export function cross({ c, side, at }: Board): void {
  c.strokeStyle = color("--line2"); c.lineWidth = 1;
  const [x, y] = at(0, 0);
  c.beginPath(); c.moveTo(0, y); c.lineTo(side, y); c.moveTo(x, 0); c.lineTo(x, side); c.stroke();
}
export function dot({ c }: Board, [x, y]: [number, number], r: number, fill: string, ring = ""): void {
  c.beginPath(); c.arc(x, y, r, 0, 7); c.fillStyle = fill; c.fill();
  if (ring) { c.strokeStyle = ring; c.lineWidth = 2; c.stroke(); }
}
export const arrows: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
