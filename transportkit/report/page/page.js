// The page: its summary, and a section for each problem.

function summary() {
  const all = data.problems.flatMap((p) => p.runs);
  const bad = all.filter((r) => !["done", "refused"].includes(r.status)).length;
  const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const parts = [count(all.length, "run"), count(new Set(all.map((r) => r.name)).size, "method"), count(data.problems.length, "problem")];
  if (bad) parts.push(`${bad} of the runs failed`);
  return parts.join(", ") + ".";
}

page.append(el("h1", {}, document.title), el("p", {}, [summary(), ...data.effort].join(" ")),
  el("p", { class: "soft" }, "With " + Object.entries(data.versions).map(([k, v]) => `${k} ${v}`).join(", ") + "."),
  data.mixed.map((text) => el("p", { class: "warning" }, `Warning: ${text}.`)));
const byName = (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true });
data.problems.sort(byName);
for (const problem of data.problems) {
  problem.methods.sort(byName);
  page.append(el("section", {}, el("h2", {}, problem.name), el("p", { class: "soft" }, problem.setting),
    table(problem), differences(problem), curves(problem), samples(problem), el("h3", {}, "Runs"), runs(problem)));
}
for (const family of data.across) {
  page.append(el("section", {}, el("h2", {}, `${family.name}: error against dimension`), curves(family)));
}
document.documentElement.dataset.ready = "yes";
