// Learn: four short pages, each about one thing that is moved by hand.
import { Icon } from "../parts/icons";
import { address } from "../router";
import { Beta } from "../learn/beta";
import { Gan } from "../learn/gan";
import { Holes } from "../learn/holes";
import { Noise } from "../learn/noise";
import type { ComponentType } from "preact";
import type { ViewProps } from "../main";

const pages: { id: string; title: string; lead: string; Page: ComponentType; art: string }[] = [
  { id: "noise", title: "A draw that gradients pass", lead: "How a variational autoencoder learns through chance: z = μ + σ ε.", Page: Noise, art: "M50 50m-30 0a30 18 0 1 0 60 0a30 18 0 1 0 -60 0M50 50L68 40M68 40m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0" },
  { id: "beta", title: "Two wishes, one weight", lead: "Sharp pictures or a tidy plane: what β decides.", Page: Beta, art: "M20 70L80 70M50 70L50 30M26 38L74 26M26 38m-9 0a9 9 0 1 0 18 0M74 26m-9 0a9 9 0 1 0 18 0" },
  { id: "holes", title: "What lies between", lead: "An autoencoder beside a variational one: holes, and how they close.", Page: Holes, art: "M28 36m-9 0a9 9 0 1 0 18 0a9 9 0 1 0 -18 0M70 30m-7 0a7 7 0 1 0 14 0a7 7 0 1 0 -14 0M60 68m-12 0a12 12 0 1 0 24 0a12 12 0 1 0 -24 0M26 72m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0" },
  { id: "gan", title: "A game of two networks", lead: "A GAN in the plane, step by step: one bends a map, the other moves its points.", Page: Gan, art: "M22 30C42 14 58 14 78 30M78 70C58 86 42 86 22 70M78 30l-3 -11M78 30l-11 -1M22 70l3 11M22 70l11 1" },
];

export default function Learn({ place }: ViewProps) {
  const i = pages.findIndex((p) => p.id === place.id), page = pages[i];
  if (!page) return <><div class="head"><div class="grow"><h1>Learn</h1><p class="lead">Four ideas that generative models stand on. Each is a page with something to move.</p></div></div>
    <ol class="cards l-cards">{pages.map((p, k) => <li key={p.id}><a class="card" href={address("learn", p.id)}><svg viewBox="0 0 100 100" aria-hidden="true"><path d={p.art} /></svg><span class="in"><span class="small mute">{k + 1}</span><b class="l-title">{p.title}</b><span class="dim">{p.lead}</span></span></a></li>)}</ol></>;
  const before = pages[i - 1], after = pages[i + 1];
  return <article class="l-page"><div class="head"><div class="grow"><p class="small mute"><a href="/learn">Learn</a> · {i + 1} of {pages.length}</p><h1>{page.title}</h1><p class="lead">{page.lead}</p></div></div>
    <page.Page />
    <nav class="row l-nav" aria-label="Pages of Learn">{before && <a class="btn quiet" href={address("learn", before.id)}><Icon name="left" />{before.title}</a>}{after && <a class="btn end" href={address("learn", after.id)}>{after.title}<Icon name="right" /></a>}</nav></article>;
}
