// Choices side by side, one of which is chosen: a group of radio buttons.
//
// model: label, options: the value, the name and more lines of each, value, disabled.

function choices({ model, el }) {
  const group = el.appendChild(document.createElement("fieldset"));
  const legend = group.appendChild(document.createElement("legend"));
  const name = `glacier-${Math.random()}`;
  group.className = "glacier-choices";

  // JupyterLab handles keys first: the arrow keys would move between cells.
  function pressed(event) {
    if (!group.contains(event.target)) return;
    event.target.toggleAttribute("data-lm-suppress-shortcuts", !event.ctrlKey && !event.metaKey);
  }

  function option() {
    const label = document.createElement("label");
    const input = label.appendChild(document.createElement("input"));
    label.append(document.createElement("span"));
    Object.assign(input, { type: "radio", name });
    input.addEventListener("change", () => {
      model.set("value", input.value);
      model.save_changes();
    });
    return label;
  }

  function paint() {
    const options = model.get("options");
    legend.textContent = model.get("label");
    group.disabled = model.get("disabled");
    while (group.children.length > options.length + 1) group.lastChild.remove();
    options.forEach(([value, ...lines], i) => {
      const label = group.children[i + 1] ?? group.appendChild(option());
      label.firstChild.value = value;
      label.firstChild.checked = value === model.get("value");
      label.lastChild.replaceChildren(...lines.map((line) => {
        const shown = document.createElement("span");
        shown.textContent = line;
        return shown;
      }));
    });
  }

  window.addEventListener("keydown", pressed, true);
  model.on("change", paint);
  paint();
  return () => {
    window.removeEventListener("keydown", pressed, true);
    model.off("change", paint);
  };
}

export default { render: choices };
