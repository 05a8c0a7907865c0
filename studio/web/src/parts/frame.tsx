// What stands around every view.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Place, go } from "../router";
import { connection, runs } from "../live";
import { setTheme, theme } from "./color";
import { plain } from "./format";
import { Icon, type IconName } from "./icons";
import { KeySheet, sheetOpen, useKeys } from "./keys";
import { useSelected, useStore } from "./store";
import { Toasts, undo } from "./toast";

const places: [view: string, word: string, icon: IconName, title: string][] = [
  ["runs", "Runs", "runs", "Runs"], ["explore", "Explore", "explore", "Explore"], ["own", "Your own", "own", "Your own pictures"], ["judge", "Judge", "judge", "Judge"], ["learn", "Learn", "learn", "Learn"], ["start", "Start", "plus", "Start a training"],
];
const titles: Record<string, string> = { ...Object.fromEntries(places.map((p) => [p[0], p[3]])), run: "Run", compare: "Compare" };

// subject is the run that explore, own and judge open: the one of this page, or the one looked at last.
let subject = "";
function to(view: string, place: Place): string {
  if (view === "runs") return "/";
  if (place.id && place.view !== "learn") subject = place.id;
  const id = subject && runs.value?.has(subject) ? subject : "";
  return (view === "explore" || view === "own" || view === "judge") && id ? `/${view}/${encodeURIComponent(id)}` : `/${view}`;
}

export function Frame({ place, children }: { place: Place; children: ComponentChildren }) {
  const state = useStore(connection), look = useStore(theme), main = useRef<HTMLElement>(null), first = useRef(true);
  useSelected(runs, (map) => map?.has(subject) ?? false);
  const at = place.view === "run" || place.view === "compare" ? "runs" : place.view;
  useKeys("Everywhere", [
    ...places.map(([view, , , title]) => ({ keys: `g ${view === "runs" ? "r" : view === "own" ? "o" : view[0]}`, text: title, act: () => go(to(view, place)) })),
    { keys: "t", text: "Light, dark, as the system", act: () => setTheme(look === "auto" ? "light" : look === "light" ? "dark" : "auto") },
    { keys: "z", text: "Undo, while it is offered", act: undo },
    { keys: "?", text: "This sheet", act: () => sheetOpen.set(true) },
  ]);
  useEffect(() => {
    document.title = `${place.id ? plain(place.id) + " · " : ""}${titles[place.view] ?? "Runs"} · imago studio`;
    if (first.current) { first.current = false; return; }
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [place.view, place.id]);
  return <>
    <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>Skip to the content</a>
    <header class="bar">
      <a class="brand" href="/" aria-label="imago studio, runs"><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" fill="#0e4489" /><circle cx="11" cy="12" r="3" fill="#8ab8f5" /><circle cx="21" cy="10" r="2" fill="#fff" /><circle cx="19" cy="21" r="4" fill="#fff" /><circle cx="9.5" cy="22" r="2" fill="#8ab8f5" /></svg>imago</a>
      <nav class="nav" aria-label="Views">{places.map(([view, word, icon]) => <a key={view} href={to(view, place)} aria-current={at === view ? "page" : undefined}><Icon name={icon} />{word}</a>)}</nav>
      <span class="end" />
      <span class="link" role="status" aria-live="polite">{state === "lost" ? <span class="row bad"><i class="dot beat" />The studio does not answer</span> : state === "live" ? <span class="hide">Connected</span> : null}</span>
      <button type="button" class="btn quiet icon" aria-label={`Theme: ${look === "auto" ? "as the system" : look}`} title="Light, dark, as the system (t)" onClick={() => setTheme(look === "auto" ? "light" : look === "light" ? "dark" : "auto")}><Icon name={look === "auto" ? "auto" : look === "light" ? "sun" : "moon"} /></button>
      <button type="button" class="btn quiet icon keys-button" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={() => sheetOpen.set(true)}><Icon name="keyboard" /></button>
    </header>
    <main id="main" tabIndex={-1} ref={main}>{children}</main>
    <Toasts /><KeySheet />
  </>;
}
