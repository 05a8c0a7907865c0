// The page: a frame, and the view of its address. A view is one row of the table; it is loaded when it is opened.
import { render, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Place, usePlace } from "./router";
import { begin } from "./live";
import { beginTheme } from "./parts/color";
import { beginKeys } from "./parts/keys";
import { Frame } from "./parts/frame";
import { complain } from "./parts/toast";
import "./style.css";
import "./views/explore.css";
import "./views/own.css";
import "./views/learn.css";

export interface ViewProps { place: Place }
type View = () => Promise<{ default: ComponentType<ViewProps> }>;

const views: Record<string, View> = {
  explore: () => import("./views/explore"),
  own: () => import("./views/own"),
  learn: () => import("./views/learn"),
  runs: () => import("./views/runs"),
  run: () => import("./views/run"),
  compare: () => import("./views/compare"),
  start: () => import("./views/start"),
  judge: () => import("./views/judge"),
};

function Page() {
  const place = usePlace();
  const [view, setView] = useState<{ name: string; View: ComponentType<ViewProps> } | null>(null);
  useEffect(() => {
    let gone = false;
    const load = views[place.view] ?? views["runs"]!;
    void load().then((m) => { if (!gone) setView({ name: place.view, View: m.default }); }, complain);
    return () => { gone = true; };
  }, [place.view]);
  return <Frame place={place}>{view && view.name === place.view ? <view.View key={`${place.view}/${place.id}`} place={place} /> : null}</Frame>;
}

beginTheme();
beginKeys();
begin();
render(<Page />, document.getElementById("app")!);
