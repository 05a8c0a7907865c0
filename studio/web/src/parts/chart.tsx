// Curves: uPlot with the colours of the page, zoom by dragging, smoothing, and a table of the values for those who do not see it.
import uPlot from "uplot";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { color, themeTurn } from "./color";
import { number } from "./format";
import { useSeen, useSlow, useStore } from "./store";

export interface Curve { label: string; x: number[]; y: (number | null)[]; token: string; dash?: boolean; faint?: boolean }
export interface ChartProps {
  title: string; curves: Curve[]; xLabel: string; log?: boolean; smooth?: number; height?: number;
  mark?: number | null;                   // a moment, as a vertical line
  zoom?: [number, number] | null; onZoom?: (z: [number, number] | null) => void;
  onPick?: (x: number) => void; group?: string;
}

// smoothed is the running mean with weight w of what was before, without the pull of the first value to zero.
export function smoothed(y: (number | null)[], w: number): (number | null)[] {
  if (!w) return y;
  let mean = 0, weight = 0;
  return y.map((v) => {
    if (v === null) return null;
    mean = w * mean + (1 - w) * v;
    weight = w * weight + (1 - w);
    return mean / weight;
  });
}

// whole are the distances of ticks on an axis of epochs or steps.
const whole = Array.from({ length: 10 }, (_, i) => [1, 2, 5].map((v) => v * 10 ** i)).flat();

// aligned puts curves with positions of their own on the union of them. A null is a gap where a curve has no value there.
function aligned(curves: Curve[]): uPlot.AlignedData {
  const first = curves[0];
  if (!first) return [[]];
  if (curves.every((c) => c.x === first.x)) return [first.x, ...curves.map((c) => c.y)] as uPlot.AlignedData;
  return uPlot.join(curves.map((c) => [c.x, c.y] as uPlot.AlignedData), curves.map(() => [1, 2]));
}

export function Chart(p: ChartProps) {
  const box = useRef<HTMLDivElement>(null), plot = useRef<uPlot | null>(null), now = useRef(p), seen = useSeen(box);
  now.current = p;
  const turn = useStore(themeTurn);
  const lines = useMemo(() => {
    if (!p.smooth) return p.curves;
    return [...p.curves.map((c) => ({ ...c, faint: true })), ...p.curves.map((c) => ({ ...c, y: smoothed(c.y, p.smooth!) }))];
  }, [p.curves, p.smooth]);
  const shape = lines.map((c) => `${c.label}${c.token}${c.dash}${c.faint}${c.x.length < 40}`).join() + p.log + p.height;
  const data = useMemo(() => aligned(p.log ? lines.map((c) => ({ ...c, y: c.y.map((v) => v !== null && v > 0 ? v : null) })) : lines), [lines, p.log]);
  const height = p.height ?? 220;

  useEffect(() => {
    const el = box.current!;
    const ink = color("--ink3"), grid = color("--line"), font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const axis: uPlot.Axis = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false }, gap: 6 };
    const u = new uPlot({
      width: el.clientWidth || 300, height, padding: [10, 22, 0, 0], legend: { show: false },
      scales: { x: { time: false }, y: p.log ? { distr: 3 } : {} },
      cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false, setScale: false }, ...(p.group ? { sync: { key: p.group, setSeries: false } } : {}) },
      axes: [{ ...axis, space: 60, size: 28, ...(p.xLabel === "seconds" ? {} : { incrs: whole }), values: (_u, v) => v.map((n) => n >= 10000 ? `${+(n / 1000).toFixed(1)}k` : String(+n.toFixed(2))) }, { ...axis, space: 34, size: (_u, v) => 14 + 7 * Math.max(1, ...(v ?? []).map((x) => x?.length ?? 0)), values: (_u, v) => v.map((n) => n === null ? "" : number(n, 3).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")) }],
      series: [{}, ...lines.map((c): uPlot.Series => ({ label: c.label, stroke: color(c.token), width: c.faint ? 1 : c.dash ? 1.5 : 2, alpha: c.faint ? .3 : 1, spanGaps: true, ...(c.dash ? { dash: [5, 4] } : {}), points: { show: !c.faint && c.x.length < 40, size: 5, fill: color(c.token) } }))],
      hooks: {
        setSelect: [(w) => { if (w.select.width > 6) { now.current.onZoom?.([w.posToVal(w.select.left, "x"), w.posToVal(w.select.left + w.select.width, "x")]); w.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false); } }],
        draw: [(w) => {
          const m = now.current.mark;
          if (m === null || m === undefined) return;
          const x = Math.round(w.valToPos(m, "x", true));
          if (x < w.bbox.left || x > w.bbox.left + w.bbox.width) return;
          w.ctx.save(); w.ctx.strokeStyle = color("--accent"); w.ctx.lineWidth = 2 * devicePixelRatio; w.ctx.beginPath(); w.ctx.moveTo(x, w.bbox.top); w.ctx.lineTo(x, w.bbox.top + w.bbox.height); w.ctx.stroke(); w.ctx.restore();
        }],
        setCursor: [(w) => tell(w)],
      },
    }, data, el);
    const tip = document.createElement("div");
    tip.className = "chart-tip"; tip.hidden = true;
    u.over.append(tip);
    const tell = (w: uPlot): void => {
      const i = w.cursor.idx, x = w.cursor.left ?? -1;
      if (i === null || i === undefined || x < 0) { tip.hidden = true; return; }
      tip.hidden = false;
      tip.replaceChildren();
      const head = document.createElement("b");
      head.textContent = `${now.current.xLabel} ${number(w.data[0][i]!, 6).replace(/\.0+$/, "")}`;
      tip.append(head);
      lines.forEach((c, k) => {
        if (c.faint) return;
        const column = w.data[k + 1]!;
        let j = i;
        for (let d = 0; d < 60 && (column[j] === null || column[j] === undefined); d++) j = i + (d % 2 ? (d + 1) / 2 : -d / 2 - 1);
        const row = document.createElement("span"), dot = document.createElement("i"), v = document.createElement("em");
        dot.style.background = color(c.token); v.textContent = number(column[j]);
        row.append(dot, c.label, v); tip.append(row);
      });
      tip.classList.toggle("left", x > w.over.clientWidth / 2);
      tip.style.translate = `${x}px 0`;
    };
    u.over.addEventListener("dblclick", () => now.current.onZoom?.(null));
    u.over.addEventListener("click", () => { if (now.current.onPick && u.cursor.idx !== null && u.cursor.idx !== undefined) now.current.onPick(u.data[0][u.cursor.idx]!); });
    plot.current = u;
    const sized = new ResizeObserver(() => { if (el.clientWidth && el.clientWidth !== u.width) u.setSize({ width: el.clientWidth, height }); });
    sized.observe(el);
    return () => { sized.disconnect(); u.destroy(); plot.current = null; };
  }, [shape, turn, p.group]);
  useEffect(() => { // new values, the same curves
    const u = plot.current;
    if (!u || !seen) return;
    u.setData(data, !p.zoom);
    if (p.zoom) u.setScale("x", { min: p.zoom[0], max: p.zoom[1] });
  }, [data, p.zoom?.[0], p.zoom?.[1], shape, turn, seen]);
  useEffect(() => { if (p.mark !== undefined && p.curves.length && plot.current?.status) plot.current.redraw(false); }, [p.mark]);

  // The table is for those who do not see the curves: they are told of few changes, and it is laid out anew for each.
  const told = useSlow(useMemo(() => ({ curves: p.curves, x: p.xLabel }), [p.curves, p.xLabel]), 5000), few = (c: Curve): number[] => { const n = c.x.length, k = Math.min(n, 8); return [...new Set(Array.from({ length: k }, (_, i) => Math.round((i * (n - 1)) / Math.max(1, k - 1))))]; };
  return <figure class="chart" aria-label={p.title}>
    <div ref={box} class="plot" style={{ height: `${height}px` }} aria-hidden="true" />
    {!p.curves.length && <div class="plot-empty mute small">Nothing is measured yet.</div>}
    <table class="hide"><caption>{p.title}</caption><thead><tr><th scope="col">curve</th><th scope="col">{told.x}</th><th scope="col">value</th></tr></thead><tbody>{told.curves.flatMap((c) => few(c).map((i) => <tr key={c.label + i}><th scope="row">{c.label}</th><td>{number(c.x[i])}</td><td>{number(c.y[i])}</td></tr>))}</tbody></table>
  </figure>;
}

export function Legend({ curves }: { curves: { label: string; token: string; dash?: boolean }[] }) {
  return <div class="legend">{curves.map((c) => <span key={c.label}><i class={c.dash ? "dashed" : ""} style={{ color: `var(${c.token})` }} />{c.label}</span>)}</div>;
}

// Heat draws the KL of each unit over the epochs: a row a unit, the darkest the largest.
export function Heat({ rows, x, label, mark }: { rows: number[][]; x: number[]; label: string; mark: number | null }) {
  const ref = useRef<HTMLCanvasElement>(null), turn = useStore(themeTurn);
  const kept = rows.map((r, i) => ({ r, x: x[i]! })).filter((e) => e.r.length), units = kept[0]?.r.length ?? 0, last = kept.at(-1)?.r ?? [];
  const order = Array.from({ length: units }, (_, i) => i).sort((a, b) => last[b]! - last[a]!).slice(0, 64);
  const most = Math.max(1e-9, ...kept.flatMap((e) => e.r));
  useEffect(() => {
    const c = ref.current;
    if (!c || !units) return;
    const w = kept.length, h = order.length;
    c.width = w; c.height = h;
    const g = c.getContext("2d")!, from = channels(color("--sunk")), to = channels(color("--accent"));
    const image = g.createImageData(w, h);
    kept.forEach((e, i) => order.forEach((unit, j) => {
      const t = Math.max(0, e.r[unit]!) / most, o = 4 * (j * w + i);
      for (let k = 0; k < 3; k++) image.data[o + k] = from[k]! + (to[k]! - from[k]!) * t;
      image.data[o + 3] = 255;
    }));
    g.putImageData(image, 0, 0);
  }, [rows, rows.length, turn]);
  if (!units) return null;
  const at = mark === null ? -1 : kept.findLastIndex((e) => e.x <= mark);
  return <figure class="heat" aria-label={label}>
    <div class="heat-box" style={{ height: `${Math.max(56, Math.min(224, order.length * 22))}px` }}><div class="heat-names tiny mute" aria-hidden="true">{order.length <= 12 && order.map((u) => <span key={u}>z{u}</span>)}</div><div class="grow heat-pic"><canvas ref={ref} />{at >= 0 && <i style={{ left: `${((at + .5) / kept.length) * 100}%` }} />}</div><div class="heat-names tiny mute" aria-hidden="true">{order.length <= 12 && order.map((u) => <span key={u}>{number(last[u], 3)}</span>)}</div></div>
    <table class="hide"><caption>{label}</caption><thead><tr><th scope="col">unit</th><th scope="col">nats at the end</th></tr></thead><tbody>{order.map((u) => <tr key={u}><th scope="row">{u}</th><td>{number(last[u])}</td></tr>)}</tbody></table>
  </figure>;
}
const channelsOf = new Map<string, [number, number, number]>(); // a canvas for each question is dear
// channels returns red, green and blue of a colour, by drawing it: the browser may say it in any notation.
function channels(c: string): [number, number, number] {
  let v = channelsOf.get(c);
  if (v) return v;
  const g = new OffscreenCanvas(1, 1).getContext("2d")!;
  g.fillStyle = c;
  g.fillRect(0, 0, 1, 1);
  const d = g.getImageData(0, 0, 1, 1).data;
  v = [d[0]!, d[1]!, d[2]!];
  channelsOf.set(c, v);
  return v;
}
