// The explorer: folders, facets and pictures around the table of table.js, which stands before this.
//
// model: what the table has, looks {growth (a title), acts [what, words, title, class]}, and scene {crumbs, totals, tiles, facets, filter, errors, footer,
// chosen, busy, notice}, tree (the folders at the top).

function explorer({ model, el }) {
  const say = (kind, more = {}) => model.send({ kind, ...more });
  const text = (tag, words, attributes = {}) => make(tag, attributes, words);
  const press = (words, action, attributes = {}) => {
    const button = text("button", words, { type: "button", ...attributes });
    button.addEventListener("click", action);
    return button;
  };

  const crumbs = make("nav", { class: "ge-crumbs", "aria-label": "Folder" });
  const totals = make("div", { class: "ge-totals" });
  const tiles = make("div", { class: "ge-tiles", role: "group", "aria-label": "Size by folder" });
  const years = make("div", { class: "ge-years", role: "group", "aria-label": `${model.get("looks").growth} (UTC)` });
  const tree = make("div", { class: "ge-tree", role: "tree", "aria-label": "Folders" });
  const facets = make("div", { class: "ge-facets" });
  const slot = make("div");
  const footer = make("div", { class: "ge-foot" });
  const notice = make("div", { class: "ge-notice", role: "status" });
  const name = box("name", "Name", "*.tif, or any part of a name");
  const where = box("where", "Where", "size > 1GB and created < '2016'");
  const { growth, acts: wanted } = model.get("looks");
  const acts = new Map(wanted.map(([what, words, title, kind]) =>
    [what, press(words, () => say("act", { what }), { class: `ge-act ${kind}`, title })]));
  const reload = acts.get("reload") || "";
  acts.delete("reload"); // which needs no selection
  const clear = press("Clear filters", () => say("act", { what: "clear" }), { class: "ge-act" });

  el.append(
    make("section", { class: "glacier glacier-explorer", "aria-label": model.get("label") },
      make("div", { class: "ge-top" }, crumbs, totals),
      make("div", { class: "ge-pictures" },
        make("div", { class: "ge-picture" }, text("div", "Size by folder", { class: "ge-title" }), tiles),
        make("div", { class: "ge-picture" }, text("div", growth, { class: "ge-title" }), years)),
      make("div", { class: "ge-main-area" },
        make("div", { class: "ge-side" }, text("div", "Folders", { class: "ge-title" }), tree, facets),
        make("div", { class: "ge-list" },
          make("div", { class: "ge-filters" }, name.whole, where.whole, clear, name.error, where.error),
          slot,
          make("div", { class: "ge-acts", role: "group", "aria-label": "Actions for the selection" }, ...acts.values(), notice))),
      make("div", { class: "ge-last" }, footer, reload)),
  );
  const undo = table({ model, el: slot });
  const free = keep(el);

  function box(key, label, hint) {
    const id = `glacier-${key}-${Math.random().toString(36).slice(2, 8)}`;
    const input = make("input", { id, type: "text", placeholder: hint, spellcheck: "false", autocomplete: "off", "aria-describedby": `${id}-error` });
    const error = make("div", { class: "ge-error", id: `${id}-error`, role: "alert" });
    let timer = 0;
    const send = () => {
      clearTimeout(timer);
      timer = 0;
      say("look", { [key]: input.value });
    };
    input.addEventListener("blur", () => timer && send()); // before anything else is asked
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(send, key === "name" ? 250 : 600);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") send();
      event.stopPropagation();
    });
    return { input, error, whole: make("div", { class: "ge-box" }, text("label", label, { for: id }), input) };
  }

  // Pictures

  function paintCrumbs(list) {
    crumbs.replaceChildren(...list.flatMap(([path, label], i) => {
      const at = i === list.length - 1;
      const one = press(label, () => say("look", { folder: path }), { class: "ge-crumb", "aria-current": at ? "page" : null });
      return i ? [text("span", "›", { "aria-hidden": "true", class: "ge-step" }), one] : [one];
    }));
  }

  function paintTiles(list) {
    tiles.replaceChildren(...list.map(([x, y, width, height, path, label, size, title], i) => {
      const attributes = {
        class: `ge-tile ge-shade${i % 4}`, title, "aria-label": title,
        style: `left:${x * 100}%;top:${y * 100}%;width:${width * 100}%;height:${height * 100}%`,
      };
      const words = [make("bdi", {}, label), text("small", size)];
      if (path === null) return make("div", { ...attributes, class: "ge-tile ge-rest", role: "img" }, ...words);
      const button = press("", () => say("look", { folder: path }), attributes);
      button.append(...words);
      return button;
    }));
  }

  function paintYears(list) {
    const most = Math.max(1, ...list.map((one) => one.bytes));
    years.replaceChildren(...list.map((one) => {
      const bar = press("", () => say("look", { year: one.chosen ? null : one.value }), {
        class: "ge-year", "aria-pressed": one.chosen, title: one.words, "aria-label": one.words,
      });
      const part = Math.max(one.bytes ? 2 : 0, (one.bytes / most) * 100);
      bar.append(
        make("span", { class: "ge-bar" }, make("span", { style: `height:${part}%` })),
        text("span", one.value === "unknown" ? "?" : `’${one.value.slice(2)}`, { class: "ge-tick" }),
      );
      return bar;
    }));
  }

  function paintFacets(groups) {
    facets.replaceChildren(...groups.filter((group) => group.choices.length).map(({ facet, label, choices }) => {
      const most = Math.max(1, ...choices.map((one) => one.archives));
      return make("div", { role: "group", "aria-label": label }, text("div", label, { class: "ge-title" }),
        ...choices.map((one) => {
          const button = press("", () => say("look", { [facet]: one.chosen ? null : one.value }), {
            class: "ge-choice", "aria-pressed": one.chosen, title: one.words,
            style: `--part:${(one.archives / most) * 100}%`,
          });
          button.append(
            text("span", one.chosen ? "✓ " : "", { "aria-hidden": "true" }),
            make("bdi", {}, one.label), text("span", one.short, { class: "ge-count" }),
          );
          return button;
        }));
    }));
  }

  // Folders

  let open = new Set();
  let branches = new Map(); // path -> {rows, more, sums}
  let here = "";
  let at = null; // path of the item that Tab reaches

  function items(path, level) {
    const known = branches.get(path);
    if (!known) return [];
    const found = known.rows.flatMap(([child, label, size, title, deeper]) => {
      const spread = open.has(child);
      const item = make("div", {
        role: "treeitem", "aria-level": level, "aria-selected": child === here,
        "aria-expanded": deeper ? spread : null, tabindex: -1, class: "ge-item", title,
        style: `padding-left:${level * 12 - 8}px`,
      });
      item.path = child;
      item.deeper = deeper;
      const twist = text("span", deeper ? (spread ? "▾" : "▸") : "", { class: "ge-twist", "aria-hidden": "true" });
      twist.addEventListener("click", (event) => {
        event.stopPropagation();
        turn(child, deeper, !spread);
      });
      item.append(twist, make("bdi", {}, label), text("span", size, { class: "ge-count" }));
      item.addEventListener("click", () => {
        at = child;
        say("look", { folder: child === here ? "" : child });
      });
      return [item, ...(spread ? items(child, level + 1) : [])];
    });
    if (known.more) found.push(text("div", "and smaller folders", { class: "ge-more", role: "none" }));
    return found;
  }

  function paintTree(focus = false) {
    tree.replaceChildren(...items("", 1));
    const all = [...tree.querySelectorAll("[role=treeitem]")];
    const one = all.find((item) => item.path === at) || all.find((item) => item.path === here) || all[0];
    if (!one) return;
    one.tabIndex = 0;
    at = one.path;
    if (focus) one.focus();
  }

  // The item that has the focus keeps it, wherever it stands now.
  function repaintTree() {
    const focused = tree.contains(document.activeElement);
    if (focused) at = document.activeElement.path;
    paintTree(focused);
  }

  function turn(path, deeper, spread) {
    if (!deeper) return;
    at = path;
    if (spread) open.add(path);
    else open.delete(path);
    if (spread && !branches.has(path)) say("branches", { path });
    paintTree(true);
  }

  tree.addEventListener("keydown", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = [...tree.querySelectorAll("[role=treeitem]")];
    const spot = all.indexOf(item);
    const spread = item.getAttribute("aria-expanded") === "true";
    const go = (to) => {
      if (!to) return;
      item.tabIndex = -1;
      to.tabIndex = 0;
      at = to.path;
      to.focus();
    };
    const parent = () => all.slice(0, spot).reverse()
      .find((one) => Number(one.ariaLevel) < Number(item.ariaLevel));
    const keys = {
      ArrowDown: () => go(all[spot + 1]),
      ArrowUp: () => go(all[spot - 1]),
      Home: () => go(all[0]),
      End: () => go(all[all.length - 1]),
      ArrowRight: () => (spread ? go(all[spot + 1]) : turn(item.path, item.deeper, true)),
      ArrowLeft: () => (spread ? turn(item.path, true, false) : go(parent())),
      Enter: () => say("look", { folder: item.path === here ? "" : item.path }),
      " ": () => say("look", { folder: item.path === here ? "" : item.path }),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });

  // All of it

  function paint() {
    const scene = model.get("scene");
    paintCrumbs(scene.crumbs);
    totals.textContent = scene.totals;
    for (const part of [tiles, tree]) part.classList.toggle("ge-stale", scene.stale);
    paintTiles(scene.tiles);
    const focused = facets.contains(document.activeElement) || years.contains(document.activeElement)
      ? document.activeElement.title.split(":")[0] : null;
    paintYears(scene.years);
    paintFacets(scene.facets);
    if (focused !== null) {
      [...facets.querySelectorAll("button"), ...years.querySelectorAll("button")]
        .find((button) => button.title.split(":")[0] === focused)?.focus();
    }
    for (const [key, one] of Object.entries({ name, where })) {
      if (document.activeElement !== one.input) one.input.value = scene.filter[key];
      one.error.textContent = scene.errors[key] || "";
      one.input.setAttribute("aria-invalid", scene.errors[key] ? "true" : "false");
    }
    clear.disabled = !scene.filtered;
    for (const act of acts.values()) act.disabled = !scene.chosen || scene.busy;
    notice.textContent = scene.notice;
    footer.textContent = scene.footer;
    if (here !== scene.filter.folder || !tree.children.length) {
      here = scene.filter.folder;
      repaintTree();
    }
  }

  // Other sums of the folders: those of open folders stay until theirs have come.
  function plant() {
    branches = new Map([...branches].filter(([path]) => open.has(path)));
    branches.set("", model.get("tree"));
    for (const path of open) say("branches", { path });
    repaintTree();
  }

  function heard(message) {
    if (message.kind !== "branches" || message.sums !== branches.get("").sums) return;
    branches.set(message.path, message);
    repaintTree();
  }

  // The kernel reads the catalogue again while somebody sees it.
  let within = false;
  let seen = false;
  function see() {
    const now = within && !document.hidden;
    if (now !== seen) say("visible", { visible: now });
    seen = now;
  }
  const sight = new IntersectionObserver((entries) => {
    within = entries[entries.length - 1].isIntersecting;
    see();
  });

  model.on("change:scene", paint);
  model.on("change:tree", plant);
  model.on("msg:custom", heard);
  document.addEventListener("visibilitychange", see);
  plant();
  paint();
  sight.observe(el);
  return () => {
    undo();
    free();
    sight.disconnect();
    document.removeEventListener("visibilitychange", see);
    within = false;
    see();
    model.off("change:scene", paint);
    model.off("change:tree", plant);
    model.off("msg:custom", heard);
  };
}

export default { render: explorer };
