// The time of a training: one moment for every picture of the page.
import { useEffect, useState } from "preact/hooks";
import type { Checkpoint } from "../api";
import { count } from "./format";
import { Icon } from "./icons";
import { useKeys } from "./keys";

// Timeline slides over checkpoints; the last place is now: the live weights of a run in training, or the newest.
export function Timeline({ checkpoints, at, live, onAt }: { checkpoints: Checkpoint[]; at: string; live: boolean; onAt: (name: string) => void }) {
  const places = [...checkpoints.map((c) => c.name), ...(live ? ["live"] : [])];
  const index = at === "" || at === "live" ? places.length - 1 : Math.max(0, places.indexOf(at));
  const [playing, play] = useState(false);
  const move = (i: number): void => { const to = Math.max(0, Math.min(places.length - 1, i)); onAt(to === places.length - 1 ? "" : places[to]!); };
  useEffect(() => {
    if (!playing) return;
    if (index >= places.length - 1) { play(false); return; }
    const t = setTimeout(() => move(index + 1), 650);
    return () => clearTimeout(t);
  }, [playing, index, places.length]);
  const toggle = (): void => { if (!playing && index >= places.length - 1) move(0); play(!playing); };
  useKeys("Time", [
    { keys: "ArrowLeft", text: "The moment before", act: () => { play(false); move(index - 1); } }, { keys: "ArrowRight", text: "The moment after", act: () => { play(false); move(index + 1); } },
    { keys: "Space", text: "Play the training", act: toggle }, { keys: "l", text: "Now", act: () => move(places.length - 1) },
  ]);
  if (places.length < 2) return null;
  const c = checkpoints[index];
  const text = c ? `Epoch ${c.epoch}, step ${count(c.step)}${c.best ? ", the best" : ""}` : "Live";
  return <div class="timeline" role="group" aria-label="Time of the training">
    <button type="button" class="btn icon" aria-label={playing ? "Pause" : "Play the training"} onClick={toggle}><Icon name={playing ? "pause" : "play"} /></button>
    <div class="grow track"><input type="range" min={0} max={places.length - 1} step={1} value={index} aria-label="Moment" aria-valuetext={text} style={{ "--fill": `${(index / (places.length - 1)) * 100}%` }} onInput={(e) => { play(false); move(Number(e.currentTarget.value)); }} />
      <div class="ticks" aria-hidden="true">{places.map((p, i) => <i key={p} class={checkpoints[i]?.best ? "best" : ""} style={{ left: `${(i / (places.length - 1)) * 100}%` }} />)}</div></div>
    <span class="moment small">{c ? <><span class="strong">Epoch {c.epoch}</span> <span class="mute">step {count(c.step)}{c.best ? " · best" : ""}</span></> : <span class="row"><i class="dot beat accent" /><span class="strong">Live</span></span>}</span>
    {index < places.length - 1 && <button type="button" class="btn small" onClick={() => move(places.length - 1)}>{live ? "Live" : "Newest"}</button>}
  </div>;
}
