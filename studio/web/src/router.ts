// Addresses: /, /run/ID, /explore/ID, /own/ID, /judge/ID, /compare?runs=A,B, /start, /learn/PAGE. The state of a view that
// somebody may want to send or to come back to stands in the query.
import { useEffect, useState } from "preact/hooks";

export interface Place { view: string; id: string; query: URLSearchParams }

export function here(): Place {
  const [, view = "", ...rest] = location.pathname.split("/");
  return { view: view || "runs", id: decodeURIComponent(rest.join("/")), query: new URLSearchParams(location.search) };
}

export function address(view: string, id = "", query: Record<string, string> = {}): string {
  const q = new URLSearchParams(query).toString();
  return (view === "runs" ? "/" : `/${view}`) + (id ? `/${encodeURIComponent(id)}` : "") + (q ? `?${q}` : "");
}

// go opens a view; with replace, in the place of this one, so that back does not lead here.
export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  dispatchEvent(new Event("imago:place"));
}

// setQuery changes what the address says of the state of the view, without a step back.
export function setQuery(change: Record<string, string | null>): void {
  const q = new URLSearchParams(location.search);
  for (const [k, v] of Object.entries(change)) v === null ? q.delete(k) : q.set(k, v);
  const text = q.toString();
  if (text === location.search.slice(1)) return; // a browser that is told too often does not listen any more
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
}

export function usePlace(): Place {
  const [place, set] = useState(here);
  useEffect(() => {
    const change = (): void => set(here());
    const follow = (e: MouseEvent): void => { // links of the page do not load it anew
      const a = (e.target as Element | null)?.closest?.("a");
      if (!a || e.defaultPrevented || e.button || e.metaKey || e.ctrlKey || e.shiftKey || a.target || a.origin !== location.origin || a.hasAttribute("download") || /^\/(api|assets|v1)\//.test(a.pathname)) return;
      e.preventDefault();
      if (a.href !== location.href) go(a.pathname + a.search + a.hash);
    };
    addEventListener("popstate", change);
    addEventListener("imago:place", change);
    document.addEventListener("click", follow);
    return () => { removeEventListener("popstate", change); removeEventListener("imago:place", change); document.removeEventListener("click", follow); };
  }, []);
  return place;
}
