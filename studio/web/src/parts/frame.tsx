import type { ComponentChildren } from "preact";
import type { Place } from "../router";

export function Frame({ children }: { place: Place; children: ComponentChildren }) {
  return <><header><a href="/">imago studio</a></header><main id="main">{children}</main></>;
}
