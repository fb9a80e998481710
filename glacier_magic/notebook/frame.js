// The table of table.js, which precedes this, of a DataFrame: it can be copied, and has more columns.
//
// model: that of the table, and more: whether all columns are shown.

function frame({ model, el }) {
  const slot = make("div");
  const more = make("button", { type: "button" });
  const copy = make("button", { type: "button", title: "Copy the selected rows, or all, with exact values" }, "Copy");
  const acts = make("div", { class: "gf-acts" }, more, copy);
  const whole = make("div", { class: "glacier gf-frame" }, slot, acts);
  el.append(whole);
  const undo = table({ model, el: slot });
  const status = slot.querySelector(".gm-status");

  function paint() {
    more.textContent = model.get("more") ? "Fewer columns" : "More columns";
    const out = slot.querySelectorAll(".gm-head > [hidden]").length;
    more.hidden = !out && !model.get("more");
  }

  async function write(text) {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return;
    }
    const box = make("textarea", { class: "gm-unseen" }); // a page over plain HTTP has no clipboard
    const before = document.activeElement;
    box.value = text;
    whole.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    before.focus();
    if (!done) throw new Error();
  }

  async function heard({ kind, text, words }) {
    if (kind !== "copied") return;
    try {
      await write(text);
      status.textContent = words;
    } catch {
      status.textContent = "The browser does not let this page copy.";
    }
  }

  function pressed(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "c") return;
    if (!getSelection().isCollapsed) return; // text that is selected is copied by the browser
    event.preventDefault();
    event.stopPropagation();
    model.send({ kind: "copy" });
  }

  more.addEventListener("click", () => model.set("more", !model.get("more")));
  copy.addEventListener("click", () => model.send({ kind: "copy" }));
  slot.addEventListener("keydown", pressed);
  model.on("change:more", paint);
  model.on("msg:custom", heard);
  const sizes = new ResizeObserver(paint); // a narrow page leaves columns out
  sizes.observe(whole);
  paint();
  return () => {
    undo();
    sizes.disconnect();
    model.off("change:more", paint);
    model.off("msg:custom", heard);
  };
}

export default { render: frame };
