// The search, the menu and the buttons that copy. It needs no server: the words of all sections are in words.js.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const menu = $("menu"), wide = matchMedia("(min-width: 761px)");
  const unfold = () => { menu.open = wide.matches; };
  wide.addEventListener("change", unfold);
  unfold();

  for (const pre of document.querySelectorAll("main pre")) {
    const button = document.createElement("button");
    button.type = "button"; button.className = "copy"; button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(pre.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    pre.append(button);
    pre.tabIndex = 0; // a wide one is scrolled by keys
  }

  const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}_:-]+/gu) || [];
  const sections = (globalThis.imagoWords || []).map((s) => ({ ...s, title: s.t.toLowerCase(), page: s.p.toLowerCase(), text: s.x.toLowerCase() }));

  // find returns the sections that have the beginnings of all words, the best first: a word counts more in a heading, a phrase
  // more than its words apart.
  function find(query) {
    const words = wordsOf(query), phrase = words.join(" ");
    if (!words.length) return [];
    const found = [];
    for (const s of sections) {
      let score = 0, all = true;
      for (const w of words) {
        const start = new RegExp(`(?:^|[^\\p{L}\\p{N}])${w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`, "gu");
        const here = (s.text.match(start) || []).length, title = start.test(s.title) ? 1 : 0;
        start.lastIndex = 0;
        const page = start.test(s.page) ? 1 : 0;
        if (!here && !title && !page) { all = false; break; }
        score += Math.min(here, 5) + 12 * title + 6 * page;
      }
      if (!all) continue;
      if (words.length > 1 && (s.title + " " + s.text).includes(phrase)) score += 20;
      found.push({ ...s, score });
    }
    return found.sort((a, b) => b.score - a.score).slice(0, 12);
  }

  // excerpt returns the text around the first of the words, with all of them marked.
  function excerpt(section, words) {
    const at = Math.max(0, Math.min(...words.map((w) => section.text.indexOf(w)).filter((i) => i >= 0), section.x.length) - 60);
    const from = at ? section.x.indexOf(" ", at) + 1 : 0, text = (from ? "… " : "") + section.x.slice(from, from + 180) + (section.x.length > from + 180 ? " …" : "");
    const span = document.createElement("span"), marks = new RegExp(`(${words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "giu");
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
