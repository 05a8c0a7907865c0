// The trick of the variational autoencoder: a draw that gradients pass.
import { useEffect, useRef, useState } from "preact/hooks";
import { Slider, number } from "../explore/tools";
import { color, themeTurn } from "../parts/color";
import { Note } from "../parts/bits";
import { Icon } from "../parts/icons";
import { useStore } from "../parts/store";
import { gauss, mulberry } from "./game";
import { arrows, cross, Decoded, dot, manifold, under, useBoard, useModels } from "./parts";

const reach = 3, ids = ["zoo:beta-1"];

export function Noise() {
  const { models, fault } = useModels(ids), model = models?.[0], look = useStore(themeTurn);
  const [mu, setMu] = useState<[number, number]>([-0.8, 0.6]), [sigma, setSigma] = useState<[number, number]>([0.5, 0.35]), [seed, setSeed] = useState(4), back = useRef(document.createElement("canvas"));
  const r = mulberry(seed), eps = Array.from({ length: 48 }, (): [number, number] => [gauss(r), gauss(r)]), e = eps[0]!;
  const draw = (k: [number, number]): [number, number] => [mu[0] + sigma[0] * k[0], mu[1] + sigma[1] * k[1]], z = draw(e);
  const board = useBoard(reach, (b) => {
    const { c, at, unit } = b, accent = color("--accent"), card = color("--card"), ink = color("--ink");
    under(b, back.current);
    cross(b);
    for (const k of eps) dot(b, at(...draw(k)), 3, color("--c9"));
    const m = at(...mu), p = at(...z);
    for (const s of [1, 2]) { c.beginPath(); c.ellipse(m[0], m[1], s * sigma[0] * unit, s * sigma[1] * unit, 0, 0, 7); c.strokeStyle = card; c.lineWidth = 4; c.stroke(); c.strokeStyle = accent; c.lineWidth = s === 1 ? 2 : 1; c.stroke(); }
    c.beginPath(); c.moveTo(...m); c.lineTo(...p); c.strokeStyle = card; c.lineWidth = 6; c.stroke(); c.strokeStyle = ink; c.lineWidth = 2.5; c.stroke();
    dot(b, m, 8, accent, card); dot(b, p, 7, color("--c1"), card);
  }, [mu, sigma, seed, model, look]);
  useEffect(() => {
    if (!model) return;
    const stop = new AbortController();
    void manifold(model, 15, reach, back.current, stop.signal, board.again);
    return () => stop.abort();
  }, [model]);
  const clamp = (v: number): number => Math.max(-reach, Math.min(reach, v));
  return <div class="l-two">
    <div class="l-board"><canvas ref={board.ref} tabIndex={0} role="application" aria-label="The plane of codes: the arrow keys move the mean, with Shift they change the deviations" onPointerDown={(ev) => { ev.currentTarget.setPointerCapture(ev.pointerId); setMu(board.place(ev)); }}
      onPointerMove={(ev) => { if (ev.buttons) { const p = board.place(ev); setMu([clamp(p[0]), clamp(p[1])]); } }}
      onKeyDown={(ev) => { const a = arrows[ev.key]; if (!a) return; ev.preventDefault(); ev.stopPropagation(); if (ev.shiftKey) setSigma([Math.max(.02, sigma[0] + .05 * a[0]), Math.max(.02, sigma[1] + .05 * a[1])]); else setMu([clamp(mu[0] + .1 * a[0]), clamp(mu[1] + .1 * a[1])]); }} />
      <p class="l-key small"><span><i class="swatch" style={{ background: "var(--accent)" }} />μ and σ, from the encoder</span><span><i class="swatch" style={{ background: "var(--c1)" }} />z, the draw that is decoded</span><span><i class="swatch" style={{ background: "var(--c9)" }} />other draws</span></p></div>
    <div class="col gap">
      {fault ? <Note look="no" icon="alert">{fault}</Note> : <div class="row gap l-result">{model ? <Decoded model={model} z={z} label="The picture that is decoded from z" class="l-big" /> : <div class="bone l-big" />}
        <div class="l-formula" role="img" aria-label={`z is ${number(z[0])} and ${number(z[1])}: mu plus sigma times epsilon`}><b class="c1">z</b><span>=</span><b class="a">μ</b><span>+</span><b class="a">σ</b><span>ε</span>
          {[0, 1].map((i) => <><span class="c1">{number(z[i]!)}</span><span>=</span><span class="a">{number(mu[i]!)}</span><span>+</span><span class="a">{number(sigma[i]!)} ·</span><span>{number(e[i]!)}</span></>)}</div></div>}
      <div class="col"><Slider label="μ₁" value={mu[0]} reach={reach} onInput={(v) => setMu([v, mu[1]])} /><Slider label="μ₂" value={mu[1]} reach={reach} onInput={(v) => setMu([mu[0], v])} />
        {[0, 1].map((i) => <label class="slide" key={i}><span>σ{i ? "₂" : "₁"}</span><input type="range" min={0.02} max={1.5} step={0.01} value={sigma[i]} onInput={(ev) => { const s: [number, number] = [...sigma]; s[i] = ev.currentTarget.valueAsNumber; setSigma(s); }} /><output>{number(sigma[i]!)}</output></label>)}
        <button type="button" class="btn" onClick={() => setSeed(seed + 1)}><Icon name="dice" />Draw another ε</button></div>
      <div class="col"><h2>Other draws of the same μ and σ</h2><div class="l-strip">{model && eps.slice(1, 9).map((k, i) => <Decoded key={i} model={model} z={draw(k)} label={`Draw ${i + 2}`} />)}</div></div>
      <p>The encoder does not say where a picture lies. It says <b class="a">where about</b>. To train through that draw, the chance is put aside: ε is drawn first and knows nothing of the weights. Then z moves smoothly as μ and σ move, and the loss of the picture can tell the encoder which way. Hold ε, move μ, and see.</p>
    </div></div>;
}
