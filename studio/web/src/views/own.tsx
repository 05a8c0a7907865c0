// Your own: a picture that the person draws, drops, pastes or takes, and what a model makes of it.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, runPath, send, type Direction, type Own as Answer, type Run } from "../api";
import { openModel, paint } from "../decoder";
import { fetchDirections, itemAddress } from "../explore/codes";
import { Choose } from "../explore/choose";
import { Crop, Pad, type Source } from "../explore/source";
import { Space } from "../explore/space";
import { Directions, Labels, number, Shown } from "../explore/tools";
import { Note } from "../parts/bits";
import { plain } from "../parts/format";
import { Term } from "../parts/glossary";
import { Icon } from "../parts/icons";
import { complain, say } from "../parts/toast";
import { address } from "../router";
import type { ViewProps } from "../main";

export default function Own({ place }: ViewProps) {
  if (!place.id) return <Choose view="own" title="Your own pictures" text="Draw, drop or take a picture, and see what a model makes of it." />;
  return <Opened id={place.id} at={place.query.get("at") ?? "best"} />;
}

function Opened({ id, at }: { id: string; at: string }) {
  const [opened, set] = useState<{ space: Space; run: Run } | null>(null), [fault, setFault] = useState("");
  useEffect(() => {
    let gone = false, space: Space | null = null;
    Promise.all([openModel(id, at, true), get<Run>(runPath(id))]).then(([decoder, run]) => {
      if (gone) { decoder.close(); return; }
      space = new Space(decoder);
      set({ space, run });
    }, (e: Error) => { if (!gone) setFault(e.message); });
    return () => { gone = true; space?.close(); };
  }, [id, at]);
  if (fault) return <><h1>{plain(id)}</h1><Note look="no" icon="alert">{fault}</Note></>;
  if (!opened) return <div class="o-room" aria-busy="true"><div class="bone o-bone" /><div class="bone o-bone" /><div class="bone o-bone" /></div>;
  return opened.space.decoder.can("reconstruct") || opened.space.decoder.can("encode") ? <Room id={id} at={at} {...opened} />
    : <><div class="x-head"><h1>{plain(id)}</h1></div><Note>This model has no encoder, so it cannot take a picture in. <a href={address("explore", id)}>Explore what it draws</a>, or choose <a href="/own">another model</a>.</Note></>;
}

function Room({ id, at, space, run }: { id: string; at: string; space: Space; run: Run }) {
  const { decoder } = space, { shape } = decoder.model, grey = shape[2] === 1, [source, setSource] = useState<Source | null>(null), [taking, take] = useState(false);
  const seen = useRef<HTMLCanvasElement>(null), rebuilt = useRef<HTMLCanvasElement>(null), values = useRef<Float32Array | null>(null), [code, setCode] = useState<Float32Array | null>(null);
  const [answer, setAnswer] = useState<Answer | null>(null), [cannot, setCannot] = useState(""), [asking, ask] = useState(false), timer = useRef(0), newest = useRef(0);
  const [directions, setDirections] = useState<Direction[] | null>(null), [noDirections, setNoDirections] = useState(""), editable = decoder.can("encode") && decoder.can("decode");
  const pick = useRef<HTMLInputElement>(null), [over, setOver] = useState(false);
  useEffect(() => {
    let gone = false;
    if (editable) fetchDirections(id, at).then((d) => { if (!gone) setDirections(d); }, (e: Error) => { if (!gone) setNoDirections(e.message); });
    return () => { gone = true; };
  }, [id, at]);

  // see takes a picture in: its values at the size of the model.
  const see = (v: Float32Array): void => {
    values.current = v;
    if (seen.current) paint(seen.current, v, shape);
    const turn = ++newest.current;
    void (async () => {
      if (decoder.can("encode")) {
        const { mean } = await decoder.encode(v, space.labels);
        if (turn !== newest.current) return;
        setCode(mean);
        if (editable && mean.length === decoder.model.latent) { space.set(mean); return; }
      }
      const picture = await decoder.reconstruct(v, space.labels);
      if (turn === newest.current && rebuilt.current) paint(rebuilt.current, picture, shape);
    })().catch(complain);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void judge(turn), 500) as unknown as number;
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => space.on("labels", () => { if (values.current) see(values.current); }), [space]);
  const judge = async (turn: number): Promise<void> => {
    if (!seen.current) return;
    ask(true);
    try {
      const blob = await new Promise<Blob | null>((done) => seen.current!.toBlob(done, "image/png"));
      const a = await send<Answer>("POST", runPath(id, `/own?at=${encodeURIComponent(at)}`), blob!);
      if (turn === newest.current) { setAnswer(a); setCannot(a.cannot); }
    } catch (e) { if (turn === newest.current) setCannot((e as Error).message); }
    if (turn === newest.current) ask(false);
  };
  const open = async (file: Blob | undefined | null): Promise<void> => {
    if (!file) return;
    try { setSource({ image: await createImageBitmap(file), name: (file as File).name || "pasted picture" }); take(false); }
    catch { say(`${(file as File).name || "What was given"} is no picture that this browser can read: choose a PNG or JPEG.`, "", null, true); }
  };
  useEffect(() => {
    const paste = (e: ClipboardEvent): void => { const f = [...e.clipboardData?.files ?? []][0]; if (f) void open(f); };
    const drag = (e: DragEvent): void => { e.preventDefault(); setOver(e.type === "dragover"); };
    const drop = (e: DragEvent): void => { e.preventDefault(); setOver(false); void open(e.dataTransfer?.files[0]); };
    document.addEventListener("paste", paste);
    document.addEventListener("dragover", drag); document.addEventListener("dragleave", drag); document.addEventListener("drop", drop);
    return () => { document.removeEventListener("paste", paste); document.removeEventListener("dragover", drag); document.removeEventListener("dragleave", drag); document.removeEventListener("drop", drop); };
  }, []);
  const camera = "mediaDevices" in navigator;
  return <>
    <div class="x-head"><h1>{plain(id)}</h1><a class="small" href={`/run/${encodeURIComponent(id)}`}>Run</a><a class="small" href={address("explore", id)}>Explore</a>
      <span class="end small mute row o-local"><Icon name="info" />{decoder.server ? "Your picture goes to the studio on this machine, and nowhere else." : "The model runs in this page. For neighbours and score the small picture goes to the studio on this machine: nothing leaves it."}</span></div>
    {decoder.server && <Note look="wait" icon="alert">The server computes this model: {decoder.server}</Note>}
    <div class={over ? "o-room over" : "o-room"}>
      <section class="panel" aria-labelledby="o-in"><header><h2 id="o-in">{grey ? "Draw, or give a picture" : "Give a picture"}</h2></header>
        {taking ? <Camera onTake={(image) => { setSource({ image, name: "picture of the camera" }); take(false); }} onEnd={() => take(false)} />
          : source ? <Crop source={source} shape={shape} onValues={see} />
          : grey ? <Pad shape={shape} onValues={see} /> : <button type="button" class="o-drop" onClick={() => pick.current?.click()}><Icon name="upload" /><b>Drop a photograph</b><span class="small mute">or press to choose, or paste one</span></button>}
        <div class="row wrap o-actions"><input ref={pick} type="file" accept="image/*" class="hide" tabIndex={-1} aria-label="A picture of this device" onChange={(e) => { void open(e.currentTarget.files?.[0]); e.currentTarget.value = ""; }} />
          <button type="button" class="btn small" onClick={() => pick.current?.click()}><Icon name="upload" />Choose a file</button>
          {camera && !taking && <button type="button" class="btn small" onClick={() => take(true)}>Camera</button>}
          {(source || taking) && grey && <button type="button" class="btn small quiet" onClick={() => { setSource(null); take(false); }}>Draw</button>}</div>
        <div class="o-seen"><canvas ref={seen} class="pix" width={shape[1]} height={shape[0]} role="img" aria-label="What the model sees" /><span class="small mute">What the model sees: {shape[1]} × {shape[0]}{grey ? ", grey" : ""}</span></div>
      </section>
      <section class="panel" aria-labelledby="o-out"><header><h2 id="o-out">What it makes of it</h2></header>
        {editable ? <Shown space={space} label="The picture that the model decodes from the code of yours" /> : <canvas ref={rebuilt} class="pix shown" width={shape[1]} height={shape[0]} role="img" aria-label="The model's reconstruction of your picture" />}
        <Labels space={space} />
        {code ? <div class="o-code"><div class="row"><span class="label grow"><Term of="code">Code</Term></span>{editable && <a class="small" href={address("explore", id, { z: Array.from(code, (v) => v.toFixed(3)).join() })}>Explore from here</a>}</div><Bars code={code} order={decoder.model.order} /></div>
          : <p class="hint">{grey ? "Draw a stroke." : "Give a picture."} Its code and the picture that the model decodes from it appear at once.</p>}
      </section>
      <section class="panel o-more" aria-label="Neighbours, score and edits">
        <div class="col"><h3>Nearest in what it learned from</h3>
          {answer?.neighbours.length ? <ul class="o-near">{answer.neighbours.map((n) => <li key={`${n.set}${n.index}`}><img class="pic" src={itemAddress(id, n.index, n.set)} alt={`${n.set} item ${n.index}${n.class ? `, ${n.class}` : ""}`} title={`${n.set} item ${n.index}, ${number(n.distance)} away`} /><span class="tiny mute cut">{n.class || number(n.distance)}</span></li>)}</ul>
            : <p class="hint" role="status">{cannot || (asking ? "Looking …" : "Items whose codes are near that of your picture.")}</p>}</div>
        <div class="col"><h3><Term of="anomaly">Anomaly score</Term></h3>
          {answer?.anomaly ? <Score {...answer.anomaly} /> : <p class="hint">{asking ? "Scoring …" : answer?.cannot || "How unlike the training items your picture is."}</p>}</div>
        {editable && <div class="col"><h3>Edit</h3>{directions || noDirections ? <Directions space={space} list={directions} fault={noDirections} /> : <div class="bone tall" />}</div>}
        {run.state === "training" && <p class="hint">This run is training: what you see is of its best checkpoint.</p>}
      </section>
    </div>
  </>;
}

// Bars shows a code: a bar a unit, the most active first.
function Bars({ code, order }: { code: Float32Array; order: number[] }) {
  const most = Math.max(3, ...Array.from(code, Math.abs)), shown = order.filter((u) => u < code.length).slice(0, 64), w = 100 / shown.length;
  return <svg class="o-bars" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={`Code: ${Array.from(code.slice(0, 8), number).join(", ")}${code.length > 8 ? " and more" : ""}`}>
    <line x1="0" x2="100" y1="12" y2="12" stroke="var(--line2)" stroke-width=".3" />
    {shown.map((u, i) => { const v = code[u]! / most * 11; return <rect key={u} x={i * w + w * .12} width={w * .76} y={v > 0 ? 12 - v : 12} height={Math.abs(v)} fill="var(--accent)"><title>{`z${u} ${number(code[u]!)}`}</title></rect>; })}</svg>;
}

function Score({ score, share, threshold }: NonNullable<Answer["anomaly"]>) {
  const odd = threshold !== null && score > threshold;
  return <div class="o-score"><div class="row base"><b class={odd ? "bad" : "good"}>{odd ? "unusual" : "usual"}</b><span class="small dim">more unusual than {Math.round(100 * share)} % of the training items</span></div>
    <div class="meter" role="meter" aria-label="Share of training items that score less" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(100 * share)}><i style={{ width: `${100 * share}%`, background: odd ? "var(--bad)" : "var(--good)" }} /></div>
    <span class="tiny mute">score {score.toPrecision(4)}{threshold !== null && `, threshold ${threshold.toPrecision(4)}`}</span></div>;
}

function Camera({ onTake, onEnd }: { onTake: (b: ImageBitmap) => void; onEnd: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    let stream: MediaStream | null = null, gone = false;
    navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } }).then((s) => {
      if (gone) { s.getTracks().forEach((t) => t.stop()); return; }
      stream = s;
      if (video.current) { video.current.srcObject = s; void video.current.play(); }
    }, (e: Error) => { say(`The camera cannot be used: ${e.message}. Choose a file instead.`, "", null, true); onEnd(); });
    return () => { gone = true; stream?.getTracks().forEach((t) => t.stop()); };
  }, []);
  return <div class="col"><video ref={video} class="o-video" muted playsInline aria-label="What the camera sees" /><button type="button" class="btn primary" onClick={() => { if (video.current?.videoWidth) void createImageBitmap(video.current).then(onTake); }}>Take the picture</button></div>;
}
