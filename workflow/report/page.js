"use strict";
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// A link to closed details opens them.
function open() {
  let node = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const target = node;
  for (; node; node = node.parentElement) {
    if (node.tagName === "DETAILS") node.open = true;
    node.hidden = false;
    node.classList?.remove("none");
  }
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", open);

// Filters: by statement, density and verdict.
const filters = find("#filters");
function filter() {
  const { part, subject, verdict } = Object.fromEntries(new FormData(filters));
  let shown = 0;
  const parts = all("section.part");
  for (const section of parts) {
    const { verdicts, subjects } = section.dataset;
    section.hidden = (part && section.id !== part)
      || (verdict && !verdicts.split("|").includes(verdict))
      || (subject && !subjects.includes(`|${subject}|`));
    shown += !section.hidden;
  }
  for (const node of all("[data-subjects]:not(section)")) {
    const { subjects } = node.dataset;
    node.hidden = subject && subjects && !subjects.includes(`|${subject}|`);
  }
  for (const whole of all(".some")) {
    whole.classList.toggle("none", all("[data-subjects]", whole).every(one => one.hidden));
  }
  for (const select of all(".explore [name=density]")) {
    if (!find(`[value="${subject || "-"}"]`, select) || select.value === subject) continue;
    select.value = subject;
    select.dispatchEvent(new Event("input", { bubbles: true }));
  }
  filters.elements.shown.value = `${shown} of ${parts.length} sections`;
}
filters.hidden = false;
filters.addEventListener("input", filter);
filters.addEventListener("reset", () => setTimeout(filter));
filter();

// A click enlarges a picture.
const large = find("#large");
for (const image of all("main figure img")) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "enlarge", title: "Enlarge" });
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => {
    const copy = find("img", large);
    [copy.src, copy.alt] = [image.src, image.alt];
    large.showModal();
  });
}

// Numbers come as 16-bit integers.
function unpack({ unit, data }) {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  return Float32Array.from(new Int16Array(bytes.buffer), whole => unit * whole);
}
const explored = JSON.parse(find("#explored").textContent);
const level = number => String(+number.toPrecision(3));
function controls(root, draw) {
  root.hidden = false;
  const named = name => find(`[name=${name}]:not(output)`, root);
  root.addEventListener("input", () => draw());
  return named;
}
function slide(root, one) {
  const { sigmas } = one, slider = find("input[name=sigma]", root);
  slider.max = sigmas.length - 1;
  if (+slider.value > slider.max) slider.value = slider.max;
  const text = level(sigmas[slider.value]);
  find("output[name=sigma]", root).value = text;
  slider.setAttribute("aria-valuetext", `sigma ${text}`);
  find(".trained", root).textContent = one.trained;
  return +slider.value;
}

function ticks(low, high) {
  const rough = (high - low) / 6, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(times => times * power >= rough), found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(+(k * step).toPrecision(6));
  return found;
}

// One dimension: curves of the best and of trained auto-encoders.
function lines(root) {
  const svg = find("svg", root), B = 44, T = 24;
  const named = controls(root, draw);
  addEventListener("resize", draw);
  const mark = (name, attributes, text = "") => {
    const node = document.createElementNS(svg.namespaceURI, name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    node.textContent = text;
    svg.append(node);
  };
  function draw() {
    const W = Math.max(300, Math.min(720, svg.clientWidth || 720)), H = W < 500 ? 260 : 320;  // text keeps its size
    svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
    const one = explored.lines[named("density").value], k = slide(root, one);
    const sigma = one.sigmas[k], score = named("quantity").value === "score";
    const [low, high] = one.x, curves = [];
    for (const { label, color, levels } of one.series) {
      const moves = unpack(levels[k]), step = (high - low) / (moves.length - 1);
      const y = moves.map((move, i) => score ? move / sigma ** 2 : low + i * step + move);
      curves.push({ label, color, y, first: 0, best: label.startsWith("best") });
    }
    const n = curves[0].y.length, x = i => low + i * (high - low) / (n - 1);
    let top = high, bottom = low;
    if (score) {
      top = one.score ? 2.5 * one.score.typical : Math.max(...curves[0].y.map(Math.abs));
      bottom = -top;
      if (one.score) curves.unshift({ label: "score of p", color: "#000", y: unpack(one.score), first: one.score.first });
    } else {
      curves.unshift({ label: "identity", color: "#000", y: curves[0].y.map((_, i) => x(i)), first: 0 });
    }
    const left = value => B + (W - B - 10) * (value - low) / (high - low);
    const down = value => T + (H - B - T) * (top - value) / (top - bottom);
    svg.replaceChildren();
    mark("clipPath", { id: "panel" });
    find("clipPath", svg).innerHTML = `<rect x="${B}" y="${T}" width="${W - B - 10}" height="${H - B - T}"/>`;
    mark("rect", { x: B, y: T, width: W - B - 10, height: H - B - T, fill: "none", stroke: "#666" });
    const write = (x, y, anchor, text) => mark("text", { x, y, "text-anchor": anchor, "font-size": 12, fill: "#222" }, text);
    for (const at of ticks(low, high)) write(left(at), H - 28, "middle", at);
    for (const at of ticks(bottom, top)) write(B - 4, down(at) + 4, "end", at);
    write((W + B) / 2, H - 8, "middle", "x");
    write(B, T - 8, "start", score ? "(r(x) − x)/σ²" : "r(x)");
    curves.sort((a, b) => !!b.best - !!a.best);  // wide and pale below
    for (const { y, first, color, best } of curves) {
      const points = [...y].map((value, i) => `${left(x(first + i)).toFixed(1)},${Math.max(-99, Math.min(999, down(value))).toFixed(1)}`);
      mark("polyline", { points: points.join(" "), fill: "none", stroke: color, "stroke-width": best ? 8 : 1.6, "stroke-opacity": best ? .35 : 1, "clip-path": "url(#panel)" });
    }
    find(".key", root).replaceChildren(...curves.map(({ label, color, best }) => {
      const entry = document.createElement("li"), line = document.createElement("span");
      line.style.borderColor = color;
      line.className = best ? "best" : "";
      entry.append(line, label);
      return entry;
    }));
  }
  draw();
}

const EVERY = 4;  // points of the grid from arrow to arrow

// The plane: arrows of r(x) - x, and points that follow them.
function planes(root) {
  const pictures = all("canvas", root), still = matchMedia("(prefers-reduced-motion: reduce)");
  const named = controls(root, draw);
  let points = [], one, fields, stretch, frame;
  const rest = find("output[name=rest]", root);
  function move(field, [a, b]) {
    const n = one.size, [[a0, a1], [b0, b1]] = one.window;
    const s = (a - a0) / (a1 - a0) * (n - 1), t = (b - b0) / (b1 - b0) * (n - 1);
    const i = Math.max(0, Math.min(n - 2, Math.floor(s))), j = Math.max(0, Math.min(n - 2, Math.floor(t)));
    const u = Math.max(0, Math.min(1, s - i)), v = Math.max(0, Math.min(1, t - j));
    return [0, 1].map(c => {
      const at = (p, q) => field[2 * ((i + p) * n + j + q) + c];
      return (1 - u) * ((1 - v) * at(0, 0) + v * at(0, 1)) + u * ((1 - v) * at(1, 0) + v * at(1, 1));
    });
  }
  function way(field, start) {
    const path = [start], tiny = 1e-4 * (one.window[0][1] - one.window[0][0]);
    for (let step = 0; step < 400; step++) {
      const here = path[path.length - 1], [a, b] = move(field, here);
      if (Math.hypot(a, b) < tiny) break;
      path.push([here[0] + a, here[1] + b]);
    }
    return path;
  }
  function draw() {
    const name = named("density").value;
    if (explored.planes[name] !== one) {
      one = explored.planes[name];
      points = [];
      const choice = named("field"), names = Object.keys(one.fields).filter(key => key !== "exact");
      choice.replaceChildren(...names.map(key => new Option(one.fields[key].label, key)));
    }
    const k = slide(root, one), learned = one.fields[named("field").value];
    fields = [one.fields.exact, learned].map(field => field && unpack(field.levels[k]));
    find("figcaption", pictures[1].parentElement).textContent = learned ? `Learned: ${learned.label}` : "";
    const lengths = fields.flatMap(field => field ? [...field].map((part, i) => Math.hypot(part, field[i ^ 1])) : []);
    const [[a0, a1]] = one.window, typical = lengths.sort((a, b) => a - b)[Math.floor(.95 * lengths.length)];
    stretch = (a1 - a0) / (one.size - 1) * EVERY / typical;
    find("output[name=scale]", root).value = `${level(stretch)} times the length of r(x) − x.`;
    show(Infinity);
  }
  function show(steps) {
    cancelAnimationFrame(frame);
    const ways = pictures.map((canvas, side) => fields[side] ? points.map(point => way(fields[side], point)) : []);
    const longest = Math.max(1, ...ways.flat().map(path => path.length));
    const until = still.matches ? Infinity : steps;
    pictures.forEach((canvas, side) => fields[side] && picture(canvas, fields[side], ways[side], until));
    if (until < longest) frame = requestAnimationFrame(() => show(steps + 1 + steps / 10));
    else if (points.length) rest.value = `${points.length} points dropped; the longest way has ${longest - 1} steps`;
    else rest.value = "";
  }
  function picture(canvas, field, ways, until) {
    const pen = canvas.getContext("2d"), n = one.size, [[a0, a1], [b0, b1]] = one.window, size = canvas.width;
    const place = ([a, b]) => [size * (a - a0) / (a1 - a0), size * (b1 - b) / (b1 - b0)];
    pen.clearRect(0, 0, size, size);
    pen.fillStyle = "#E69F00";
    for (const point of one.points) { const [a, b] = place(point); pen.fillRect(a - 1, b - 1, 2, 2); }
    pen.strokeStyle = "#0072B2";
    for (let i = 0; i < n; i += EVERY) for (let j = 0; j < n; j += EVERY) {
      const at = [a0 + i * (a1 - a0) / (n - 1), b0 + j * (b1 - b0) / (n - 1)], index = 2 * (i * n + j);
      const [x, y] = place(at), [p, q] = place([at[0] + stretch * field[index], at[1] + stretch * field[index + 1]]);
      const turn = Math.atan2(q - y, p - x), tip = Math.min(5, Math.hypot(p - x, q - y) / 2);
      pen.beginPath();
      pen.moveTo(x, y); pen.lineTo(p, q);
      for (const side of [2.6, -2.6]) { pen.moveTo(p, q); pen.lineTo(p + tip * Math.cos(turn + side), q + tip * Math.sin(turn + side)); }
      pen.stroke();
    }
    axes(pen, size, place);
    pen.strokeStyle = pen.fillStyle = "#C11C1C";
    for (const path of ways) {
      const shown = path.slice(0, until + 1).map(place);
      pen.beginPath();
      shown.forEach(([x, y], i) => i ? pen.lineTo(x, y) : pen.moveTo(x, y));
      pen.stroke();
      pen.beginPath();
      pen.arc(...shown[shown.length - 1], 5, 0, 7);
      pen.fill();
    }
  }
  function axes(pen, size, place) {
    pen.font = "15px sans-serif";
    for (const c of [0, 1]) for (const at of ticks(...one.window[c])) {
      const [x, y] = place([at, at]), where = c ? [4, y + 5] : [x, size - 7];
      if (x > size - 15 && !c || y < 15 && c) continue;
      pen.textAlign = c ? "left" : "center";
      [pen.strokeStyle, pen.fillStyle, pen.lineWidth] = ["#fff", "#222", 4];
      pen.strokeText(at, ...where);
      pen.fillText(at, ...where);
    }
    pen.lineWidth = 1;
  }
  for (const canvas of pictures) canvas.addEventListener("click", event => {
    const box = canvas.getBoundingClientRect(), [[a0, a1], [b0, b1]] = one.window;
    points.push([a0 + (a1 - a0) * (event.clientX - box.left) / box.width, b1 - (b1 - b0) * (event.clientY - box.top) / box.height]);
    show(1);
  });
  named("drop").addEventListener("click", () => {
    const [[a0, a1], [b0, b1]] = one.window;
    for (let i = 0; i < 20; i++) points.push([a0 + (a1 - a0) * Math.random(), b0 + (b1 - b0) * Math.random()]);
    show(1);
  });
  named("clear").addEventListener("click", () => { points = []; show(Infinity); });
  draw();
}
if (find("#lines")) lines(find("#lines"));
if (find("#planes")) planes(find("#planes"));
open();
