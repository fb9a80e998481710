// A virtual table: the page holds the visible rows only.
//
// model: columns, page {version, start, rows, sort}, totals {count, words}, label, height, line.  Rows are
// requested by position; answers of another version are dropped.  All text is set as text, never as
// markup.

const LINE = 28; // pixels of a row, unless the model says otherwise
const HEAD = 31; // pixels of the header and the borders
const TALLEST = 8e6; // browsers limit the height of an element; beyond that, places are scaled

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

// JupyterLab handles keys first, for commands such as "insert a cell": not those typed
// in here, except what is held with Ctrl, such as saving; Ctrl+A is all rows.
const keep = (element) => {
  const ours = (event) => {
    const held = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() !== "a";
    if (held) element.removeAttribute("data-lm-suppress-shortcuts");
    else element.setAttribute("data-lm-suppress-shortcuts", "true");
  };
  const inside = (event) => element.contains(event.target) && ours(event);
  window.addEventListener("keydown", inside, true);
  return () => window.removeEventListener("keydown", inside, true);
};

let tables = 0;

function table({ model, el }) {
  const own = `glacier-table-${(tables += 1)}-${Math.random().toString(36).slice(2, 8)}`;
  const ROW = model.get("line") || LINE;
  const columns = model.get("columns");
  const kinds = columns.map((column) => (column.number ? "gm-number" : ""));
  const out = columns.map(() => false); // columns that there is no room for
  const heads = columns.map(head);
  const space = make("div", { class: "gm-space", role: "presentation" });
  const pane = make("div", { class: "gm-pane", role: "rowgroup" });
  const nothing = make("div", { class: "gm-nothing" }, "Nothing matches.");
  const top = make(
    "div",
    { class: "gm-head", role: "row", "aria-rowindex": 1 },
    make("div", { role: "columnheader", class: "gm-mark" }, make("span", { class: "gm-unseen" }, "selected")),
    ...heads.map((one) => one.cell),
  );
  const grid = make(
    "div",
    {
      class: "gm-grid", role: "grid", tabindex: 0, "aria-label": model.get("label"),
      "aria-multiselectable": "true", "aria-colcount": columns.length + 1,
      "aria-describedby": `${own}-status`,
    },
    make("div", { role: "rowgroup", class: "gm-heads" }, top),
    pane,
    space,
  );
  const status = make("div", { class: "gm-status", role: "status", id: `${own}-status` });
  const whole = make("div", { class: `glacier gm-table${ROW > LINE ? " gm-tall" : ""}` }, grid, nothing, status);
  whole.style.setProperty("--gm-line", `${ROW}px`);
  el.append(whole);
  const free = keep(whole);

  // Not what the page measures: that is nothing while a tab is hidden or a theme is changed.
  const high = model.get("height") * ROW;
  let page = {};
  let cache = new Map(); // place -> row
  let faded = new Map(); // rows as they were, shown until they have come anew
  let place = 0; // of the uppermost row, with its fraction
  let active = -1;
  let anchor = 0;
  let asked = null; // at most one request is in flight
  let drawn = 0;
  let settled = 0; // the scroll position that was set from here
  const lines = [];

  function head(column, number) {
    const arrow = make("span", { class: "gm-arrow", "aria-hidden": "true" });
    const kind = kinds[number];
    if (!column.sortable) {
      return { column, arrow, cell: make("div", { role: "columnheader", class: kind }, column.label) };
    }
    const button = make("button", { type: "button", title: `Sort by ${column.label}` }, column.label, arrow);
    button.addEventListener("click", () => {
      const down = page.sort === column.key || (page.sort !== `-${column.key}` && column.down);
      model.send({ kind: "sort", sort: `${down ? "-" : ""}${column.key}` });
    });
    return { column, arrow, cell: make("div", { role: "columnheader", class: kind, "aria-sort": "none" }, button) };
  }

  const count = () => (page.count === null ? page.start + page.rows.length : page.count);
  const fit = () => Math.max(1, Math.floor(high / ROW));
  const tall = () => Math.min(count() * ROW, TALLEST);
  const last = () => Math.max(0, count() - high / ROW);
  const scaled = () => count() * ROW > TALLEST;

  function line() {
    const mark = make("div", { role: "gridcell", class: "gm-mark" });
    const cells = kinds.map((kind) => make("div", { role: "gridcell", class: kind }, make("bdi")));
    const element = make("div", { role: "row", class: "gm-row" }, mark, ...cells);
    element.addEventListener("click", (event) => clicked(element.place, event, mark.contains(event.target)));
    cells.forEach((cell, i) => (cell.hidden = out[i]));
    pane.append(element);
    return { element, mark, cells, row: undefined };
  }

  function fill(one, number) {
    const row = cache.get(number) || faded.get(number);
    one.element.place = number;
    one.element.id = `${own}-${number}`;
    one.element.setAttribute("aria-rowindex", number + 2);
    one.element.setAttribute("aria-selected", row && row[2] ? "true" : "false");
    one.element.classList.toggle("gm-active", number === active);
    one.element.classList.toggle("gm-odd", number % 2 === 1);
    one.mark.textContent = row && row[2] ? "✓" : "";
    if (one.row === row && row) return;
    one.row = row;
    one.cells.forEach((cell, i) => {
      cell.firstChild.textContent = row ? row[0][i] : "…";
      cell.title = row ? row[1][i] || row[0][i] : "";
    });
  }

  function draw() {
    drawn = 0;
    const first = Math.floor(place);
    const shown = Math.min(count() - first, Math.ceil(high / ROW) + 1);
    while (lines.length < shown) lines.push(line());
    lines.forEach((one, i) => {
      one.element.hidden = i >= shown;
      if (i < shown) fill(one, first + i);
    });
    pane.style.setProperty("--gm-shift", `${-(place - first) * ROW}px`);
    const there = active >= first && active < first + shown;
    if (there) grid.setAttribute("aria-activedescendant", `${own}-${active}`);
    else grid.removeAttribute("aria-activedescendant");
    ask(first, first + shown);
  }

  const redraw = () => {
    drawn = drawn || requestAnimationFrame(draw);
  };

  function ask(start, stop) {
    if (asked) return;
    let missing = start;
    while (missing < stop && cache.has(missing)) missing += 1;
    if (missing >= stop) return;
    const size = stop - start;
    asked = { start: Math.max(0, start - size), stop: Math.min(count(), stop + 2 * size) };
    if (page.count === null) asked.stop = stop + size;
    model.send({ kind: "rows", version: page.version, ...asked });
  }

  function scrollTo(next) {
    place = Math.min(Math.max(0, next), last());
    const most = tall() - high;
    grid.scrollTop = last() > 0 ? (place / last()) * most : 0;
    settled = grid.scrollTop;
    redraw();
  }

  function scrolled() {
    if (Math.abs(grid.scrollTop - settled) < 1.5) return;
    settled = grid.scrollTop;
    const most = tall() - high;
    place = most > 0 ? Math.min(last(), (grid.scrollTop / most) * last()) : 0;
    redraw();
  }

  // Where places are scaled, a turn of the wheel would leap over rows.
  function wheeled(event) {
    if (!scaled() || event.ctrlKey || !event.deltaY) return;
    const step = event.deltaMode === 1 ? event.deltaY : event.deltaY / ROW;
    if ((step < 0 && place <= 0) || (step > 0 && place >= last())) return;
    event.preventDefault();
    scrollTo(place + step);
  }

  function show(number) {
    if (number < place) scrollTo(number);
    else if (number > place + fit() - 1) scrollTo(number - fit() + 1);
    else redraw();
  }

  const sight = () => {
    const first = Math.floor(place);
    return [first, Math.min(count(), first + Math.ceil(high / ROW) + 1)];
  };

  function select(how, start = 0, stop = 0) {
    model.send({ kind: "select", version: page.version, how, start, stop, sight: sight() });
  }

  function span(how) {
    select(how, Math.min(anchor, active), Math.max(anchor, active) + 1);
  }

  function clicked(number, event, mark) {
    grid.focus({ preventScroll: true });
    active = number;
    if (event.shiftKey) span(event.ctrlKey || event.metaKey ? "add" : "only");
    else {
      anchor = number;
      if (mark || event.ctrlKey || event.metaKey) select("toggle", number, number + 1);
      else select("only", number, number + 1);
    }
    redraw();
  }

  const moves = {
    ArrowDown: () => active + 1,
    ArrowUp: () => active - 1,
    PageDown: () => active + fit(),
    PageUp: () => active - fit(),
    Home: () => 0,
    End: () => count() - 1,
  };

  function pressed(event) {
    if (event.target !== grid || event.altKey) return;
    const held = event.ctrlKey || event.metaKey;
    if (moves[event.key] && !count()) {
      // the key goes no further all the same: it would move the notebook's cursor
    } else if (moves[event.key]) {
      const before = active;
      active = Math.min(count() - 1, Math.max(0, moves[event.key]()));
      if (event.shiftKey) {
        if (before < 0) anchor = active;
        span("only");
      } else anchor = active;
      show(active);
    } else if (event.key === " ") {
      if (active < 0) active = Math.floor(place);
      if (event.shiftKey) span("only");
      else {
        anchor = active;
        select("toggle", active, active + 1);
      }
    } else if (held && event.key.toLowerCase() === "a") select("all");
    else if (event.key === "Escape") select("none");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function take(rows, start) {
    rows.forEach((row, i) => cache.set(start + i, row));
    if (cache.size > 4000) cache = new Map([...cache].slice(-2000));
  }

  function changed() {
    const next = { ...model.get("page"), ...model.get("totals") };
    const before = page;
    page = next;
    // Another answer, or another selection of the same one: rows out of sight are requested again.
    faded = next.version === before.version ? cache : new Map();
    cache = new Map();
    asked = null;
    take(next.rows, next.start);
    if (next.version !== before.version) {
      active = -1;
      anchor = 0;
      place = 0;
    }
    settle();
    scrollTo(place);
  }

  function settle() {
    space.style.height = `${Math.max(0, tall() - high)}px`;
    grid.setAttribute("aria-rowcount", page.count === null ? -1 : page.count + 1);
    nothing.hidden = page.count !== 0;
    status.textContent = page.words;
    for (const { column, arrow, cell } of heads) {
      const up = page.sort === column.key;
      const down = page.sort === `-${column.key}`;
      arrow.textContent = up ? " ▲" : down ? " ▼" : "";
      if (column.sortable) cell.setAttribute("aria-sort", up ? "ascending" : down ? "descending" : "none");
    }
  }

  function heard(message) {
    if (message.kind === "said") status.textContent = message.words;
    if (message.kind !== "rows") return;
    asked = null;
    if (message.version === page.version) {
      showTotals(message);
      take(message.rows, message.start);
    }
    redraw();
  }

  function showTotals({ count: number, words }) {
    if (number === page.count && words === page.words) return;
    if (words !== page.words) {
      faded = cache; // the selection out of sight may be another
      cache = new Map();
    }
    page = { ...page, count: number, words };
    settle();
  }

  function refreshTotals() {
    showTotals(model.get("totals"));
    redraw();
  }

  pane.style.height = `${high}px`;
  grid.style.height = `${high + HEAD}px`;
  model.on("change:page", changed);
  model.on("change:totals", refreshTotals);
  model.on("msg:custom", heard);
  grid.addEventListener("keydown", pressed);
  grid.addEventListener("scroll", scrolled, { passive: true });
  grid.addEventListener("wheel", wheeled, { passive: false });
  const sizes = new ResizeObserver(() => {
    columns.forEach((column, i) => (out[i] = column.wide > whole.clientWidth));
    const kept = columns.filter((_, i) => !out[i]).map((column) => column.width);
    whole.style.setProperty("--gm-tracks", `2.1em ${kept.join(" ")}`);
    heads.forEach(({ cell }, i) => (cell.hidden = out[i]));
    lines.forEach(({ cells }) => cells.forEach((cell, i) => (cell.hidden = out[i])));
    if (page.rows) settle();
    redraw();
  });
  sizes.observe(grid);
  changed();
  return () => {
    free();
    model.off("change:page", changed);
    model.off("change:totals", refreshTotals);
    model.off("msg:custom", heard);
    sizes.disconnect();
  };
}

export default { render: table };
