"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const page = document.getElementById("page");
const tip = document.getElementById("tip");
const SVG = "http://www.w3.org/2000/svg";

// --- small parts -------------------------------------------------------------------------------

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) node.append(child);
  return node;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

function figure(value) {
  if (value === null || value === undefined) return "-";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

// --- the table ---------------------------------------------------------------------------------

const FACTS = ["finished", "NFE", "fit s", "push s"];

function table(problem) {
  const shown = { floors: true };
  const columns = [
    { name: "method", value: (m) => m.name, text: true },
    ...problem.metrics.map((metric) => ({
      name: metric.name, metric,
      value: (m) => m.cells[metric.name] && m.cells[metric.name].value,
    })),
    ...FACTS.map((name, i) => ({ name, value: (m) => m.facts[i].value, fact: i })),
    { name: "seeds", value: (m) => m.seeds },
  ];
  const figures = problem.methods.some((m) => m.seeds > 0);
  const heads = columns.map((column) => {
    const head = el("th", { scope: "col", "aria-sort": "none" });
    head.append(el("button", { type: "button", onclick: () => sort(column, head) }, column.name));
    return head;
  });
  const body = el("tbody");
  const foot = el("tfoot");
  const node = el("table", {}, el("thead", {}, el("tr", {}, heads)), body, foot);
  let order = problem.methods.slice().sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));

  function cell(column, method) {
    if (column.metric) {
      const got = method.cells[column.name];
      if (!got) return el("td", {}, "-", el("span", { class: "star" }));
      const text = shown.floors && got.ratio_text ? got.ratio_text : got.text;
      const best = got.rank === 1;
      const mark = best ? (ties(problem, column.name) > 1 ? "≈" : "★") : "";
      const title = best ? "best, or not told apart from the best" : null;
      return el("td", { class: best ? "best" : null, title }, text, el("span", { class: "star" }, mark));
    }
    if (column.fact !== undefined) return el("td", {}, method.facts[column.fact].text);
    return el("td", {}, String(column.value(method)));
  }

  function lay() {
    body.replaceChildren();
    for (const method of order) {
      if (method.seeds) body.append(el("tr", {}, columns.map((c) => cell(c, method))));
      for (const trouble of method.troubles) {
        const which = method.seeds || method.troubles.length > 1
          ? `seed${trouble.seeds.length > 1 ? "s" : ""} ${trouble.seeds.join(", ")}, ` : "";
        body.append(el("tr", { class: "trouble" }, el("td", {}, method.seeds ? "" : method.name),
          el("td", { class: "trouble", colspan: columns.length - 1 }, which + trouble.text)));
      }
    }
    foot.replaceChildren();
    if (problem.metrics.some((m) => m.floors)) {
      foot.append(el("tr", {}, columns.map((c, i) => el("td", {}, i === 0 ? "floor" :
        c.metric && c.metric.floors ? c.metric.floor : "", c.metric ? el("span", { class: "star" }) : null))));
    }
  }

  function sort(column, head) {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((h) => h.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const sign = up ? 1 : -1;
    order.sort((a, b) => {
      const [x, y] = [column.value(a), column.value(b)];
      const none = (v) => v === null || v === undefined;
      if (none(x) || none(y)) return none(x) - none(y);
      return sign * (column.text ? x.localeCompare(y, undefined, { numeric: true }) : x - y);
    });
    lay();
  }

  lay();
  const bar = el("div", { class: "bar" });
  if (problem.metrics.some((m) => m.floors)) {
    const box = el("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => { shown.floors = box.checked; lay(); });
    bar.append(el("label", {}, box, "distances in units of their floor"));
  }
  const notes = figures ? meaning(problem) : "No run here has figures.";
  return [bar, el("div", { class: "scroll" }, node), el("p", { class: "soft" }, notes)];
}

function ties(problem, metric) {
  return problem.methods.filter((m) => m.cells[metric] && m.cells[metric].rank === 1).length;
}

function meaning(problem) {
  const parts = [];
  if (problem.metrics.some((m) => m.floors)) {
    parts.push("The floor is the distance between independent samples of the target: 1 is as near as can be told.");
  }
  if (problem.methods.some((m) => m.seeds > 1)) parts.push("Mean over seeds ± half of its 95% interval.");
  parts.push("★ best; ≈ not told apart from the best.");
  return parts.join(" ");
}

// --- curves ------------------------------------------------------------------------------------

const DASHES = ["", "7 4", "2 3", "9 3 2 3", "4 2", "12 4", "1 4", "6 2 1 2 1 2"];
const SHAPES = [
  (x, y) => `M${x - 4.5} ${y}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0`,
  (x, y) => `M${x - 4} ${y - 4}h8v8h-8z`,
  (x, y) => `M${x} ${y - 5}l5 9h-10z`,
  (x, y) => `M${x} ${y - 5.5}l5.5 5.5l-5.5 5.5l-5.5 -5.5z`,
  (x, y) => `M${x} ${y + 5}l5 -9h-10z`,
  (x, y) => `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`,
  (x, y) => `M${x - 5} ${y}h10m-5 -5v10`,
];
const look = (i) => ({
  colour: `var(--c${i % 8})`, dash: DASHES[i % DASHES.length], shape: SHAPES[i % SHAPES.length],
  filled: i % SHAPES.length < 5 ? `var(--c${i % 8})` : "none",
});

function scale(low, high, from, to, logarithmic) {
  const f = logarithmic ? Math.log10 : (v) => v;
  const [a, b] = [f(low), f(high)];
  return (v) => from + ((f(v) - a) / (b - a || 1)) * (to - from);
}

function ticks(low, high, logarithmic) {
  if (logarithmic) {
    const all = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
      for (const m of [1, 2, 5]) all.push(m * 10 ** e);
    }
    const inside = all.filter((v) => v >= low * 0.999 && v <= high * 1.001);
    const tens = inside.filter((v) => Math.abs(Math.log10(v) % 1) < 1e-9);
    return inside.length > 8 && tens.length > 1 ? tens : inside;
  }
  const raw = (high - low) / 5 || 1;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= raw);
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) found.push(v);
  return found;
}

function plot(axis, metric, index) {
  const W = 560, H = 340, L = 58, R = 14, T = 14, B = 44;
  const unit = (v) => (metric.floors && v.floor ? v.floor : 1);
  const curves = axis.curves.map((curve) => ({
    name: curve.name,
    points: curve.points.filter((p) => p.values[metric.name]).map((p) => {
      const v = p.values[metric.name], u = unit(v);
      return { x: p.x, method: p.method, seeds: v.seeds, y: v.mean / u,
        low: v.low === null ? null : v.low / u, high: v.high === null ? null : v.high / u };
    }),
  })).filter((curve) => curve.points.length);
  const all = curves.flatMap((c) => c.points);
  if (!all.length) return el("p", { class: "soft" }, `${metric.name} has no figures here.`);
  const positive = all.every((p) => p.y > 0);
  const xs = all.map((p) => p.x).filter((x) => x > 0);
  const logX = xs.length === all.length && Math.max(...xs) / Math.min(...xs) > 4;
  const logY = positive && Math.max(...all.map((p) => p.y)) / Math.min(...all.map((p) => p.y)) > 8;
  const bounds = all.flatMap((p) => [p.y, p.high ?? p.y, logY && !(p.low > 0) ? p.y : p.low ?? p.y]);
  let [y0, y1] = [Math.min(...bounds), Math.max(...bounds)];
  let [x0, x1] = [Math.min(...all.map((p) => p.x)), Math.max(...all.map((p) => p.x))];
  if (logY) { y0 /= 1.25; y1 *= 1.25; } else { const m = 0.07 * (y1 - y0 || Math.abs(y1) || 1); y0 -= m; y1 += m; }
  if (logX) { x0 /= 1.2; x1 *= 1.2; } else { const m = 0.05 * (x1 - x0 || Math.abs(x1) || 1); x0 -= m; x1 += m; }
  const X = scale(x0, x1, L, W - R, logX), Y = scale(y0, y1, H - B, T, logY);
  const name = metric.name + (metric.floors ? " / floor" : "");
  const svg = draw("svg", { viewBox: `0 0 ${W} ${H}`, role: "img",
    "aria-label": `${name} against ${axis.label}` });
  for (const v of ticks(x0, x1, logX)) {
    svg.append(draw("line", { x1: X(v), x2: X(v), y1: T, y2: H - B, stroke: "var(--line)", "stroke-width": .6 }),
      draw("text", { x: X(v), y: H - B + 16, "text-anchor": "middle" }, figure(v)));
  }
  for (const v of ticks(y0, y1, logY)) {
    svg.append(draw("line", { x1: L, x2: W - R, y1: Y(v), y2: Y(v), stroke: "var(--line)", "stroke-width": .6 }),
      draw("text", { x: L - 6, y: Y(v) + 4, "text-anchor": "end" }, figure(v)));
  }
  if (metric.floors && y0 < 1 && y1 > 1) {
    svg.append(draw("line", { x1: L, x2: W - R, y1: Y(1), y2: Y(1), stroke: "var(--soft)", "stroke-width": 1.5, "stroke-dasharray": "1 3" }),
      draw("text", { x: L + 5, y: Y(1) - 4 }, "floor"));
  }
  svg.append(draw("text", { x: (L + W - R) / 2, y: H - 8, "text-anchor": "middle" }, axis.label),
    draw("text", { x: 12, y: (T + H - B) / 2, transform: `rotate(-90 12 ${(T + H - B) / 2})`, "text-anchor": "middle" }, name));
  const clamp = (v) => Math.max(T, Math.min(H - B, v));
  curves.forEach((curve) => {
    const { colour, dash, shape, filled } = look(index.get(curve.name));
    const banded = curve.points.filter((p) => p.low !== null && p.high !== null);
    const floor = (v) => (logY && !(v > 0) ? H - B : clamp(Y(v)));
    if (banded.length > 1) {
      const up = banded.map((p) => `${X(p.x)} ${clamp(Y(p.high))}`);
      const down = banded.slice().reverse().map((p) => `${X(p.x)} ${floor(p.low)}`);
      svg.append(draw("path", { d: `M${up.join("L")}L${down.join("L")}Z`, fill: colour, opacity: .13 }));
    } else {
      for (const p of banded) {
        svg.append(draw("line", { x1: X(p.x), x2: X(p.x), y1: floor(p.low), y2: clamp(Y(p.high)), stroke: colour, "stroke-width": 1.2, opacity: .7 }));
      }
    }
    if (curve.points.length > 1) {
      svg.append(draw("path", { d: "M" + curve.points.map((p) => `${X(p.x)} ${Y(p.y)}`).join("L"), fill: "none", stroke: colour, "stroke-width": 2, "stroke-dasharray": dash }));
    }
    for (const p of curve.points) {
      svg.append(draw("path", { d: shape(X(p.x), Y(p.y)), fill: filled, stroke: colour, "stroke-width": 1.6 }));
    }
  });
  if (metric.better && axis.key !== "dimension") svg.append(front(all, metric, X, Y));
  hover(svg, all, X, Y, W, H, axis, name);
  return svg;
}

// What no other point beats in both: the Pareto front.
function front(all, metric, X, Y) {
  const sign = metric.better === "lower" ? 1 : -1;
  const best = [];
  for (const p of all.slice().sort((a, b) => a.x - b.x || sign * (a.y - b.y))) {
    if (!best.length || sign * (p.y - best[best.length - 1].y) < 0) best.push(p);
  }
  const path = best.map((p, i) => (i ? `H${X(p.x)}V${Y(p.y)}` : `M${X(p.x)} ${Y(p.y)}`)).join("");
  return draw("path", { class: "front", d: path, fill: "none", stroke: "var(--ink)", "stroke-width": 1, opacity: .55 });
}

function hover(svg, points, X, Y, W, H, axis, name) {
  const ring = draw("circle", { r: 9, fill: "none", stroke: "var(--ink)", "stroke-width": 1.5, visibility: "hidden" });
  svg.append(ring);
  const show = (p, x, y) => {
    ring.setAttribute("cx", X(p.x)); ring.setAttribute("cy", Y(p.y)); ring.setAttribute("visibility", "visible");
    const interval = p.low === null ? "" : `\n95%: ${figure(p.low)} to ${figure(p.high)}`;
    tip.textContent = `${p.method}\n${name} ${figure(p.y)}${interval}\n${axis.label} ${figure(p.x)}, ${p.seeds} seed${p.seeds > 1 ? "s" : ""}`;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
    tip.style.top = Math.max(4, y - box.height - 10) + "px";
  };
  const hide = () => { tip.hidden = true; ring.setAttribute("visibility", "hidden"); };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const [x, y] = [((event.clientX - box.left) * W) / box.width, ((event.clientY - box.top) * H) / box.height];
    let near = null, least = 40 ** 2;
    for (const p of points) {
      const d = (X(p.x) - x) ** 2 + (Y(p.y) - y) ** 2;
      if (d < least) { least = d; near = p; }
    }
    if (near) show(near, event.clientX, event.clientY); else hide();
  });
  svg.addEventListener("pointerleave", hide);
  svg.setAttribute("tabindex", "0");
  let at = -1;
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = (at + step + points.length) % points.length;
    const box = svg.getBoundingClientRect(), p = points[at];
    show(p, box.left + (X(p.x) * box.width) / W, box.top + (Y(p.y) * box.height) / H);
  });
  svg.addEventListener("blur", hide);
}

function legend(names, index) {
  return el("ul", { class: "legend" }, names.map((name) => {
    const { colour, dash, shape, filled } = look(index.get(name));
    return el("li", {}, draw("svg", { viewBox: "0 0 34 14", "aria-hidden": "true" },
      draw("path", { d: "M1 7H33", stroke: colour, "stroke-width": 2, "stroke-dasharray": dash }),
      draw("path", { d: shape(17, 7), fill: filled, stroke: colour, "stroke-width": 1.6 })), " ", el("span", {}, name));
  }), el("li", {}, draw("svg", { viewBox: "0 0 34 14", "aria-hidden": "true" },
    draw("path", { d: "M1 3H17V11H33", fill: "none", stroke: "var(--ink)", opacity: .55 })), " Pareto front"));
}

function curves(part) {
  if (!part.axes.length || !part.metrics.length) return [];
  const names = [...new Set(part.axes.flatMap((axis) => axis.curves.map((c) => c.name)))];
  const index = new Map(names.map((name, i) => [name, i]));
  const start = (part.metrics.find((m) => m.name === "sliced_w2") || part.metrics[0]).name;
  const choice = el("select", {}, part.metrics.map((m) => el("option", { selected: m.name === start }, m.name)));
  const plots = el("div", { class: "plots" });
  const lay = () => {
    const metric = part.metrics.find((m) => m.name === choice.value);
    plots.replaceChildren(...part.axes.map((axis) => el("div", { class: "plot" }, plot(axis, metric, index))));
  };
  choice.addEventListener("change", lay);
  lay();
  return [el("div", { class: "bar" }, el("label", {}, "metric", choice)), plots, legend(names, index),
    el("p", { class: "soft" }, "Bands are 95% intervals over seeds; hover over a point, or use the arrow keys, for its figures.")];
}

// --- samples -----------------------------------------------------------------------------------

function dots(points, colour, size, opacity) {
  const path = points.map(([x, y]) => `M${x} ${1000 - y}h0`).join("");
  return draw("path", { d: path, stroke: colour, "stroke-width": size, "stroke-linecap": "round", opacity, fill: "none" });
}

const AT_LEISURE = matchMedia("(prefers-reduced-motion: reduce)").matches;

function planes(methods) {
  const slider = el("input", { type: "range", min: 0, max: 1, step: 0.005, value: 1, "aria-label": "how far the points have gone" });
  const play = el("button", { type: "button" }, "▶ play");
  const clouds = methods.map((method) => cloud(method));
  const set = (t) => { slider.value = t; clouds.forEach((c) => c.set(t)); };
  slider.addEventListener("input", () => { stop(); set(Number(slider.value)); });
  let frame = null;
  function stop() { cancelAnimationFrame(frame); frame = null; play.textContent = "▶ play"; }
  play.addEventListener("click", () => {
    if (frame !== null) return stop();
    play.textContent = "■ stop";
    const begun = performance.now(), seconds = AT_LEISURE ? 12 : 4;
    const step = (now) => {
      const t = Math.min(1, (now - begun) / 1000 / seconds);
      set(t);
      if (t < 1) frame = requestAnimationFrame(step); else stop();
    };
    frame = requestAnimationFrame(step);
  });
  const straight = methods.some((m) => m.view.straight);
  return [el("h3", {}, "Transported samples"), el("div", { class: "bar" }, play, slider),
    el("div", { class: "clouds" }, clouds.map((c) => c.node)),
    el("p", { class: "soft" }, "○ target, held out; ● moved points; lines of some of them from where they began",
      straight ? ", drawn straight where a map has none" : "", ".")];
}

function cloud(method) {
  const v = method.view;
  const lines = draw("path", { stroke: "var(--soft)", "stroke-width": 2, fill: "none", opacity: .45 });
  const heads = draw("path", { stroke: "var(--ink)", "stroke-width": 16, "stroke-linecap": "round", opacity: .9 });
  const moved = dots(v.moved, "var(--moved)", 11, .75);
  const svg = draw("svg", { viewBox: "0 0 1000 1000", role: "img", "aria-label": `points moved by ${method.name}` },
    draw("path", { d: v.target.map(([x, y]) => `M${x - 7} ${1000 - y}a7 7 0 1 0 14 0a7 7 0 1 0 -14 0`).join(""),
      fill: "none", stroke: "var(--target)", "stroke-width": 3, opacity: .8 }),
    lines, moved, heads);
  function set(t) {
    let trails = "", ends = "";
    for (const line of v.lines) {
      const last = (line.length - 1) * t, whole = Math.min(Math.floor(last), line.length - 2), part = last - whole;
      const [a, b] = [line[whole], line[whole + 1]];
      const x = a[0] + part * (b[0] - a[0]), y = a[1] + part * (b[1] - a[1]);
      trails += "M" + line.slice(0, whole + 1).map(([p, q]) => `${p} ${1000 - q}`).join("L") + `L${x} ${1000 - y}`;
      ends += `M${x} ${1000 - y}h0`;
    }
    lines.setAttribute("d", trails);
    heads.setAttribute("d", t < 1 ? ends : "");
    moved.setAttribute("visibility", t < 1 ? "hidden" : "visible");
  }
  set(1);
  return { set, node: el("figure", {}, svg, el("figcaption", {}, `${method.name}, seed ${v.seed}`)) };
}

function images(methods) {
  return [el("h3", {}, "Transported images"), methods.map((m) => el("div", { class: "images" },
    el("b", {}, `${m.name}, seed ${m.view.seed}`),
    ["source", "moved", "target"].map((row) => [el("span", { class: "soft" }, row),
      el("img", { src: m.view[row], alt: `${row} images` })])))];
}

function samples(problem) {
  const plane = problem.methods.filter((m) => m.view && m.view.kind === "plane");
  const pictures = problem.methods.filter((m) => m.view && m.view.kind === "images");
  return [...(plane.length ? planes(plane) : []), ...(pictures.length ? images(pictures) : [])];
}

// --- runs and where they come from -------------------------------------------------------------

const LEFT_OUT = new Set(["method", "data", "name", "command", "metrics", "found", "message", "status", "seed"]);

function flat(value) {
  if (value === null || value === undefined || value === "") return "-";
  if (typeof value !== "object") return typeof value === "number" ? figure(value) : String(value);
  const pairs = Object.entries(value).map(([k, v]) => `${k} ${flat(v)}`);
  return pairs.join(", ") || "-";
}

function one(run) {
  const inside = el("div");
  const title = `${run.name}, seed ${run.seed}`;
  const node = el("details", {}, el("summary", {}, title + " ",
    el("span", { class: "soft status" }, run.status === "done" ? "" : run.status)), inside);
  node.addEventListener("toggle", () => {
    if (!node.open || inside.childNodes.length) return;
    const metrics = Object.entries(run.metrics).filter(([, v]) => v.value !== null);
    inside.append(
      el("p", { class: "soft" }, "The command that does it again:"), el("pre", {}, run.command),
      run.message ? el("p", {}, run.message) : "",
      el("dl", {}, metrics.map(([name, v]) => [el("dt", {}, name), el("dd", {}, figure(v.value) +
        (v.floor ? `, floor ${figure(v.floor)} ± ${figure(v.floor_std)}, ratio ${figure(v.ratio)}` : ""))])),
      el("dl", {}, Object.entries(run).filter(([k]) => !LEFT_OUT.has(k)).map(([k, v]) =>
        [el("dt", {}, k.replaceAll("_", " ")), el("dd", {}, flat(v))])));
  });
  return node;
}

function runs(problem) {
  const list = el("div");
  const find = el("input", { type: "search", placeholder: "method or status", "aria-label": "find a run" });
  const MOST = 200;
  const lay = () => {
    const word = find.value.toLowerCase();
    const chosen = problem.runs.filter((r) => `${r.name} seed ${r.seed} ${r.status}`.toLowerCase().includes(word));
    list.replaceChildren(...chosen.slice(0, MOST).map(one));
    if (chosen.length > MOST) list.append(el("p", { class: "soft" }, `${chosen.length - MOST} more; type to narrow them.`));
  };
  find.addEventListener("input", lay);
  const node = el("details", {}, el("summary", {}, `${problem.runs.length} run${problem.runs.length > 1 ? "s" : ""}: settings, versions, and the command for each number`),
    el("div", { class: "bar" }, find), list);
  node.addEventListener("toggle", () => { if (node.open && !list.childNodes.length) lay(); });
  return node;
}

// --- the page ----------------------------------------------------------------------------------

function summary() {
  const all = data.problems.flatMap((p) => p.runs);
  const bad = all.filter((r) => !["done", "refused"].includes(r.status)).length;
  const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const parts = [count(all.length, "run"), count(new Set(all.map((r) => r.name)).size, "method"), count(data.problems.length, "problem")];
  if (bad) parts.push(`${bad} of the runs failed`);
  return parts.join(", ") + ".";
}

page.append(el("h1", {}, document.title), el("p", {}, summary()),
  el("p", { class: "soft" }, "With " + Object.entries(data.versions).map(([k, v]) => `${k} ${v}`).join(", ") + "."));
data.problems.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
for (const problem of data.problems) {
  page.append(el("section", {}, el("h2", {}, problem.name), el("p", { class: "soft" }, problem.setting),
    table(problem), curves(problem), samples(problem), el("h3", {}, "Runs"), runs(problem)));
}
for (const family of data.across) {
  page.append(el("section", {}, el("h2", {}, `${family.name}: error against dimension`), curves(family)));
}
document.documentElement.dataset.ready = "yes";
