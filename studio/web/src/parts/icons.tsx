// Icons, drawn on 24 by 24 with one weight of line.
const paths = {
  runs: "M4 6h16M4 12h16M4 18h10", plus: "M12 5v14M5 12h14", search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM20 20l-4.8-4.8", close: "M6 6l12 12M18 6 6 18",
  explore: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM15.5 8.5l-2 5-5 2 2-5 5-2Z", own: "M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19l-4 1ZM14.5 6.5l3 3",
  judge: "M12 4v16M7 20h10M5 8l7-2 7 2M5 8l-2.5 6a3 3 0 0 0 5 0L5 8ZM19 8l-2.5 6a3 3 0 0 0 5 0L19 8Z", learn: "M12 6c-2-1.6-5-2-8-1.5V18c3-.5 6-.1 8 1.5 2-1.6 5-2 8-1.5V4.5C17 4 14 4.4 12 6ZM12 6v13",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M18.4 5.6l-1.1 1.1M6.7 17.3l-1.1 1.1", moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z", auto: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 3v18M12 7h6M12 11h8M12 15h7.5",
  grid: "M4.5 4.5h6v6h-6zM13.5 4.5h6v6h-6zM4.5 13.5h6v6h-6zM13.5 13.5h6v6h-6z", play: "M8 5.5v13l10.5-6.5L8 5.5Z", pause: "M9 6v12M15 6v12", stop: "M7 7h10v10H7z", more: "M6 12h.01M12 12h.01M18 12h.01", copy: "M9 9h10v11H9zM15 9V4H5v11h4", check: "M5 12.5l4.5 4.5L19 7",
  alert: "M12 9v4.5M12 17h.01M12 3.5 2.5 20h19L12 3.5Z", info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5.5M12 7.5h.01", trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13", edit: "M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19l-4 1Z", tag: "M4 4h8l8 8-8 8-8-8V4ZM8 8h.01",
  compare: "M4 18 9 9l4 5 7-10M4 6l5 9 4-4 7 8", left: "M15 5l-7 7 7 7", right: "M9 5l7 7-7 7", up: "M12 19V5M6 11l6-6 6 6", folder: "M3 6.5h6l2 2.5h10v10.5H3z", file: "M6 3h8l4 4v14H6zM14 3v4h4", upload: "M12 16V5M7 9.5 12 5l5 4.5M5 19h14", zoom: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM20 20l-4.8-4.8M8 10.5h5", dice: "M5 5h14v14H5zM9 9h.01M15 15h.01M15 9h.01M9 15h.01", terminal: "M4 5h16v14H4zM7.5 9l3 3-3 3M12.5 15.5h4", keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M7 14h10", fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5", clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5l3.5 2",
} as const;
export type IconName = keyof typeof paths;
export function Icon({ name }: { name: IconName }) {
  return <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width={name === "more" ? 2.6 : 1.7} stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d={paths[name]} /></svg>;
}
