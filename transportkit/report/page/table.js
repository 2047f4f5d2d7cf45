// The table.

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
    // The line above says how many they are, where they are equally many.
    ...(new Set(problem.methods.map((m) => m.seeds).filter((n) => n)).size > 1 ? [{ name: "seeds", value: (m) => m.seeds }] : []),
  ];
  const ranked = (name) => problem.methods.some((m) => m.cells[name] && m.cells[name].mark);
  const star = (column, mark) => (ranked(column.name) ? el("span", { class: "star" }, mark) : null);
  const heads = columns.map((column) => {
    const head = el("th", { scope: "col", "aria-sort": "none" });
    head.append(el("button", { type: "button", onclick: () => sort(column, head) }, column.name));
    return head;
  });
  const body = el("tbody");
  const foot = el("tfoot");
  const node = el("table", {}, el("thead", {}, el("tr", {}, heads)), body, foot);
  let order = problem.methods.slice();

  function cell(column, method) {
    if (column.metric) {
      const got = method.cells[column.name];
      if (!got) return el("td", {}, "-", star(column, ""));
      const text = shown.floors && got.ratio_text ? got.ratio_text : got.text;
      const title = got.mark ? "best, or not told apart from the best" : null;
      return el("td", { class: got.mark ? "best" : null, title }, text, star(column, got.mark));
    }
    if (column.fact !== undefined) return el("td", {}, method.facts[column.fact].text);
    return el("td", {}, String(column.value(method)));
  }

  function lay() {
    body.replaceChildren();
    for (const method of order) {
      if (method.seeds) body.append(el("tr", {}, columns.map((c) => cell(c, method))));
      for (const trouble of method.troubles) {
        const which = trouble.seeds.length && (method.seeds || method.troubles.length > 1)
          ? `seed${trouble.seeds.length > 1 ? "s" : ""} ${trouble.seeds.join(", ")}, ` : "";
        body.append(el("tr", { class: "trouble" }, el("td", {}, method.seeds ? "" : method.name),
          el("td", { class: "trouble", colspan: columns.length - 1 }, which + trouble.text)));
      }
    }
    foot.replaceChildren();
    const last = (name, text) => foot.append(el("tr", {}, columns.map((c, i) => el("td", {}, i === 0 ? name :
      c.metric ? text(c.metric) : "", c.metric ? star(c, "") : null))));
    if (problem.metrics.some((m) => m.floors)) last("floor", (metric) => (metric.floors ? metric.floor : ""));
    if (problem.resolution.some((r) => r.smallest !== null)) last("resolution", smallest);
  }

  // The smallest difference that would have shown, in the units of its column.
  function smallest(metric) {
    const seen = problem.resolution.find((r) => r.metric === metric.name);
    if (!seen || seen.smallest === null) return "";
    const unit = shown.floors && metric.floors && seen.floor ? seen.floor : 1;
    return Number((seen.smallest / unit).toPrecision(2)).toString();
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
  return [bar, el("div", { class: "scroll" }, node), el("p", { class: "soft" }, problem.meaning)];
}
