// The game of a GAN, step by step, in the plane.
import { useEffect, useRef, useState } from "preact/hooks";
import { Choice } from "../parts/bits";
import { color, themeTurn } from "../parts/color";
import { Term } from "../parts/glossary";
import { Icon } from "../parts/icons";
import { useStore } from "../parts/store";
import { Game, mulberry, real, type Shape } from "./game";
import { dot, useBoard } from "./parts";

const reach = 1.8, cells = 36;

export function Gan() {
  const [shape, setShape] = useState<Shape>("ring"), [seed, setSeed] = useState(1), [playing, play] = useState(false), [times, setTimes] = useState(1), [rate, setRate] = useState(-2.3), [, turn] = useState(0), look = useStore(themeTurn);
  const game = useRef<Game>(new Game(shape, seed)), truth = useRef<Float64Array>(real(shape, 200, mulberry(9))), losses = useRef<[number, number][]>([]), last = useRef<"" | "D" | "G">("");
  const lr = 10 ** rate, heat = useRef(document.createElement("canvas"));
  const board = useBoard(reach, (b) => {
    const { c, side, at, unit } = b, g = game.current, h = heat.current, grid = new Float64Array(2 * cells * cells);
    for (let i = 0; i < cells * cells; i++) { grid[2 * i] = reach * (2 * (i % cells + .5) / cells - 1); grid[2 * i + 1] = reach * (1 - 2 * (Math.floor(i / cells) + .5) / cells); }
    h.width = h.height = cells;
    const hc = h.getContext("2d")!, image = hc.createImageData(cells, cells), chance = g.chance(grid), warm = rgb(color("--c1")), cold = rgb(color("--c0"));
    for (let i = 0; i < chance.length; i++) { const p = chance[i]!, ink = p > .5 ? cold : warm; image.data.set([ink[0], ink[1], ink[2], Math.abs(p - .5) * 2 * 110], 4 * i); }
    hc.putImageData(image, 0, 0);
    c.imageSmoothingEnabled = true;
    c.drawImage(h, 0, 0, side, side);
    const { x, to } = g.wishes(), card = color("--card"), fake = color("--c1"), true_ = color("--c0");
    for (let i = 0; i < 200; i++) dot(b, at(truth.current[2 * i]!, truth.current[2 * i + 1]!), 3, true_);
    c.lineWidth = 1.2; c.strokeStyle = color("--ink2");
    for (let i = 0; i < x.length / 2; i++) {
      const p = at(x[2 * i]!, x[2 * i + 1]!), n = Math.hypot(to[2 * i]!, to[2 * i + 1]!), s = n ? Math.min(.35, n * .25) / n * unit : 0;
      c.beginPath(); c.moveTo(...p); c.lineTo(p[0] + to[2 * i]! * s, p[1] - to[2 * i + 1]! * s); c.stroke();
    }
    for (let i = 0; i < x.length / 2; i++) dot(b, at(x[2 * i]!, x[2 * i + 1]!), 3.5, fake, card);
  }, [look, shape, seed]);
  const note = (): void => { const g = game.current; losses.current.push([g.lossD, g.lossG]); if (losses.current.length > 400) losses.current.shift(); };
  const stepD = (): void => { game.current.stepD(lr); last.current = "D"; turn((n) => n + 1); board.again(); };
  const stepG = (): void => { game.current.stepG(lr); last.current = "G"; note(); turn((n) => n + 1); board.again(); };
  const both = (): void => { for (let i = 0; i < times; i++) game.current.stepD(lr); game.current.stepG(lr); note(); };
  useEffect(() => {
    game.current = new Game(shape, seed); truth.current = real(shape, 200, mulberry(9)); losses.current = []; last.current = "";
    turn((n) => n + 1); board.again();
  }, [shape, seed]);
  useEffect(() => {
    (globalThis as unknown as Record<string, unknown>)["imagoGame"] = game; // for a test of the gradients
    if (!playing) return;
    let frame = 0;
    const go = (): void => { frame = requestAnimationFrame(go); const end = performance.now() + 8; do both(); while (performance.now() < end); last.current = ""; turn((n) => n + 1); board.again(); };
    frame = requestAnimationFrame(go);
    return () => cancelAnimationFrame(frame);
  }, [playing, lr, times]);
  const g = game.current, line = (k: 0 | 1): string => losses.current.map((l, i) => `${i ? "L" : "M"}${(i * 200 / Math.max(40, losses.current.length - 1)).toFixed(1)} ${(58 - Math.min(2.4, l[k]) / 2.4 * 56).toFixed(1)}`).join("");
  return <div class="l-two">
    <div class="l-board"><canvas ref={board.ref} role="img" aria-label={`Real and generated points after ${g.steps} steps`} />
      <p class="l-key small"><span><i class="swatch" style={{ background: "var(--c0)" }} />real points, and where D believes so</span><span><i class="swatch" style={{ background: "var(--c1)" }} />generated points, and where D sees a fake</span><span>Lines: where D would have each go</span></p></div>
    <div class="col gap">
      <div class="row wrap"><button type="button" class="btn primary" onClick={() => play(!playing)}><Icon name={playing ? "pause" : "play"} />{playing ? "Pause" : "Play"}</button>
        <button type="button" class="btn" disabled={playing} onClick={stepD}>Step D</button><button type="button" class="btn" disabled={playing} onClick={stepG}>Step G</button><button type="button" class="btn quiet" onClick={() => setSeed(seed + 1)}><Icon name="dice" />Start over</button></div>
      <p aria-live="polite" class="l-said">{playing ? "They take turns." : last.current === "D" ? "The discriminator has looked at 64 real and 64 generated points, and has bent its map. Now it is the generator's turn." : last.current === "G" ? "The generator has moved its points along the lines, to where the map says real. Now the map is wrong again." : "Step D, then G, and look at the map and the points in turn. Or press Play."}</p>
      <Choice label="Real points" value={shape} options={[["ring", "Ring"], ["clusters", "Five clusters"], ["moons", "Moons"], ["line", "Line"]]} onChange={setShape} />
      <label class="slide"><span><Term of="lr">Learning rate</Term></span><input type="range" min={-4} max={-1} step={.1} value={rate} aria-valuetext={lr.toPrecision(2)} onInput={(e) => setRate(e.currentTarget.valueAsNumber)} /><output>{lr.toPrecision(1)}</output></label>
      <label class="slide"><span>Steps of D</span><input type="range" min={1} max={5} step={1} value={times} onInput={(e) => setTimes(e.currentTarget.valueAsNumber)} /><output>{times}</output></label>
      <div class="l-loss"><svg viewBox="0 0 200 60" preserveAspectRatio="none" role="img" aria-label={`Losses: discriminator ${g.lossD.toFixed(2)}, generator ${g.lossG.toFixed(2)}`}><path d={line(0)} stroke="var(--c0)" /><path d={line(1)} stroke="var(--c1)" /></svg>
        <dl class="row wrap gap small"><div><dt class="mute">Step</dt><dd>{g.steps}</dd></div><div><dt class="mute">Loss of D</dt><dd>{Number.isNaN(g.lossD) ? "–" : g.lossD.toFixed(2)}</dd></div><div><dt class="mute">Loss of G</dt><dd>{Number.isNaN(g.lossG) ? "–" : g.lossG.toFixed(2)}</dd></div><div><dt class="mute"><Term of="dacc">D is right</Term></dt><dd>{Number.isNaN(g.accuracy) ? "–" : `${Math.round(100 * g.accuracy)} %`}</dd></div></dl></div>
      <p>Nobody wins. When D can no longer tell (0.69 nats, right half of the time), the points lie as the real ones do. Try five clusters with a high rate: the generator visits one cluster after another and forgets the rest. That is mode collapse.</p>
    </div></div>;
}

const rgb = (css: string): [number, number, number] => {
  const c = document.createElement("canvas").getContext("2d")!;
  c.canvas.width = c.canvas.height = 1;
  c.fillStyle = css; c.fillRect(0, 0, 1, 1);
  const d = c.getImageData(0, 0, 1, 1).data;
  return [d[0]!, d[1]!, d[2]!];
};
