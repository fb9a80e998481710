// The job board: the table of table.js, which precedes this, the rate of all transfers, the places of
// files, and a notification when all jobs have ended.
//
// model: that of the table; ended: the text of the notification, "" until all jobs have ended;
// rate {text, error}; places {paths, home, press}: paths to show, the first of which a press of
// "Open folder" opens.

// The settings that JupyterLab puts into its page; other front ends have others, or none.
function settings() {
  try {
    return JSON.parse(document.getElementById("jupyter-config-data").textContent);
  } catch {
    return {};
  }
}

// The path of a file as JupyterLab's server names it; null if it serves no such file.
function served(path, home) {
  const [file, root] = [path, (settings().serverRoot || "").replace(/^~(?=\/|$)/, () => home)].map((one) =>
    one.replaceAll("\\", "/").replace(/\/+$/, ""),
  );
  if (!settings().serverRoot || !`${file}/`.startsWith(`${root}/`)) return null;
  const below = file.slice(root.length + 1);
  return below.split("/").some((part) => part.startsWith(".")) ? null : below; // it hides those
}

function place(path, home) {
  const below = served(path, home);
  const code = make("code", {}, path);
  const item = make("li", {}, code);
  if (below !== null) {
    const { baseUrl, appUrl } = settings();
    const link = make("a", {
      href: `${(baseUrl || "/").replace(/\/$/, "")}${appUrl || "/lab"}/tree/${encodeURI(below).replace(/[?#]/g, encodeURIComponent)}`,
      title: "Open in JupyterLab",
      "data-commandlinker-command": "filebrowser:open-path",
      "data-commandlinker-args": JSON.stringify({ path: below }),
    });
    code.replaceWith(link);
    link.append(code);
  }
  if (navigator.clipboard) {
    const copy = make("button", { type: "button", "aria-label": `Copy the path ${path}` }, "Copy path");
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(path);
      copy.textContent = "Copied";
    });
    item.append(copy);
  }
  return item;
}

function board({ model, el }) {
  const own = `glacier-board-${Math.random().toString(36).slice(2, 8)}`;
  const slot = make("div");
  const ask = make("button", { type: "button" }, "Notify me");
  ask.title = "Show a browser notification when all requests are done";
  const field = make("input", {
    id: own, type: "text", size: 14, placeholder: "no limit", spellcheck: "false",
    title: "10MB/s or 500kB/s; empty: no limit", "aria-describedby": `${own}-error`,
  });
  const error = make("span", { class: "gb-error", role: "alert", id: `${own}-error` });
  const label = make("label", { for: own }, "Max rate");
  const foot = make("div", { class: "gb-foot" }, ask, make("span", { class: "gb-rate" }, label, field), error);
  const places = make("div", { class: "gb-places" });
  el.append(
    make("section", { class: "glacier gb-board", "aria-label": model.get("label") }, slot, foot, places),
  );
  const undo = table({ model, el: slot });
  const free = keep(foot);
  const known = "Notification" in window;
  let notified = Boolean(model.get("ended")); // notify only of what ends while the page is open

  function paint() {
    ask.hidden = !known || Notification.permission !== "default" || Boolean(model.get("ended"));
  }

  // Browsers allow the permission request only after a click.
  async function pressed() {
    await Notification.requestPermission();
    paint();
  }

  function changed() {
    const ended = model.get("ended");
    if (ended && !notified && known && Notification.permission === "granted") {
      try {
        new Notification("Glacier", { body: ended, tag: model.get("label") });
      } catch {
        // only a service worker may notify in this browser; the status line shows the same text
      }
    }
    notified = Boolean(ended);
    paint();
  }

  // A refused rate stays in the field, with the reason beside it.
  function showRate() {
    const rate = model.get("rate") || { text: "", error: "" };
    if (!rate.error) field.value = rate.text;
    error.textContent = rate.error ? `⚠ ${rate.error}` : "";
    if (rate.error) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  function showPlaces() {
    const { paths = [], home = "" } = model.get("places") || {};
    places.hidden = !paths.length;
    places.replaceChildren(make("ul", {}, ...paths.map((path) => place(path, home))));
  }

  function opened() {
    showPlaces();
    const link = places.querySelector("a");
    if (model.get("places").press && link && el.offsetParent) link.click(); // JupyterLab acts on it
  }

  const send = () => model.send({ kind: "rate", text: field.value });
  field.addEventListener("change", send);
  field.addEventListener("keydown", (event) => event.key === "Enter" && send()); // JupyterLab takes the change
  ask.addEventListener("click", pressed);
  const heard = { ended: changed, rate: showRate, places: opened };
  for (const [name, act] of Object.entries(heard)) model.on(`change:${name}`, act);
  paint();
  showRate();
  showPlaces();
  return () => {
    undo();
    free();
    for (const [name, act] of Object.entries(heard)) model.off(`change:${name}`, act);
  };
}

export default { render: board };
