// An autoencoder beside a variational one of the same size: what lies between the codes.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Decoder } from "../decoder";
import { fetchCodes, type Codes } from "../explore/codes";
import { Note } from "../parts/bits";
import { color, themeTurn } from "../parts/color";
import { Icon } from "../parts/icons";
import { useStore } from "../parts/store";
import { gauss, mulberry } from "./game";
import { arrows, cross, Decoded, dot, manifold, under, useBoard, useModels } from "./parts";

const ids = ["zoo:ae", "zoo:beta-1"], titles = ["Autoencoder", "Variational autoencoder"], texts = ["Nothing asks its codes to be anywhere. They spread, with holes between them that no picture ever came from.", "Each code is a small cloud, and the KL draws the clouds together: the plane fills, and a draw from the prior lands where pictures are."];

export function Holes() {
  const { models, fault } = useModels(ids), [seed, set] = useState(1), r = mulberry(seed), draws = Array.from({ length: 12 }, (): [number, number] => [gauss(r), gauss(r)]);
  if (fault) return <Note look="no" icon="alert">{fault}</Note>;
  return <div class="col gap"><div class="l-versus">{ids.map((id, i) => <Side key={id} id={id} title={titles[i]!} text={texts[i]!} model={models?.[i] ?? null} draws={draws} />)}</div>
    <div class="row wrap gap l-center"><button type="button" class="btn" onClick={() => set(seed + 1)}><Icon name="dice" />Draw others from the prior</button><p class="dim grow">The same twelve draws from N(0, I), the crosses, decoded by both. Both have the same networks, and saw the same digits for five epochs.</p></div></div>;
}

function Side({ id, title, text, model, draws }: { id: string; title: string; text: string; model: Decoder | null; draws: [number, number][] }) {
  const [codes, setCodes] = useState<Codes | null>(null), [z, setZ] = useState<[number, number]>([0, 0]), [reach, setReach] = useState(4), back = useRef(document.createElement("canvas")), look = useStore(themeTurn);
  useEffect(() => {
    let gone = false;
    void fetchCodes(id, "best").then((c) => {
      if (gone) return;
      const far = Array.from(c.means, Math.abs).sort((a, b) => a - b)[Math.floor(c.means.length * .99)] ?? 4;
      setCodes(c); setReach(Math.max(3.5, Math.ceil(far * 1.05)));
    }, () => { /* without points */ });
    return () => { gone = true; };
  }, [id]);
  const board = useBoard(reach, (b) => {
    const { c, at } = b, inks = Array.from({ length: 10 }, (_, i) => color(`--c${i}`)), card = color("--card");
    under(b, back.current);
    cross(b);
    if (codes) for (let i = 0; i < codes.n; i++) dot(b, at(codes.means[2 * i]!, codes.means[2 * i + 1]!), 2.2, inks[codes.classes[i]! % 10] ?? inks[0]!);
    for (const d of draws) { const [x, y] = at(...d); for (const [s, w] of [[card, 5], [color("--ink"), 2]] as const) { c.strokeStyle = s; c.lineWidth = w; c.beginPath(); c.moveTo(x - 5, y - 5); c.lineTo(x + 5, y + 5); c.moveTo(x + 5, y - 5); c.lineTo(x - 5, y + 5); c.stroke(); } }
    const p = at(...z);
    dot(b, p, 8, color("--accent"), card);
  }, [codes, z, draws.join(), reach, model, look]);
  useEffect(() => {
    if (!model) return;
    const stop = new AbortController();
    void manifold(model, 18, reach, back.current, stop.signal, board.again);
    return () => stop.abort();
  }, [model, reach]);
  let near = Infinity;
  if (codes) for (let i = 0; i < codes.n; i++) near = Math.min(near, Math.hypot(codes.means[2 * i]! - z[0], codes.means[2 * i + 1]! - z[1]));
  return <section class="col" aria-label={title}><h2>{title}</h2>
    <div class="l-board"><canvas ref={board.ref} tabIndex={0} role="application" aria-label={`Plane of the ${title.toLowerCase()}: the arrow keys move the point that is decoded`} onPointerMove={(e) => setZ(board.place(e))} onPointerDown={(e) => setZ(board.place(e))}
      onKeyDown={(e) => { const a = arrows[e.key]; if (a) { e.preventDefault(); e.stopPropagation(); setZ([z[0] + a[0] * reach / 30, z[1] + a[1] * reach / 30]); } }} /></div>
    <div class="row gap">{model ? <Decoded model={model} z={z} label={`What the ${title.toLowerCase()} decodes at the point`} class="l-mid" /> : <div class="bone l-mid" />}<div class="col tight grow"><p class="small dim">{text}</p>{codes && <p class="small"><b class={near > .35 * reach / 4 ? "bad" : "good"}>{near > .35 * reach / 4 ? "In a hole" : "Among codes"}</b> <span class="mute">the nearest code is {near.toFixed(2)} away</span></p>}</div></div>
    <div class="l-strip twelve">{model && draws.map((d, i) => <Decoded key={i} model={model} z={d} label={`Draw ${i + 1} from the prior`} />)}</div></section>;
}
