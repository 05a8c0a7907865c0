// The page of a trained model: what the reader points at, chooses, types or draws becomes an input of the model, and the
// canvases show what it computes.
(async () => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const wish = new URLSearchParams(location.hash.slice(1)); // #kernels=plain and #seed=7

  function trouble(text) {
    $("trouble").textContent = text;
    $("trouble").hidden = false;
  }

  // inflate returns a text that is compressed.
  const inflate = (bytes) => new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();

  let about, machine;
  try {
    const text = $("model").textContent;
    about = JSON.parse(text.startsWith("{") ? text : await inflate(imago.bytesOf(text)));
    machine = await imago.load(about.program, imago.bytesOf($("weights").textContent), about.half, wish.get("kernels"));
  } catch (e) {
    trouble("This browser cannot run the model: " + e.message + ". A newer one, or one with more memory, can.");
    return;
  }
  $("weights").remove();

  // --- Pictures.

  const [H, W, C] = about.shape;

  // paint draws values in [0, 1] on a canvas of the size of a picture.
  function paint(canvas, values) {
    if (canvas.width !== W || canvas.height !== H) {
      canvas.width = W; canvas.height = H;
      canvas.classList.toggle("sharp", Math.max(H, W) <= 40);
    }
    const context = canvas.getContext("2d"), image = context.createImageData(W, H);
    for (let i = 0; i < H * W; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * values[C * i + (C === 3 ? c : 0)] + 0.5;
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  const number = (v) => v.toFixed(2).replace("-", "−");

  // --- Labels: one of the classes, or any of the attributes.

  const labels = new Float32Array(about.labels.length);
  if (labels.length) {
    labels[0] = about.attributes ? 0 : 1;
    $("labels").hidden = false;
    about.labels.forEach((name, k) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.textContent = name;
      chip.setAttribute("aria-pressed", String(labels[k] === 1));
      chip.addEventListener("click", () => {
        const on = about.attributes ? 1 - labels[k] : 1;
        if (!about.attributes) labels.fill(0);
        labels[k] = on;
        [...$("labels").children].forEach((other, i) => other.setAttribute("aria-pressed", String(labels[i] === 1)));
        decode();
        drawTiles();
        if (own) reconstruct(own);
      });
      $("labels").append(chip);
    });
  }

  // --- Codes.

  const Z = about.latent, z = new Float32Array(Z), canDecode = machine.has("decode");
  const [X, Y] = about.plane;
  const sliders = [];
  let waiting = false;

  // decode shows the picture of the code, once a frame.
  function decode() {
    if (!canDecode || waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      showPicture();
      drawPlane();
    });
  }

  function showPicture() {
    paint($("picture"), machine.run("decode", { z, labels }).image);
    const text = Z <= 2 ? Array.from(z, number).join(", ") : `z[${X}] ${number(z[X])}, z[${Y}] ${number(z[Y])}`;
    $("code").textContent = Z <= 2 ? `code (${text})` : text;
    $("picture").setAttribute("aria-label", `Picture decoded from ${text}`);
    for (const { unit, slider, value } of sliders) {
      slider.value = z[unit];
      value.textContent = number(z[unit]);
    }
  }

  const reach = about.reach; // the plane and the sliders show codes from −reach to reach

  function addSlider(unit, to) {
    const row = document.createElement("div"), label = document.createElement("label"), slider = document.createElement("input"), value = document.createElement("output");
    row.className = "unit";
    slider.type = "range"; slider.min = -reach; slider.max = reach; slider.step = reach / 200; slider.id = "unit-" + unit;
    label.htmlFor = value.htmlFor = slider.id;
    label.textContent = `z[${unit}]`;
    slider.addEventListener("input", () => { z[unit] = slider.valueAsNumber; decode(); });
    row.append(label, slider, value);
    to.append(row);
    sliders.push({ unit, slider, value });
  }

  // --- The plane.

  const plane = $("plane"), points = about.points && readPoints(about.points);
  let showPoints = !!points, showPictures = false, mosaic = null;

  function readPoints({ at, labels }) { // two numbers of 16 bits for each point, from −reach to reach
    const b = imago.bytesOf(at), view = new DataView(b.buffer), n = b.length / 4, l = labels && new DataView(imago.bytesOf(labels).buffer);
    return Array.from({ length: n }, (_, i) => [view.getInt16(4 * i, true) / 32767 * reach, view.getInt16(4 * i + 2, true) / 32767 * reach, l ? l.getUint16(2 * i, true) : -1]);
  }

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // color returns the colour of a class, lighter on a dark page.
  function color(k) {
    const c = about.colors[k];
    if (!c) return style("--soft");
    const lift = (v) => Math.round(dark.matches ? v + (255 - v) * 0.4 : v);
    return `rgb(${lift(c[0])} ${lift(c[1])} ${lift(c[2])})`;
  }

  function drawPlane() {
    if (!canDecode || Z < 2) return;
    const side = Math.round(plane.clientWidth * devicePixelRatio) || 1, unit = side / (2 * reach);
    if (plane.width !== side) plane.width = plane.height = side;
    const c = plane.getContext("2d"), x = (v) => (v + reach) * unit, y = (v) => (reach - v) * unit;
    c.fillStyle = style("--card");
    c.fillRect(0, 0, side, side);
    if (showPictures) c.drawImage(pictures(), 0, 0, side, side);
    c.lineWidth = devicePixelRatio;
    c.strokeStyle = style("--line");
    if (!showPictures) {
      for (let v = -Math.floor(reach); v <= reach; v++) {
        c.beginPath(); c.moveTo(x(v), 0); c.lineTo(x(v), side); c.moveTo(0, y(v)); c.lineTo(side, y(v)); c.stroke();
      }
      c.strokeStyle = style("--edge");
      c.beginPath(); c.moveTo(x(0), 0); c.lineTo(x(0), side); c.moveTo(0, y(0)); c.lineTo(side, y(0)); c.stroke();
    }
    if (showPoints) {
      const r = Math.max(1.5, side / 220);
      for (const [px, py, k] of points) {
        c.fillStyle = color(k);
        c.globalAlpha = 0.75;
        c.beginPath(); c.arc(x(px), y(py), r, 0, 7); c.fill();
      }
      c.globalAlpha = 1;
    }
    const at = [x(z[X]), y(z[Y])], r = 7 * devicePixelRatio;
    for (const [stroke, width] of [[style("--card"), 5], [style("--accent"), 2.5]]) {
      c.strokeStyle = stroke; c.lineWidth = width * devicePixelRatio;
      c.beginPath(); c.arc(...at, r, 0, 7); c.stroke();
    }
  }

  // pictures returns a canvas of the decoded pictures of a grid of the plane: of other units the values that they have.
  function pictures() {
    const key = [...z].map((v, u) => u === X || u === Y ? "" : v).join() + labels.join();
    if (mosaic && mosaic.key === key) return mosaic.canvas;
    const n = Math.max(6, Math.min(20, Math.floor(560 / Math.max(H, W)))), all = document.createElement("canvas"), one = document.createElement("canvas");
    all.width = n * W; all.height = n * H;
    const code = Float32Array.from(z);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        code[X] = reach * (2 * (j + 0.5) / n - 1);
        code[Y] = reach * (1 - 2 * (i + 0.5) / n);
        paint(one, machine.run("decode", { z: code, labels }).image);
        all.getContext("2d").drawImage(one, j * W, i * H);
      }
    }
    mosaic = { key, canvas: all };
    return all;
  }

  function explore() {
    $("explore").hidden = false;
    $("explore-text").textContent = about.text.explore;
    const order = about.order;
    if (Z < 2) {
      document.querySelector(".plane-card").remove();
      document.querySelector(".pair").classList.add("no-plane");
    }
    $("units").classList.toggle("many", order.length > 2);
    order.slice(0, 12).forEach((u) => addSlider(u, $("units")));
    if (order.length > 12) {
      const more = document.createElement("details"), title = document.createElement("summary"), rest = document.createElement("div");
      title.textContent = `${order.length - 12} more units`;
      rest.className = "units many";
      order.slice(12).forEach((u) => addSlider(u, rest));
      more.append(title, rest);
      $("units").append(more);
    }
    const buttons = document.createElement("div");
    buttons.className = "tools";
    for (const [text, fill] of [["Centre", () => 0], ["Random", () => {
      let u = 0;
      while (!u) u = Math.random();
      return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * Math.random());
    }]]) {
      const b = document.createElement("button");
      b.type = "button"; b.textContent = text;
      b.addEventListener("click", () => { for (let u = 0; u < Z; u++) z[u] = fill(); decode(); });
      buttons.append(b);
    }
    $("units").append(buttons);
    if (Z >= 2) {
      const point = (e) => {
        const box = plane.getBoundingClientRect();
        z[X] = reach * (2 * (e.clientX - box.left) / box.width - 1);
        z[Y] = reach * (1 - 2 * (e.clientY - box.top) / box.height);
        decode();
      };
      plane.addEventListener("pointermove", point);
      plane.addEventListener("pointerdown", point);
      plane.addEventListener("keydown", (e) => {
        const step = (e.shiftKey ? 0.5 : 0.1), moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }, m = moves[e.key];
        if (!m) return;
        e.preventDefault();
        z[X] = Math.max(-reach, Math.min(reach, z[X] + m[0]));
        z[Y] = Math.max(-reach, Math.min(reach, z[Y] + m[1]));
        decode();
      });
      plane.setAttribute("aria-label", `Plane of units ${X} and ${Y}: the arrow keys move the point whose picture is shown`);
      const toggle = (id, change) => $(id).addEventListener("click", () => { $(id).setAttribute("aria-pressed", String(change())); drawPlane(); });
      toggle("show-points", () => showPoints = !showPoints);
      toggle("show-pictures", () => showPictures = !showPictures);
      if (!points) $("show-points").remove();
      addEventListener("resize", drawPlane);
    }
    legend();
    showPicture();
    drawPlane();
  }

  function legend() {
    const most = 20, classes = points && about.points.labels ? about.classes : [];
    $("legend").replaceChildren(...classes.slice(0, most).map((name, k) => {
      const entry = document.createElement("span"), dot = document.createElement("i");
      dot.style.setProperty("--dot", color(k));
      entry.append(dot, name);
      return entry;
    }));
    if (classes.length > most) $("legend").append(`and ${classes.length - most} more`);
  }
  dark.addEventListener("change", () => { legend(); drawPlane(); });

  // --- Draws: the pictures that imago sample makes of a seed.

  // draw returns picture i of a seed, and its code if it is decoded from one.
  function draw(seed, i) {
    const key = imago.split(imago.seeded(seed), "sample");
    if (about.sampler) return { image: machine.run("sample", { key: imago.at(key, 0), labels }, i).image };
    const code = imago.normal(key, i * Z, new Float32Array(Z));
    return { code, image: machine.run("decode", { z: code, labels }).image };
  }

  let drawing = 0;
  function drawTiles() {
    if ($("draws").hidden) return;
    const seed = BigInt(Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, Math.floor($("seed").valueAsNumber || 0)))), turn = ++drawing;
    const next = (i) => { // a tile a task: the page stays responsive with a slow sampler
      if (turn !== drawing || i === about.draws) return;
      const tile = $("tiles").children[i], made = draw(seed, i);
      tile.code = made.code;
      paint(tile.querySelector("canvas"), made.image);
      setTimeout(next, 0, i + 1);
    };
    next(0);
  }

  function startDraws() {
    $("draws").hidden = false;
    $("draws-text").textContent = about.text.draws;
    for (let i = 0; i < about.draws; i++) {
      const tile = document.createElement(about.sampler ? "div" : "button"), canvas = document.createElement("canvas");
      tile.className = "tile";
      if (about.sampler) {
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `Draw ${i + 1}`);
      } else {
        tile.type = "button";
        tile.setAttribute("aria-label", `Explore from draw ${i + 1}`);
        tile.addEventListener("click", () => { z.set(tile.code); decode(); $("explore").scrollIntoView(); });
      }
      tile.append(canvas);
      $("tiles").append(tile);
    }
    if (/^\d+$/.test(wish.get("seed") || "")) $("seed").value = wish.get("seed");
    $("seed").addEventListener("input", drawTiles);
    $("next-seed").addEventListener("click", () => { $("seed").valueAsNumber = ($("seed").valueAsNumber || 0) + 1; drawTiles(); });
    drawTiles();
  }

  // --- A picture of the reader's: drawn, chosen, dropped or pasted.

  let own = null;

  function reconstruct(values) {
    own = values;
    paint($("seen"), values);
    const given = { x: values, labels };
    paint($("rebuilt"), machine.run("reconstruct", given).image);
    if (!machine.has("encode")) return;
    const mean = Float32Array.from(machine.run("encode", given).mean);
    $("own-code").textContent = "Its code: " + Array.from(mean.slice(0, 16), number).join(", ") + (mean.length > 16 ? " …" : "");
    if (canDecode && mean.length === Z) { z.set(mean); decode(); }
  }

  // valuesOf returns the values of a canvas or a picture as an item: its middle square, or rectangle, at the size of the model.
  function valuesOf(source, width, height) {
    const scale = Math.min(width / W, height / H), canvas = document.createElement("canvas");
    canvas.width = W; canvas.height = H;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    let from = source, w = width, h = height, size = scale;
    while (size > 2) { // by halves: a browser reads but a few pixels for each of a small picture
      const half = document.createElement("canvas");
      half.width = w = Math.ceil(w / 2); half.height = h = Math.ceil(h / 2); size /= 2;
      half.getContext("2d").drawImage(from, 0, 0, w, h);
      from = half;
    }
    context.drawImage(from, (w - size * W) / 2, (h - size * H) / 2, size * W, size * H, 0, 0, W, H);
    const { data } = context.getImageData(0, 0, W, H), values = new Float32Array(H * W * C);
    for (let i = 0; i < H * W; i++) {
      const [r, g, b] = [data[4 * i] / 255, data[4 * i + 1] / 255, data[4 * i + 2] / 255];
      if (C === 3) values.set([r, g, b], 3 * i);
      else values[i] = 0.299 * r + 0.587 * g + 0.114 * b;
    }
    return values;
  }

  async function readFile(file) {
    if (!file) return;
    try {
      const image = await createImageBitmap(file);
      reconstruct(valuesOf(image, image.width, image.height));
    } catch {
      trouble(`${file.name || "What was given"} is no picture that this browser can read: choose a PNG or JPEG.`);
    }
  }

  function startOwn() {
    $("own").hidden = false;
    $("own-text").textContent = about.text.own;
    for (const id of ["seen", "rebuilt"]) paint($(id), new Float32Array(H * W * C));
    const pad = $("pad"), side = 10 * Math.max(H, W);
    pad.width = side; pad.height = side;
    const ink = pad.getContext("2d");
    ink.lineCap = ink.lineJoin = "round";
    ink.strokeStyle = "#fff";
    ink.lineWidth = side / 13;
    let last = null;
    const clear = () => { ink.fillStyle = "#000"; ink.fillRect(0, 0, side, side); };
    const at = (e) => {
      const box = pad.getBoundingClientRect();
      return [(e.clientX - box.left) / box.width * side, (e.clientY - box.top) / box.height * side];
    };
    pad.addEventListener("pointerdown", (e) => { pad.setPointerCapture(e.pointerId); last = at(e); });
    pad.addEventListener("pointermove", (e) => {
      if (!last) return;
      const to = at(e);
      ink.beginPath(); ink.moveTo(...last); ink.lineTo(...to); ink.stroke();
      last = to;
      reconstruct(valuesOf(pad, side, side));
    });
    for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => last = null);
    $("clear").addEventListener("click", () => { clear(); reconstruct(valuesOf(pad, side, side)); });
    clear();
    if (C === 3) { // a line is no photograph
      $("pad-card").remove();
      $("clear").remove();
    }
    $("photograph").addEventListener("change", (e) => readFile(e.target.files[0]));
    const drop = (e) => { e.preventDefault(); $("own").classList.toggle("over", e.type === "dragover"); };
    for (const kind of ["dragover", "dragleave", "drop"]) addEventListener(kind, drop);
    addEventListener("drop", (e) => readFile(e.dataTransfer.files[0]));
    addEventListener("paste", (e) => readFile(e.clipboardData.files[0]));
  }

  if (canDecode) explore();
  if (about.draws) startDraws();
  if (machine.has("reconstruct")) startOwn();

  const kinds = { relaxed: "WebAssembly with fused multiply-adds", simd: "WebAssembly", plain: "JavaScript, as WebAssembly is not available" };
  $("machine").textContent = `Computed on this device by ${kinds[machine.kind]}. Nothing is sent anywhere.`;
  globalThis.imagoPage = { machine, draw: (seed, i) => Array.from(draw(BigInt(seed), i).image), kind: machine.kind }; // for those who look behind it
  document.documentElement.dataset.ready = machine.kind;
})();
