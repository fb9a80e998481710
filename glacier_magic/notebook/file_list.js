// The files of an upload queue, each with a button that takes it off the list.
//
// model: head, numbers (places of right-aligned columns), files [{number, cells, removable}], moved {place in
// files: file} with what has changed since, more.  Cells are changed in place, so that a button can be
// pressed while files are sent.

function files({ model, el }) {
  const make = (tag, kind = "", words = "") => {
    const element = document.createElement(tag);
    element.className = kind;
    element.textContent = words;
    return element;
  };
  const kind = (place) => (model.get("numbers").includes(place) ? "num" : place === 0 ? "long" : "");
  const table = make("table", "glacier-table");
  const head = make("tr");
  const body = make("tbody");
  const more = make("p", "glacier-note");
  const scroll = make("div", "glacier-scroll");
  const lines = new Map(); // number -> {row, cells, button}
  table.append(make("thead"), body);
  table.tHead.append(head);
  head.append(...model.get("head").map((words, place) => {
    const cell = make("th", kind(place), words);
    cell.scope = "col";
    return cell;
  }), make("td"));
  scroll.append(table, more);
  el.classList.add("glacier-files");
  el.append(scroll);

  function line({ number }) {
    const row = make("tr");
    const cells = model.get("head").map((_, place) => make("td", kind(place)));
    const last = make("td");
    const button = make("button", "", "×");
    button.type = "button";
    button.addEventListener("click", () => {
      // The focus goes to the next file, else to the one before.
      const all = [...body.querySelectorAll("button:not([hidden])")];
      const place = all.indexOf(button);
      (all[place + 1] || all[place - 1])?.focus();
      model.send({ kind: "remove", number });
    });
    last.append(button);
    row.append(...cells, last);
    return { row, cells, button };
  }

  function paint() {
    const list = Object.assign([...model.get("files")], model.get("moved"));
    const there = new Set(list.map(({ number }) => number));
    for (const [number, { row }] of lines) {
      if (!there.has(number)) {
        row.remove();
        lines.delete(number);
      }
    }
    list.forEach((file, place) => {
      if (!lines.has(file.number)) lines.set(file.number, line(file));
      const { row, cells, button } = lines.get(file.number);
      file.cells.forEach((words, i) => {
        if (cells[i].textContent !== words) cells[i].textContent = words;
      });
      button.hidden = !file.removable;
      button.title = "Take this file off the list";
      button.setAttribute("aria-label", `Take ${file.cells[0]} off the list`);
      if (body.children[place] !== row) body.insertBefore(row, body.children[place] || null);
    });
    table.hidden = !list.length;
    more.textContent = model.get("more");
    more.hidden = !more.textContent;
  }

  model.on("change", paint);
  paint();
  return () => model.off("change", paint);
}

export default { render: files };
