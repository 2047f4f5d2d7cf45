// Pairs of methods: how far apart they are, and whether that is real.

function differences(problem) {
  if (!problem.pairs.length) return [];
  const MOST = 12;
  const names = [...new Set(problem.pairs.map((p) => p.metric))];
  const start = names.includes("sliced_w2") ? "sliced_w2" : names[0];
  const choice = el("select", {}, names.map((name) => el("option", { selected: name === start }, name)));
  const find = el("input", { type: "search", placeholder: "method", "aria-label": "find a method" });
  const body = el("tbody"), more = el("p", { class: "soft" });
  const heads = ["first", "second", "difference", "95% interval", "p (Holm)", "", "seeds"];
  const node = el("table", { class: "pairs" },
    el("thead", {}, el("tr", {}, heads.map((name) => el("th", { scope: "col" }, name)))), body);

  function row(pair, metric, unit) {
    const lower = metric.better === "lower";
    const first = (pair.difference < 0) === lower;
    const verdict = !pair.differs ? "≈ not told apart" : `${first ? "first" : "second"} is better`;
    const short = (v) => figure(Number((v / unit).toPrecision(3)));
    const bounds = pair.low === null ? "-" : `${short(pair.low)} to ${short(pair.high)}`;
    const p = pair.adjusted === null ? "-" : pair.adjusted < 1e-4 ? "<0.0001" : figure(Number(pair.adjusted.toPrecision(2)));
    return el("tr", {}, el("td", {}, pair.first), el("td", { class: "name" }, pair.second),
      el("td", {}, short(pair.difference)), el("td", {}, bounds), el("td", {}, p),
      el("td", { class: pair.differs ? "name best" : "name" }, verdict), el("td", {}, String(pair.seeds)));
  }

  const lay = () => {
    const metric = problem.metrics.find((m) => m.name === choice.value);
    const seen = problem.resolution.find((r) => r.metric === choice.value);
    const unit = metric.floors && seen && seen.floor ? seen.floor : 1;
    const word = find.value.toLowerCase();
    const own = problem.pairs.filter((p) => p.metric === choice.value && `${p.first} ${p.second}`.toLowerCase().includes(word));
    own.sort((a, b) => (a.adjusted ?? 1) - (b.adjusted ?? 1) || Math.abs(b.difference) - Math.abs(a.difference));
    body.replaceChildren(...own.slice(0, MOST).map((pair) => row(pair, metric, unit)));
    const rest = own.length > MOST ? `${own.length - MOST} more pairs; type to narrow them. ` : "";
    more.textContent = rest + told(metric, seen, unit);
  };
  choice.addEventListener("change", lay);
  find.addEventListener("input", lay);
  lay();
  return [el("h3", {}, "Which methods differ"),
    el("div", { class: "bar" }, el("label", {}, "metric", choice), problem.pairs.length > 2 * names.length ? find : null),
    el("div", { class: "scroll" }, node), more];
}

// What the figures are, and what the comparison could have seen.
function told(metric, seen, unit) {
  const parts = [];
  parts.push(`Differences of ${metric.name}${unit === 1 ? "" : " in units of its floor"}.`);
  parts.push("Student's t on the seeds that both have: the interval of a pair by itself, and p corrected for all pairs by Holm, so that with 95% probability no claim is false.");
  if (!seen) return parts.join(" ");
  if (seen.smallest !== null) {
    parts.push(`The smallest difference that would have shown with a chance of 80% is ${figure(seen.smallest / unit)}.`);
  }
  if (!seen.seen && seen.seeds_needed) {
    const points = seen.points_needed ? `, or ${Number(seen.points_needed.toPrecision(2)).toLocaleString("en")} points with ${seen.seeds}` : "";
    parts.push(`To tell ${seen.best} from ${seen.next} would take about ${seen.seeds_needed} seeds${points}.`);
  }
  return parts.join(" ");
}
