// Runs, and where they come from.

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
