// The search, the menu and the buttons that copy. It needs no server: the words of all sections are in words.js.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const menu = $("menu"), wide = matchMedia("(min-width: 761px)");
  const unfold = () => { menu.open = wide.matches; };
  wide.addEventListener("change", unfold);
  unfold();

  const copyIcon = "M9 9h11v11H9zM5 15H4V4h11v1", doneIcon = "M5 12l5 5L20 7"; // paths in 24x24
  for (const pre of document.querySelectorAll("main pre")) {
    const button = document.createElement("button");
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS(icon.namespaceURI, "path");
    const show = (d, label) => { path.setAttribute("d", d); button.setAttribute("aria-label", label); button.title = label; };
    icon.setAttribute("viewBox", "0 0 24 24");
    icon.append(path);
    button.type = "button"; button.className = "copy";
    button.append(icon);
    show(copyIcon, "Copy");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(pre.querySelector("code").textContent);
      show(doneIcon, "Copied");
      setTimeout(show, 1500, copyIcon, "Copy");
    });
    pre.after(button); // beside the lines, over none
  }

  const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}_:-]+/gu) || [];
  const pattern = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace("beta", "(?:beta|β)");
  const sections = (globalThis.imagoWords || []).map((s) => ({ ...s, title: (s.t || s.p).toLowerCase(), page: s.p.toLowerCase(), text: s.x.toLowerCase() }));

  // find returns the sections that have the beginnings of all words, the best first: a word counts more in a heading, a whole
  // word more than a beginning, a phrase more than its words apart. The index only leads to the other pages.
  function find(query) {
    const words = wordsOf(query);
    if (!words.length) return [];
    const start = "(?<![\\p{L}\\p{N}])", end = "(?![\\p{L}\\p{N}])";
    const phrase = new RegExp(start + words.map(pattern).join("[^\\p{L}\\p{N}]+") + end, "gu");
    const tests = words.map((w) => ({ whole: new RegExp(start + pattern(w) + end, "gu"), begin: new RegExp(start + pattern(w), "gu") }));
    const count = (text, t) => ((text.match(t.begin) || []).length + (text.match(t.whole) || []).length) / 2;
    const found = [];
    for (const s of sections) {
      let score = 0, all = true;
      for (const t of tests) {
        const text = count(s.text, t), title = count(s.title, t), page = count(s.page, t);
        if (!text && !title && !page) { all = false; break; }
        score += Math.min(text, 5) + 12 * Math.min(title, 1) + 6 * Math.min(page, 1);
      }
      if (!all) continue;
      if (words.length > 1) for (const text of [s.title, s.text]) score += 12 * Math.min((text.match(phrase) || []).length, 3);
      found.push({ ...s, score: s.a.startsWith("index.html") ? score / 4 : score });
    }
    return found.sort((a, b) => b.score - a.score).slice(0, 12);
  }

  // excerpt returns the text around the first of the words, with all of them marked.
  function excerpt(section, words) {
    const marks = new RegExp(`(${words.map(pattern).join("|")})`, "giu"), at = Math.max(0, section.x.search(marks) - 60);
    const from = at ? section.x.indexOf(" ", at) + 1 : 0, text = (from ? "… " : "") + section.x.slice(from, from + 180) + (section.x.length > from + 180 ? " …" : "");
    const span = document.createElement("span");
    text.split(marks).forEach((part, i) => {
      if (i % 2) { const m = document.createElement("mark"); m.textContent = part; span.append(m); } else span.append(part);
    });
    return span;
  }

  const query = $("query"), found = $("found");
  function show() {
    const words = wordsOf(query.value), hits = find(query.value);
    found.hidden = !words.length;
    found.replaceChildren(...hits.map((s) => {
      const a = document.createElement("a"), b = document.createElement("b");
      a.href = s.a;
      b.textContent = s.t ? `${s.p} · ${s.t}` : s.p;
      a.append(b, excerpt(s, words));
      return a;
    }));
    if (words.length && !hits.length) {
      const p = document.createElement("p");
      p.textContent = "No page has these words.";
      found.append(p);
    }
  }
  query.addEventListener("input", show);
  query.addEventListener("focus", show);
  $("search").addEventListener("submit", (e) => { e.preventDefault(); const first = found.querySelector("a"); if (first) first.click(); });
  document.addEventListener("keydown", (e) => {
    const links = [...found.querySelectorAll("a")], at = links.indexOf(document.activeElement);
    if (e.key === "/" && document.activeElement !== query) { e.preventDefault(); query.focus(); query.select(); }
    else if (e.key === "Escape" && !found.hidden) { found.hidden = true; query.blur(); }
    else if (!found.hidden && e.key === "ArrowDown") { e.preventDefault(); (links[at + 1] || links[0])?.focus(); }
    else if (!found.hidden && e.key === "ArrowUp") { e.preventDefault(); (links[at - 1] || query).focus(); }
  });
  document.addEventListener("pointerdown", (e) => { if (!found.contains(e.target) && e.target !== query) found.hidden = true; });
  found.addEventListener("click", () => { found.hidden = true; });
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) { query.value = asked; query.focus(); show(); }
})();
