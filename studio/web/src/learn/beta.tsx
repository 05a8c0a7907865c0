// What beta weighs: five trained models, from sharp and scattered to smooth and silent.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, runPath, type Run } from "../api";
import { paint } from "../decoder";
import { fetchCodes, itemAddress, type Codes } from "../explore/codes";
import { valuesOf } from "../explore/source";
import { Note } from "../parts/bits";
import { color, themeTurn } from "../parts/color";
import { Term } from "../parts/glossary";
import { useStore } from "../parts/store";
import { cross, dot, manifold, under, useBoard, useModels } from "./parts";

const betas = ["0.1", "1", "4", "16", "64"], ids = betas.map((b) => `zoo:beta-${b}`), reach = 3.5, said = [
  "Codes keep far apart, each with a small place of its own. Pictures come back sharp; between the islands nothing sensible is drawn.",
  "The evidence lower bound as it is: every nat that a code tells must save a nat of the picture.",
  "Codes crowd towards the middle and overlap. Neighbours blend, and thin strokes are lost.",
  "Only what pays most is still told. All digits become a few blurred kinds.",
  "The codes say nothing: each is the prior itself. The decoder draws the mean of all digits, whatever it is given. This is collapse.",
];

export function Beta() {
  const { models, fault } = useModels(ids), [k, set] = useState(1), [runs, setRuns] = useState<Run[]>([]), [codes, setCodes] = useState<(Codes | null)[]>([]), [items, setItems] = useState<{ index: number; values: Float32Array }[]>([]), look = useStore(themeTurn);
  const backs = useRef(ids.map(() => document.createElement("canvas"))), rebuilt = useRef<(HTMLCanvasElement | null)[]>([]), model = models?.[k];
  useEffect(() => {
    let gone = false;
    void Promise.all(ids.map((id) => get<Run>(runPath(id)))).then((r) => { if (!gone) setRuns(r); }, () => { /* the numbers are left out */ });
    void Promise.all(ids.map((id) => fetchCodes(id, "best").catch(() => null))).then((c) => { if (!gone) setCodes(c); });
    void Promise.all([2, 11, 25, 33, 46, 58, 64, 71].map(async (index) => {
      const image = new Image();
      image.src = itemAddress(ids[1]!, index, "test");
      await image.decode();
      return { index, values: valuesOf(image, 0, 0, image.naturalWidth, image.naturalHeight, [28, 28, 1]) };
    })).then((i) => { if (!gone) setItems(i); }, () => { /* the row is left out */ });
    return () => { gone = true; };
  }, []);
  const board = useBoard(reach, (b) => {
    const { c, at, unit } = b, own = codes[k];
    under(b, backs.current[k]!);
    cross(b);
    const inks = Array.from({ length: 10 }, (_, i) => color(`--c${i}`));
    if (own) for (let i = 0; i < own.n; i += 2) dot(b, at(own.means[2 * i]!, own.means[2 * i + 1]!), 2, inks[own.classes[i]! % 10] ?? inks[0]!);
    c.strokeStyle = color("--accent"); c.lineWidth = 2; c.setLineDash([6, 5]);
    c.beginPath(); c.arc(...at(0, 0), 2 * unit, 0, 7); c.stroke(); c.setLineDash([]);
  }, [k, codes, model, look]);
  useEffect(() => {
    if (!model) return;
    const stop = new AbortController();
    void manifold(model, 20, reach, backs.current[k]!, stop.signal, board.again);
    return () => stop.abort();
  }, [model]);
  useEffect(() => {
    if (!model) return;
    let gone = false;
    items.forEach((it, i) => void model.reconstruct(it.values).then((v) => { const c = rebuilt.current[i]; if (!gone && c) paint(c, v, [28, 28, 1]); }, () => { /* closed */ }));
    return () => { gone = true; };
  }, [model, items]);
  const value = (r: Run | undefined, name: string): number => r?.last[name] ?? 0, most = Math.max(1, ...runs.map((r) => value(r, "test_reconstruction"))), run = runs[k], recon = value(run, "test_reconstruction"), kl = value(run, "test_kl");
  if (fault) return <Note look="no" icon="alert">{fault}</Note>;
  return <div class="l-two">
    <div class="l-board"><canvas ref={board.ref} role="img" aria-label={`The plane of the model of beta ${betas[k]}: decoded pictures, and the codes of training digits on them`} />
      <p class="l-key small"><span>Points are codes of digits, coloured by class.</span><span><i class="l-dash" />95 % of the prior lies in about this circle</span></p></div>
    <div class="col gap">
      <div class="col"><label class="l-beta" for="beta"><Term of="beta">β</Term> = <b>{betas[k]}</b></label>
        <input id="beta" type="range" min={0} max={4} step={1} value={k} aria-valuetext={`beta ${betas[k]}`} onInput={(e) => set(e.currentTarget.valueAsNumber)} list="betas" />
        <div class="l-ticks small mute" aria-hidden="true">{betas.map((b, i) => <button key={b} type="button" tabIndex={-1} onClick={() => set(i)}>{b}</button>)}</div></div>
      <p aria-live="polite">{said[k]}</p>
      {run && <dl class="l-nats"><div><dt><Term of="recon">Reconstruction</Term></dt><dd><i style={{ width: `${100 * recon / most}%`, background: "var(--c1)" }} /><span>{recon.toFixed(1)} nats</span></dd></div><div><dt><Term of="kl">KL</Term></dt><dd><i style={{ width: `${100 * kl / 12}%`, background: "var(--accent)" }} /><span>{kl.toFixed(2)} nats</span></dd></div></dl>}
      <div class="col"><h2>Digits it has not seen, and what comes back</h2><div class="l-pairs">{items.map((it, i) => <div key={it.index}><img class="pic" src={itemAddress(ids[1]!, it.index, "test")} alt={`Digit ${i + 1}`} /><canvas ref={(c) => { rebuilt.current[i] = c; }} class="pix" width={28} height={28} role="img" aria-label={`Digit ${i + 1} through the model of beta ${betas[k]}`} /></div>)}</div></div>
      <p>The loss has two parts that pull against each other: <b class="c1">reconstruction</b> wants codes that tell everything, <b class="a">KL</b> wants codes that look like the prior. β says what a nat of one costs in nats of the other.</p>
    </div></div>;
}
