// Tables in the place of their records: HTML that any page shows, until a live page replaces it.
//
// Each place has a token; the kernel answers it with the model of its table.  The page may have places of
// other kernels, too, which answer theirs.

function initialize({ model }) {
  const known = document.getElementsByClassName("glacier-frame"); // live: it follows the page
  const asked = new WeakSet();
  const records = new Map();
  let due = 0;

  function look() {
    due = 0;
    for (const place of known) {
      if (asked.has(place)) continue;
      asked.add(place);
      model.send({ token: place.dataset.frame });
    }
  }

  async function heard({ kind, token, model: name }) {
    if (kind !== "opened") return;
    const table = await model.widget_manager.get_model(name);
    for (const place of [...known]) {
      if (place.dataset.frame !== token || records.has(place)) continue;
      records.set(place, [...place.childNodes]);
      const view = await model.widget_manager.create_view(table);
      place.replaceChildren(view.el);
    }
  }

  // The kernel has restarted, or the table is closed.
  function restore() {
    for (const [place, record] of records) place.replaceChildren(...record);
    records.clear();
  }

  const changes = new MutationObserver(() => (due = due || setTimeout(look, 50)));
  changes.observe(document.body, { childList: true, subtree: true });
  model.on("msg:custom", heard);
  model.on("comm_live_update", restore);
  look();
  return () => {
    changes.disconnect();
    clearTimeout(due);
    restore();
  };
}

export default { initialize };
