// Colours for canvases: the values that the tokens of style.css have now.
import { Store } from "./store";

export const theme = new Store<"auto" | "light" | "dark">("auto");
export const themeTurn = new Store(0); // counts changes of what is drawn

let probe: HTMLElement | null = null;
const known = new Map<string, string>(); // each question lays out the styles of the page
themeTurn.follow(() => known.clear());
export function color(token: string): string {
  let c = known.get(token);
  if (c !== undefined) return c;
  if (!probe) { probe = document.createElement("i"); probe.hidden = true; document.body.append(probe); }
  probe.style.color = token.startsWith("--") ? `var(${token})` : token;
  c = getComputedStyle(probe).color;
  known.set(token, c);
  return c;
}
// seriesColor is the colour of curve i: of the class colours, those far apart first.
const far = [0, 1, 2, 9, 6, 8, 4, 3, 5, 7];
export const seriesToken = (i: number): string => `--c${far[i % far.length]}`;

export function setTheme(v: "auto" | "light" | "dark"): void {
  if (v === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = v;
  try { localStorage.setItem("imago.theme", v); } catch { /* not remembered */ }
  theme.set(v);
  themeTurn.set(themeTurn.value + 1);
}
export function beginTheme(): void {
  let v: string | null = null;
  try { v = localStorage.getItem("imago.theme"); } catch { /* not remembered */ }
  setTheme(v === "light" || v === "dark" ? v : "auto");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => themeTurn.set(themeTurn.value + 1));
  window.addEventListener("storage", (e) => { if (e.key === "imago.theme" && (e.newValue === "light" || e.newValue === "dark" || e.newValue === "auto")) setTheme(e.newValue); });
}
