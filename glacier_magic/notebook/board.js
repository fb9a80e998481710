// The job board: the table of table.js, which precedes this, and a notification when all jobs have ended.
//
// model: that of the table, and ended: the text of the notification, "" until all jobs have ended.

function board({ model, el }) {
  const slot = make("div");
  const ask = make("button", { type: "button", class: "gb-ask" }, "Notify me");
  ask.title = "Show a browser notification when all requests are done";
  el.append(make("section", { class: "glacier gb-board", "aria-label": model.get("label") }, slot, ask));
  const undo = table({ model, el: slot });
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

  ask.addEventListener("click", pressed);
  model.on("change:ended", changed);
  paint();
  return () => {
    undo();
    model.off("change:ended", changed);
  };
}

export default { render: board };
