// Curves of metrics over an axis.

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
const look = ({ hue, mark }) => ({
  colour: `var(--c${hue % 8})`, dash: DASHES[mark % DASHES.length], shape: SHAPES[mark % SHAPES.length],
  filled: mark % SHAPES.length < 5 ? `var(--c${hue % 8})` : "none",
});

// One colour for a method wherever it is drawn, and one mark and dash for each of its curves. Where
// there is one method alone its curves have colours of their own.
function looks(names) {
  const first = (name) => name.split(" ")[0];
  const methods = [...new Set(names.map(first))];
  return new Map(names.map((name, mark) => [name, { mark, hue: methods.length > 1 ? methods.indexOf(first(name)) : mark }]));
}

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
  const curves = axis.curves.filter((curve) => curve.metric === metric.name).map((curve) => ({
    name: curve.method,
    points: curve.points.map((p) => {
      const u = unit(p);
      return { x: p.x, method: p.method, seeds: p.seeds, front: p.front, y: p.mean / u,
        low: p.low === null ? null : p.low / u, high: p.high === null ? null : p.high / u };
    }),
  }));
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
      draw("text", { x: W - R - 4, y: Y(1) - 4, "text-anchor": "end" }, "floor"));
  }
  svg.append(draw("text", { x: (L + W - R) / 2, y: H - 8, "text-anchor": "middle" }, axis.label),
    draw("text", { x: 12, y: (T + H - B) / 2, transform: `rotate(-90 12 ${(T + H - B) / 2})`, "text-anchor": "middle" }, name));
  const clamp = (v) => Math.max(T, Math.min(H - B, v));
  // Bands of many curves lie over each other.
  const shade = Math.min(.13, .6 / curves.length);
  curves.forEach((curve) => {
    const { colour, dash, shape, filled } = look(index.get(curve.name));
    const banded = curve.points.filter((p) => p.low !== null && p.high !== null);
    const floor = (v) => (logY && !(v > 0) ? H - B : clamp(Y(v)));
    if (banded.length > 1) {
      const up = banded.map((p) => `${X(p.x)} ${clamp(Y(p.high))}`);
      const down = banded.slice().reverse().map((p) => `${X(p.x)} ${floor(p.low)}`);
      svg.append(draw("path", { d: `M${up.join("L")}L${down.join("L")}Z`, fill: colour, opacity: shade }));
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
  const best = all.filter((p) => p.front);
  if (best.length) svg.append(front(best, X, Y));
  hover(svg, all, X, Y, W, H, axis, name);
  return svg;
}

// Rings round the points on the Pareto front, which no other beats beyond doubt.
const ringed = (x, y, r = 8) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
function front(best, X, Y) {
  const path = best.map((p) => ringed(X(p.x), Y(p.y))).join("");
  return draw("path", { class: "front", d: path, fill: "none", stroke: "var(--ink)", "stroke-width": 1, opacity: .7 });
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

function legend(names, index, front) {
  return el("ul", { class: "legend" }, names.map((name) => {
    const { colour, dash, shape, filled } = look(index.get(name));
    return el("li", {}, draw("svg", { viewBox: "0 0 34 14", "aria-hidden": "true" },
      draw("path", { d: "M1 7H33", stroke: colour, "stroke-width": 2, "stroke-dasharray": dash }),
      draw("path", { d: shape(17, 7), fill: filled, stroke: colour, "stroke-width": 1.6 })), " ", el("span", {}, name));
  }), !front ? null : el("li", {}, draw("svg", { viewBox: "0 0 34 14", "aria-hidden": "true" },
    draw("path", { d: ringed(17, 7, 6), fill: "none", stroke: "var(--ink)", opacity: .7 })),
    " Pareto front: nothing beside or left of it is better beyond doubt"));
}

function curves(part) {
  if (!part.axes.length || !part.metrics.length) return [];
  const names = [...new Set(part.axes.flatMap((axis) => axis.curves.map((c) => c.method)))];
  const index = looks(names);
  const fronts = part.axes.some((axis) => axis.curves.some((c) => c.points.some((p) => p.front)));
  const start = (part.metrics.find((m) => m.name === "sliced_w2") || part.metrics[0]).name;
  const choice = el("select", {}, part.metrics.map((m) => el("option", { selected: m.name === start }, m.name)));
  const plots = el("div", { class: "plots" });
  const lay = () => {
    const metric = part.metrics.find((m) => m.name === choice.value);
    plots.replaceChildren(...part.axes.map((axis) => el("div", { class: "plot" }, plot(axis, metric, index))));
  };
  choice.addEventListener("change", lay);
  lay();
  return [el("h3", {}, "Curves"), el("div", { class: "bar" }, el("label", {}, "metric", choice)), plots, legend(names, index, fronts),
    el("p", { class: "soft" }, "Bands are 95% intervals over seeds, where they tell anything; hover over a point, or use the arrow keys, for its figures.")];
}
