// Terms, explained where they stand.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

const docs = "https://github.com/imago-ml/imago/blob/main/docs/";
const terms: Record<string, [title: string, text: string, page?: string]> = {
  latent: ["Latent space", "The few numbers into which a model packs a picture. Every point of it can be turned back into a picture."],
  code: ["Code", "The point of the latent space that stands for one picture."],
  kl: ["KL divergence", "How many nats a code tells about its picture, beyond what the prior knows. A unit at 0 tells nothing: it has collapsed."],
  fid: ["FID", "Fréchet distance between generated and real pictures, in the features of a classifier. Lower is better; compare only numbers of the same protocol."],
  epoch: ["Epoch", "One pass over all training items."],
  step: ["Step", "One batch, and the updates made from it."],
  logVar: ["Log-variance", "The logarithm of how uncertain the encoder is about each unit of a code."],
  beta: ["β", "Weight of the KL in the loss. Large: tidy latent space, blurred pictures. Small: sharp pictures, holes between them."],
  elbo: ["ELBO", "A lower bound of the log-probability of the data. Higher is better."],
  loss: ["Loss", "What training makes smaller. Of a VAE: reconstruction plus β times KL, in nats a picture."],
  recon: ["Reconstruction", "How badly the decoded picture fits the one that was encoded, in nats."],
  prior: ["Prior", "How codes are distributed before a picture is seen: a normal distribution around 0, unless the model has its own."],
  seed: ["Seed", "The number that all chance comes from. The same seed always gives the same picture."],
  gan: ["GAN", "Two networks in a game: a generator makes pictures, a discriminator tells them from real ones."],
  dacc: ["Accuracy of D", "How often the discriminator is right. Near 50 % it is fooled; at 100 % the generator gets no help from it."],
  checkpoint: ["Checkpoint", "The weights of the model at one moment of its training, kept in the folder of the run."],
  smoothing: ["Smoothing", "A running mean over the lines of the log. The pale line is what was measured."],
  interval: ["Interval", "Repeated measurements would fall within it 95 times out of 100."],
  memorised: ["Memorised", "A generated picture that is nearer to a training picture than pictures of the test set are."],
  anomaly: ["Anomaly score", "How badly the model can tell this picture with what it learned. High: unlike the training items."],
  cluster: ["Cluster", "A group of codes that the model keeps together, found without labels."],
  batch: ["Batch", "The items that one step sees together."],
  lr: ["Learning rate", "How far a step moves the weights."],
};

export type Term = keyof typeof terms;
export function Term({ of, children }: { of: string; children: ComponentChildren }) {
  const [at, set] = useState<{ x: number; y: number; up: boolean } | null>(null);
  const ref = useRef<HTMLButtonElement>(null), tip = useRef<HTMLDivElement>(null), id = useId();
  const t = terms[of];
  useEffect(() => {
    if (!at) return;
    tip.current?.showPopover?.();
    const close = (): void => set(null);
    addEventListener("scroll", close, { passive: true, capture: true });
    const key = (e: KeyboardEvent): void => { if (e.key === "Escape") set(null); };
    window.addEventListener("keydown", key);
    return () => { removeEventListener("scroll", close, { capture: true }); window.removeEventListener("keydown", key); };
  }, [at]);
  if (!t) return <>{children}</>;
  const show = (): void => {
    const b = ref.current!.getBoundingClientRect();
    set({ x: Math.max(8, Math.min(b.left, innerWidth - 360)), y: b.bottom + 8 > innerHeight - 150 ? innerHeight - b.top + 8 : b.bottom + 8, up: b.bottom + 8 > innerHeight - 150 });
  };
  return <span onPointerLeave={() => set(null)} onFocusOut={(e) => { if (!e.currentTarget.contains(e.relatedTarget as Node | null)) set(null); }}>
    <button ref={ref} type="button" class="term" aria-describedby={at ? id : undefined} onPointerEnter={(e) => { if (e.pointerType === "mouse") show(); }} onFocus={show} onClick={show}>{children}</button>
    {at && <div ref={tip} id={id} role="tooltip" popover="manual" class="tip" style={at.up ? { left: `${at.x}px`, bottom: `${at.y}px` } : { left: `${at.x}px`, top: `${at.y}px` }}>
      <b>{t[0]}</b>{t[1]} <a href={docs + (t[2] ?? "glossary.md")} target="_blank" rel="noreferrer">More</a></div>}
  </span>;
}
// termOf names the term that explains a metric, or "".
export function termOf(metric: string): string {
  if (/kl/.test(metric)) return "kl";
  if (/fid|kid/.test(metric)) return "fid";
  if (/recon/.test(metric)) return "recon";
  if (/elbo|bound|iwae/.test(metric)) return "elbo";
  if (/acc/.test(metric)) return "dacc";
  return /loss/.test(metric) ? "loss" : "";
}
