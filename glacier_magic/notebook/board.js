// The job board: the table of table.js, which stands before this, and news when all of it is there.
//
// model: what the table has, and ended: what to tell once nothing more is to come, "" until then.

function board({ model, el }) {
  const slot = make("div");
  const ask = make("button", { type: "button", class: "gb-ask" }, "Notify me");
  ask.title = "Show a browser notification when all requests are done";
  el.append(make("section", { class: "glacier gb-board", "aria-label": model.get("label") }, slot, ask));
  const undo = table({ model, el: slot });
  const known = "Notification" in window;
  let told = Boolean(model.get("ended")); // what ended before the page was opened is no news

  function paint() {
    ask.hidden = !known || Notification.permission !== "default" || Boolean(model.get("ended"));
  }

  // A browser asks the user only after a press, and this is the only one that leads there.
  async function pressed() {
    await Notification.requestPermission();
    paint();
  }

  function changed() {
    const ended = model.get("ended");
    if (ended && !told && known && Notification.permission === "granted") {
      try {
        new Notification("Glacier", { body: ended, tag: model.get("label") });
      } catch {
        // where only a service worker may notify, the line above has told it
      }
    }
    told = Boolean(ended);
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
