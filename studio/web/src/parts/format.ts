// Numbers, times and names, as a person reads them.
export function number(v: number | null | undefined, digits = 4): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return "–";
  const a = Math.abs(v);
  if (a !== 0 && (a < 1e-3 || a >= 1e7)) return v.toExponential(2).replace("e+", "e").replace("-", "−");
  const places = a >= 1000 ? 0 : Math.max(0, digits - 1 - Math.max(0, Math.floor(Math.log10(a || 1))));
  return v.toFixed(Math.min(places, 4)).replace("-", "−");
}
export const count = (n: number): string => n.toLocaleString("en").replaceAll(",", "\u2009");
export function many(n: number, one: string, more = one + "s"): string { return `${count(n)} ${n === 1 ? one : more}`; }
export function bytes(n: number | null): string {
  if (n === null) return "–";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) { n /= 1000; i++; }
  return `${n < 10 && i ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}
export function span(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  if (seconds < 1) return "< 1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const m = Math.round(seconds / 60);
  if (m < 90) return `${m} min`;
  const h = Math.floor(m / 60);
  return h < 48 ? `${h} h ${m % 60} min` : `${Math.round(h / 24)} days`;
}
export function ago(when: number): string {
  const s = (Date.now() - when) / 1000;
  if (!when) return "";
  if (s < 45) return "just now";
  if (s < 5400) return `${Math.max(1, Math.round(s / 60))} min ago`;
  if (s < 129600) return `${Math.round(s / 3600)} h ago`;
  if (s < 40 * 86400) return `${Math.round(s / 86400)} days ago`;
  return new Date(when).toLocaleDateString("en", { year: "numeric", month: "short", day: "numeric" });
}
// nice names a metric of the log.
const words: Record<string, string> = { kl: "KL", elbo: "ELBO", mmd: "MMD", tc: "TC", fid: "FID", kid: "KID", lr: "learning rate", d: "D", g: "G", mse: "MSE", bce: "BCE", ssim: "SSIM", psnr: "PSNR", recon: "reconstruction" };
export const nice = (name: string): string => name.split("_").map((w) => words[w] ?? w).join(" ");
export const plain = (id: string): string => id.replace(/^zoo:/, "");
// best says whether more is better of a metric.
export const upward = (name: string): boolean => /acc|elbo|precision|recall|coverage|density|ssim|psnr|auroc|active|bound|score/.test(name) && !/neg|error/.test(name);
