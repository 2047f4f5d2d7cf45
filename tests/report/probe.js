// Put into the page by its test: uses the page as a reader would and leaves what came of it.
addEventListener("load", () => {
  const said = {};
  const rows = () => [...document.querySelectorAll("table:not(.pairs) tbody tr:not(.trouble) td:first-child")].map((e) => e.textContent);
  const head = [...document.querySelectorAll("thead button")].find((b) => b.textContent === "sliced_w2");
  head.click(); said.up = rows(); head.click(); said.down = rows();
  said.sort = head.closest("th").getAttribute("aria-sort");
  said.pair = document.querySelector(".pairs tbody tr").textContent;
  said.last = [...document.querySelectorAll("tfoot tr td:first-child")].map((e) => e.textContent);
  said.front = document.querySelectorAll(".plot path.front").length;
  const svg = document.querySelector(".plot svg"), box = svg.getBoundingClientRect();
  let hit = "";
  for (let x = 0; x < box.width && !hit; x += 8) for (let y = 0; y < box.height && !hit; y += 8) {
    svg.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + x, clientY: box.top + y }));
    const tip = document.getElementById("tip");
    if (!tip.hidden) hit = tip.textContent;
  }
  said.tip = hit;
  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  setTimeout(() => {
    document.querySelectorAll("details").forEach((d) => { d.open = true; });
    setTimeout(() => {
      said.pre = [...document.querySelectorAll("pre")].map((e) => e.textContent);
      said.bold = document.querySelectorAll("td b").length;
      said.wide = document.documentElement.scrollWidth > innerWidth;
      const out = document.createElement("pre");
      out.id = "said"; out.textContent = JSON.stringify(said);
      document.body.append(out);
    }, 100);
  }, 100);
});
addEventListener("error", (e) => { document.documentElement.dataset.error = e.message; });
