// A virtual table: the page holds the visible rows only.
//
// model: columns, page {version, start, rows, sort}, moved {place in rows: row}, totals {count, words},
// label, height, line, nothing.  A row is [cells, titles, selected, {icon, tone, done, note}]; one of moved
// has the cells and titles that differ from those of the page, by column.  Rows are requested by position; answers
// of another version are dropped.  All text is set as text, never as markup.

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
// in here, except what is held with Ctrl, such as saving; Ctrl+A is all rows, and Ctrl+C copies them.
const keep = (element) => {
  const ours = (event) => {
    const held = (event.ctrlKey || event.metaKey) && !"ac".includes(event.key.toLowerCase());
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
  const most = columns.map(({ width }) => parseFloat((/^fit-content\((.*)px\)/.exec(width) || [])[1])); // or NaN
  const fitting = most.some((pixels) => pixels > 0);
  let widest = columns.map(() => 0); // pixels of the widest text, of columns that fit theirs
  const ruler = make("canvas").getContext("2d");
  const barred = columns.findIndex(({ bar }) => bar);
  const heads = columns.map(head);
  const space = make("div", { class: "gm-space", role: "presentation" });
  const pane = make("div", { class: "gm-pane", role: "rowgroup" });
  const nothing = make("div", { class: "gm-nothing" });
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
  let high = 0; // pixels of the rows in sight
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
  const above = ({ under }) => columns.findIndex(({ key }) => key === under);
  const hosts = new Set(columns.map(above).filter((i) => i >= 0));

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
    const cells = columns.map(({ icon }, i) => {
      const text = [make("bdi")];
      if (icon) text.unshift(make("span", { class: "gm-icon", "aria-hidden": "true" }));
      if (i === 0 || hosts.has(i)) text.push(make("small"));
      return make("div", { role: "gridcell", class: kinds[i] }, ...text);
    });
    const bar = make("div", { class: "gm-bar", role: "progressbar", "aria-valuemax": 100 }, make("div"));
    const element = make("div", { role: "row", class: "gm-row" }, mark, ...cells);
    element.addEventListener("click", (event) => clicked(element.place, event, mark.contains(event.target)));
    const one = { element, mark, cells, bar, row: undefined };
    arrange(one);
    pane.append(element);
    return one;
  }

  // Hide the cells that there is no room for; a hidden bar moves to the column that its text is under.
  function arrange(one) {
    one.cells.forEach((cell, i) => (cell.hidden = out[i]));
    one.row = undefined;
    const place = out[barred] ? above(columns[barred]) : barred;
    if (place >= 0) one.cells[place].append(one.bar);
  }

  // The texts of the hidden columns that are shown under column number i.
  const below = (i, cells) =>
    columns
      .map(({ under, words }, k) => (out[k] && under === columns[i].key && cells[k] ? words.replace("{}", () => cells[k]) : ""))
      .filter(Boolean)
      .join(" · ");

  function look(one, row) {
    const [cells, titles, , looks = {}] = row || [columns.map(() => "…"), columns.map(() => "")];
    one.cells.forEach((cell, i) => {
      const [text, small, icon] = ["bdi", "small", ".gm-icon"].map((kind) => cell.querySelector(`:scope > ${kind}`));
      // The end of a path distinguishes it: its folders are cut first.
      const paths = i ? !columns[i].under && !hosts.has(i) : ROW === LINE || looks.note || below(i, cells);
      const cut = paths ? cells[i].slice(0, -1).search(/[/\\][^/\\]*$/) + 1 : 0;
      if (cut > 5) text.replaceChildren(make("span", {}, cells[i].slice(0, cut)), make("span", {}, cells[i].slice(cut)));
      else text.textContent = cells[i];
      cell.title = titles[i] || cells[i];
      cell.classList.toggle("gm-warn", cells[i].startsWith("⚠"));
      if (small) {
        small.textContent = (i === 0 && looks.note) || below(i, cells);
        small.classList.toggle("gm-warn", small.textContent.includes("⚠"));
        cell.classList.toggle("gm-two", Boolean(small.textContent));
        if (small.textContent) cell.title += `\n${small.textContent}`;
      }
      if (icon) {
        icon.textContent = looks.icon || "";
        icon.className = `gm-icon gm-${looks.tone || "plain"}`;
      }
    });
    const { done } = looks;
    one.bar.hidden = done === undefined;
    if (done === undefined) return;
    one.bar.firstChild.style.width = `${100 * done}%`;
    one.bar.setAttribute("aria-valuenow", Math.floor(100 * done));
    one.bar.setAttribute("aria-valuetext", cells[barred]);
    one.bar.setAttribute("aria-label", `${columns[barred].label}: ${cells[0]}`);
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
    look(one, row);
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
    if (whole.clientWidth && measure(rows)) layOut();
    if (cache.size > 4000) cache = new Map([...cache].slice(-2000));
  }

  // Widen the columns that fit their content; return whether one became wider.
  function measure(rows) {
    if (!fitting) return false;
    const before = widest.join();
    const { fontSize, fontFamily } = getComputedStyle(whole);
    ruler.font = `${fontSize} ${fontFamily}`;
    const wide = (text) => Math.ceil(1.02 * ruler.measureText(text).width) + 18; // digits may be wider
    widest = widest.map((pixels, i) => {
      if (!most[i]) return 0;
      const icon = columns[i].icon ? 20 : 0;
      const texts = rows.map((row) => wide(row[0][i]) + icon);
      return Math.min(most[i], Math.max(pixels, 1.1 * wide(`${columns[i].label} ▲`), ...texts));
    });
    return widest.join() !== before;
  }

  // The least pixels of a column: of its text, or of its track.
  function least(i) {
    if (!most[i]) return 13 * parseFloat((/[\d.]+(?=em)/.exec(columns[i].width) || [6])[0]);
    const more = columns.some(({ key }, k) => out[k] && columns[k].under === columns[i].key && key);
    return more ? most[i] : widest[i]; // the text below is as wide as it may be
  }

  // Share the width among the columns; the least important ones give way.
  function layOut() {
    const all = Boolean(model.get("more")); // then, the table scrolls sideways
    const room = grid.clientWidth - 27;
    columns.forEach((column, i) => (out[i] = !all && (column.detail || (!fitting && column.wide > whole.clientWidth))));
    const order = columns.map((_, i) => i).filter((i) => columns[i].wide).sort((a, b) => columns[b].wide - columns[a].wide);
    const needed = () => columns.reduce((sum, _, i) => sum + (out[i] ? 0 : least(i)), 0);
    while (!all && fitting && order.length && needed() > room) out[order.shift()] = true;
    const tracks = columns.map(({ width }, i) => (most[i] ? `minmax(0, ${least(i)}px)` : width)).filter((_, i) => !out[i]);
    whole.style.setProperty("--gm-tracks", `27px ${tracks.join(" ")}`);
    const widest = tracks.reduce((sum, track) => sum + parseFloat(/[\d.]+(?=em)/.exec(track)), 2.1);
    whole.style.setProperty("--gm-least", all ? `${widest}em` : "0");
    whole.classList.toggle("gm-more", all);
    heads.forEach(({ cell }, i) => (cell.hidden = out[i]));
    lines.forEach(arrange);
  }

  // The page with what has changed since it was sent.
  function latest() {
    const sent = model.get("page");
    const rows = [...sent.rows];
    for (const [place, [cells, titles, ...looks]] of Object.entries(model.get("moved") || {})) {
      const old = rows[place];
      rows[place] = [Object.assign([...old[0]], cells), Object.assign([...old[1]], titles), ...looks];
    }
    return { ...sent, ...model.get("totals"), rows };
  }

  function changed() {
    const next = latest();
    // The same query may be answered again: rows may have come or gone, but the place stays.
    const same = (next.query ?? next.version) === (page.query ?? page.version);
    page = next;
    // Another answer, or another selection of the same one: rows out of sight are requested again.
    faded = same ? cache : new Map();
    cache = new Map();
    asked = null;
    take(next.rows, next.start);
    if (!same) {
      active = -1;
      anchor = 0;
      place = 0;
    }
    active = Math.min(active, count() - 1);
    anchor = Math.max(0, Math.min(anchor, count() - 1));
    settle();
    scrollTo(place);
  }

  function settle() {
    high = model.get("height") * ROW;
    pane.style.height = `${high}px`;
    grid.style.height = `${high + HEAD + grid.offsetHeight - 2 - grid.clientHeight}px`; // a sideways scroll bar
    space.style.height = `${Math.max(0, tall() - high)}px`;
    grid.setAttribute("aria-rowcount", page.count === null ? -1 : page.count + 1);
    nothing.hidden = page.count !== 0;
    nothing.textContent = model.get("nothing") || "Nothing matches.";
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

  grid.addEventListener("keydown", pressed);
  grid.addEventListener("scroll", scrolled, { passive: true });
  grid.addEventListener("wheel", wheeled, { passive: false });
  function layout() {
    measure([...cache.values()]); // not before the page has it: there is no font yet
    layOut();
    if (page.rows) settle();
    redraw();
  }

  const sizes = new ResizeObserver(layout);
  sizes.observe(grid);
  const acts = {
    "change:page": changed,
    "change:moved": changed,
    "change:totals": refreshTotals,
    "change:more": layout,
    "change:height": layout,
    "msg:custom": heard,
  };
  for (const [name, act] of Object.entries(acts)) model.on(name, act);
  changed();
  return () => {
    free();
    for (const [name, act] of Object.entries(acts)) model.off(name, act);
    sizes.disconnect();
  };
}

export default { render: table };
