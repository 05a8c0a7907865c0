// wordsOf splits a command line as a shell does: quotes and backslashes, nothing else.
export function wordsOf(line: string): string[] {
  const out: string[] = [];
  let word = "", open = false, quote = "";
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quote) { if (c === quote) quote = ""; else if (c === "\\" && quote === '"') word += line[++i] ?? ""; else word += c; }
    else if (c === "'" || c === '"') { quote = c; open = true; }
    else if (c === "\\") { word += line[++i] ?? ""; open = true; }
    else if (/\s/.test(c)) { if (open) out.push(word); word = ""; open = false; }
    else { word += c; open = true; }
  }
  if (open) out.push(word);
  return out;
}

// wantedOf reads recipe, data and options out of the command line of a training. A flag without a value is a switch.
export function wantedOf(line: string, switches: ReadonlySet<string>): { recipe: string; data: string; options: Record<string, string> } | null {
  const w = wordsOf(line);
  if (w[1] !== "train") return null;
  const found = { recipe: "", data: "", options: {} as Record<string, string> };
  for (let i = 2; i < w.length; i++) {
    const m = /^--([\w-]+)(?:=([\s\S]*))?$/.exec(w[i]!);
    if (!m) { found.recipe ||= w[i]!; continue; }
    const value = m[2] ?? (switches.has(m[1]!) || w[i + 1]?.startsWith("--") || i + 1 === w.length ? "true" : w[++i]!);
    if (m[1] === "config" || m[1] === "resume") return null;
    if (m[1] === "data") found.data = value;
    else if (m[1] !== "out" && m[1] !== "name") found.options[m[1]!] = value;
  }
  return found;
}
