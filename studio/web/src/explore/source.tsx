// Pictures that come in: a pad to draw on, and a photograph under a frame that is moved.
import { useEffect, useRef, useState } from "preact/hooks";

export interface Source { image: ImageBitmap; name: string }

// valuesOf returns a rectangle of a picture as an item of a shape, each value a mean of what lies under it.
export function valuesOf(from: CanvasImageSource, x: number, y: number, w: number, h: number, shape: number[], invert = false): Float32Array {
  const [H, W, C] = shape as [number, number, number], make = (w: number, h: number): CanvasRenderingContext2D => {
    const c = document.createElement("canvas");
    c.width = w; c.height = h;
    const context = c.getContext("2d", { willReadFrequently: true })!;
    context.imageSmoothingQuality = "high";
    return context;
  };
  let at: CanvasImageSource = from;
  while (w > 2 * W && h > 2 * H) { // by halves: a browser reads but a few pixels for each of a small picture
    const half = make(Math.ceil(w / 2), Math.ceil(h / 2));
    half.drawImage(at, x, y, w, h, 0, 0, half.canvas.width, half.canvas.height);
    at = half.canvas; x = y = 0; w = half.canvas.width; h = half.canvas.height;
  }
  const c = make(W, H);
  c.drawImage(at, x, y, w, h, 0, 0, W, H);
  const { data } = c.getImageData(0, 0, W, H), values = new Float32Array(H * W * C);
  for (let i = 0; i < H * W; i++) {
    const [r, g, b] = [data[4 * i]! / 255, data[4 * i + 1]! / 255, data[4 * i + 2]! / 255];
    if (C === 3) values.set(invert ? [1 - r, 1 - g, 1 - b] : [r, g, b], 3 * i);
    else { const v = 0.299 * r + 0.587 * g + 0.114 * b; values[i] = invert ? 1 - v : v; }
  }
  return values;
}

// Pad is drawn on: white on black, as the digits are.
export function Pad({ shape, onValues }: { shape: number[]; onValues: (v: Float32Array) => void }) {
  const ref = useRef<HTMLCanvasElement>(null), side = 10 * Math.max(shape[0]!, shape[1]!), pen = useRef<[number, number] | null>(null), frame = useRef(0), strokes = useRef<ImageData[]>([]);
  const ink = (): CanvasRenderingContext2D => ref.current!.getContext("2d", { willReadFrequently: true })!;
  const see = (): void => { if (!frame.current) frame.current = requestAnimationFrame(() => { frame.current = 0; if (ref.current) onValues(valuesOf(ref.current, 0, 0, side, side, shape)); }); };
  const clear = (): void => { const c = ink(); c.fillStyle = "#000"; c.fillRect(0, 0, side, side); };
  useEffect(() => { clear(); return () => cancelAnimationFrame(frame.current); }, []);
  const at = (e: PointerEvent): [number, number] => { const b = ref.current!.getBoundingClientRect(); return [(e.clientX - b.left) / b.width * side, (e.clientY - b.top) / b.height * side]; };
  const line = (to: [number, number]): void => {
    const c = ink();
    c.lineCap = c.lineJoin = "round"; c.strokeStyle = "#fff"; c.lineWidth = side / 13;
    c.beginPath(); c.moveTo(...pen.current!); c.lineTo(...to); c.stroke();
    pen.current = to;
    see();
  };
  const keep = (): void => { strokes.current.push(ink().getImageData(0, 0, side, side)); };
  const down = (e: PointerEvent): void => { ref.current!.setPointerCapture(e.pointerId); keep(); pen.current = at(e); line([pen.current[0] + .01, pen.current[1]]); };
  const move = (e: PointerEvent): void => { if (pen.current) for (const x of e.getCoalescedEvents?.().length ? e.getCoalescedEvents() : [e]) line(at(x)); };
  const back = (): void => { const s = strokes.current.pop(); if (s) { ink().putImageData(s, 0, 0); see(); } };
  // By keys: the arrows move the pen, Space puts it down and lifts it.
  const [cursor, setCursor] = useState<[number, number]>([.5, .5]), [drawing, setDrawing] = useState(false);
  const key = (e: KeyboardEvent): void => {
    const d = { ArrowLeft: [-.04, 0], ArrowRight: [.04, 0], ArrowUp: [0, -.04], ArrowDown: [0, .04] }[e.key];
    if (d) {
      const to: [number, number] = [Math.max(0, Math.min(1, cursor[0] + d[0]!)), Math.max(0, Math.min(1, cursor[1] + d[1]!))];
      if (drawing) { pen.current = [cursor[0] * side, cursor[1] * side]; line([to[0] * side, to[1] * side]); pen.current = null; }
      setCursor(to);
    } else if (e.key === " ") { if (!drawing) keep(); setDrawing(!drawing); } else if (e.key === "Backspace") back(); else if (e.key === "Delete") { keep(); clear(); see(); } else return;
    e.preventDefault(); e.stopPropagation();
  };
  return <div class="col"><div class="o-pad"><canvas ref={ref} width={side} height={side} tabIndex={0} role="application" aria-label={`Pad to draw on. The arrow keys move the pen, Space ${drawing ? "lifts" : "puts down"} it, Backspace takes a stroke back`}
    onPointerDown={down} onPointerMove={move} onPointerUp={() => { pen.current = null; }} onPointerCancel={() => { pen.current = null; }} onKeyDown={key} />
    <i class={drawing ? "o-pen down" : "o-pen"} style={{ left: `${100 * cursor[0]}%`, top: `${100 * cursor[1]}%` }} /></div>
    <div class="row"><button type="button" class="btn small" onClick={() => { keep(); clear(); see(); }}>Clear</button><button type="button" class="btn small quiet" onClick={back}>Take back a stroke</button></div></div>;
}

// Crop shows a picture with the frame that is used of it.
export function Crop({ source, shape, onValues }: { source: Source; shape: number[]; onValues: (v: Float32Array) => void }) {
  const { image } = source, ratio = shape[1]! / shape[0]!, most = Math.min(image.width, image.height * ratio), ref = useRef<HTMLCanvasElement>(null), box = useRef<HTMLDivElement>(null);
  const [frame, setFrame] = useState({ x: (image.width - most) / 2, y: (image.height - most / ratio) / 2, w: most }), drag = useRef<{ x: number; y: number; corner: boolean } | null>(null);
  const [invert, setInvert] = useState(() => shape[2] === 1 && bright(image));
  const put = (f: { x: number; y: number; w: number }): void => {
    const w = Math.max(8, Math.min(most, f.w));
    setFrame({ w, x: Math.max(0, Math.min(image.width - w, f.x)), y: Math.max(0, Math.min(image.height - w / ratio, f.y)) });
  };
  useEffect(() => put({ x: (image.width - most) / 2, y: (image.height - most / ratio) / 2, w: most }), [image]);
  useEffect(() => {
    const c = ref.current!, s = Math.min(1, 900 / Math.max(image.width, image.height));
    c.width = Math.round(image.width * s); c.height = Math.round(image.height * s);
    c.getContext("2d")!.drawImage(image, 0, 0, c.width, c.height);
  }, [image]);
  useEffect(() => { const t = requestAnimationFrame(() => onValues(valuesOf(image, frame.x, frame.y, frame.w, frame.w / ratio, shape, invert))); return () => cancelAnimationFrame(t); }, [image, frame, invert]);
  const scale = (): number => image.width / box.current!.clientWidth;
  const down = (e: PointerEvent): void => { (e.currentTarget as Element).setPointerCapture(e.pointerId); drag.current = { x: e.clientX, y: e.clientY, corner: (e.target as Element).classList.contains("o-corner") }; e.preventDefault(); (e.currentTarget as HTMLElement).focus(); };
  const move = (e: PointerEvent): void => {
    const d = drag.current;
    if (!d) return;
    const dx = (e.clientX - d.x) * scale(), dy = (e.clientY - d.y) * scale();
    d.x = e.clientX; d.y = e.clientY;
    put(d.corner ? { ...frame, w: Math.min(frame.w + Math.max(dx, dy * ratio), image.width - frame.x, (image.height - frame.y) * ratio) } : { ...frame, x: frame.x + dx, y: frame.y + dy });
  };
  const size = (by: number): void => put({ w: frame.w * by, x: frame.x + frame.w * (1 - by) / 2, y: frame.y + frame.w / ratio * (1 - by) / 2 });
  const key = (e: KeyboardEvent): void => {
    const step = most / (e.shiftKey ? 10 : 50), d = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    if (d) put({ ...frame, x: frame.x + d[0]! * step, y: frame.y + d[1]! * step }); else if (e.key === "+" || e.key === "=") size(1.08); else if (e.key === "-") size(1 / 1.08); else return;
    e.preventDefault(); e.stopPropagation();
  };
  const pct = (v: number, of: number): string => `${100 * v / of}%`;
  return <div class="col"><div ref={box} class="o-crop" onWheel={(e) => { e.preventDefault(); size(Math.exp(e.deltaY * .001)); }}>
    <canvas ref={ref} role="img" aria-label={source.name} />
    <div class="o-frame" tabIndex={0} role="group" aria-label="Frame of what is used. The arrow keys move it, plus and minus change its size" style={{ left: pct(frame.x, image.width), top: pct(frame.y, image.height), width: pct(frame.w, image.width), height: pct(frame.w / ratio, image.height) }}
      onPointerDown={down} onPointerMove={move} onPointerUp={() => { drag.current = null; }} onPointerCancel={() => { drag.current = null; }} onKeyDown={key}><i class="o-corner" /></div></div>
    <label class="slide"><span>Size</span><input type="range" min={Math.min(8 / most, 1)} max={1} step={.005} value={frame.w / most} aria-label="Size of the frame" onInput={(e) => size(e.currentTarget.valueAsNumber * most / frame.w)} /><output>{Math.round(frame.w)} px</output></label>
    {shape[2] === 1 && <label class="check small"><input type="checkbox" checked={invert} onChange={() => setInvert(!invert)} />Dark ink on light paper: turn it over</label>}</div>;
}

// bright says whether the border of a picture is light, as paper is.
function bright(image: ImageBitmap): boolean {
  const v = valuesOf(image, 0, 0, image.width, image.height, [16, 16, 1]);
  let sum = 0, n = 0;
  for (let i = 0; i < 256; i++) if (i < 16 || i >= 240 || i % 16 === 0 || i % 16 === 15) { sum += v[i]!; n++; }
  return sum / n > .5;
}
