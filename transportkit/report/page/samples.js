// Samples: points and lines in the plane, and images.

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
