// The queue: trainings and measurements run one after another, so that they do not fight for the cores.
import { send, type Job } from "../api";
import { jobs, refresh, runs } from "../live";
import { address } from "../router";
import { Meter } from "./bits";
import { span } from "./format";
import { command } from "./actions";
import { Icon, type IconName } from "./icons";
import { useStore } from "./store";
import { complain, say } from "./toast";

export function Queue() {
  const all = useStore(jobs), map = useStore(runs), open = all.filter((j) => j.state === "running" || j.state === "waiting" || j.state === "paused"), waiting = open.filter((j) => j.state === "waiting");
  const failed = all.filter((j) => j.state === "failed").slice(-2);
  if (!open.length && !failed.length) return null;
  const remove = (j: Job): void => { void send("POST", `jobs/${encodeURIComponent(j.id)}/remove`).then(() => { say(j.state === "running" ? `${j.run || "The job"} stops.` : `${j.run || "The job"} is out of the queue.`); return refresh(); }).catch(complain); };
  const button = (label: string, icon: IconName, act: () => unknown) => <button type="button" class="btn quiet icon small" aria-label={label} title={label} onClick={() => void act()}><Icon name={icon} /></button>;
  const up = (j: Job): void => { const before = waiting[waiting.indexOf(j) - 1]; if (before) void send("PUT", `jobs/${encodeURIComponent(j.id)}`, { before: before.id }).then(refresh).catch(complain); };
  return <section class="panel" id="queue" aria-label="Queue"><header><h2>Queue</h2><span class="mute small">one after another</span></header>
    <ol class="queue list">{[...open, ...failed].map((j) => { const r = map?.get(j.run); return <li key={j.id} class="col tight">
      <div class="row"><span class={`badge ${j.state === "running" ? "on" : j.state === "failed" ? "no" : "wait"}`}>{j.state === "waiting" ? waiting.indexOf(j) + 1 : j.kind === "eval" ? "judge" : j.state}</span>{r ? <a class="grow cut strong" href={address("run", j.run)}>{j.run}</a> : <span class="grow cut strong">{j.run || j.command}</span>}
        {j.state === "waiting" && waiting.indexOf(j) > 0 && button(`${j.run} earlier`, "up", () => up(j))}
        {j.kind === "train" && j.state === "running" && button(`Pause ${j.run}`, "pause", () => command(j.run, "pause"))}
        {j.kind === "train" && j.state === "paused" && button(`Resume ${j.run}`, "play", () => command(j.run, "resume"))}
        {j.state === "running" ? button(`Stop ${j.run}`, "stop", () => remove(j)) : button(`Remove ${j.run} from the queue`, "close", () => remove(j))}</div>
      {j.state === "running" && r && <><Meter value={r.progress} label={`Progress of ${j.run}`} /><span class="mute tiny">{r.remaining !== null ? `${span(r.remaining)} left` : ""}</span></>}
      {j.text && j.state !== "waiting" && <code class="mute tiny cut">{j.text}</code>}</li>; })}</ol></section>;
}
