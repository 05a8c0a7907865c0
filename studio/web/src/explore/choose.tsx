// Which model: what explore, your own and learn offer when the address names none.
import { runs } from "../live";
import { plain } from "../parts/format";
import { useStore } from "../parts/store";
import { address } from "../router";

export function Choose({ view, title, text }: { view: string; title: string; text: string }) {
  const all = useStore(runs), twins = (id: string): number => /^zoo:(ae|beta-.*)$/.test(id) ? 1 : 0; // they are for Learn
  return <>
    <div class="head"><div class="grow"><h1>{title}</h1><p class="lead">{text}</p></div></div>
    {all === null ? <div class="cards" aria-busy="true">{[0, 1, 2].map((i) => <div key={i} class="bone choose-bone" />)}</div>
      : <ul class="cards choose">{[...all.values()].filter((r) => r.state !== "damaged").sort((a, b) => twins(a.id) - twins(b.id)).map((r) => <li key={r.id}><a class="card" href={address(view, r.id)}>
        {r.thumbnail ? <img class="pic" src={r.thumbnail} alt="" loading="lazy" /> : <div class="pic" />}
        <span class="in"><b class="cut">{plain(r.id)}</b><span class="small mute cut">{r.recipe} on {r.data}</span></span></a></li>)}</ul>}
  </>;
}
