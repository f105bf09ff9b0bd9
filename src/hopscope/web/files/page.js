// Loaded before textual.js, which draws the terminal: what this page does otherwise.
"use strict";
(() => {
  const ENDED = 1000, FULL = 1013;
  const AGAIN_MS = 3000, LONGEST = 16384;

  // The server is where this page came from, whatever stands in between and however it is called there.
  const here = new URL("ws", location.href);
  here.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  here.search = here.hash = "";

  const words = (code) =>
    code === ENDED ? "This view has ended." :
    code === FULL ? "No more browsers can look at once." :
    "The connection was lost; this page waits for it.";

  const over = (code) => {
    document.querySelector("#over span").textContent = words(code);
    if (code !== ENDED) setInterval(lookAgain, AGAIN_MS);
  };
  const lookAgain = async () => {
    const answer = await fetch("./", { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer === null) return;
    if (answer.ok) location.reload();
    else document.querySelector("#over span").textContent = "The server began anew: open the address that it printed.";
  };

  window.WebSocket = class extends WebSocket {
    constructor(address) {
      super(address);
      this.addEventListener("open", () => document.querySelector(".xterm-helper-textarea").focus());
      this.addEventListener("close", (event) => over(event.code));
    }
    send(data) {
      // A page that is to blame for nothing sends nothing that the server would end it for.
      if (this.readyState === WebSocket.OPEN && data.length <= LONGEST) super.send(data);
    }
  };

  // Without TLS browsers keep the clipboard to themselves (navigator.clipboard); copying a selection is allowed.
  if (!navigator.clipboard) {
    const writeText = async (text) => {
      const box = document.createElement("textarea");
      box.value = text;
      document.body.append(box);
      const focused = document.activeElement;
      box.select();
      document.execCommand("copy");
      box.remove();
      focused?.focus();
    };
    Object.defineProperty(navigator, "clipboard", { value: { writeText, readText: async () => "" } });
  }

  // ctrl+c copies what is selected, as in any page; q ends the view.
  addEventListener("keydown", (event) => {
    if (event.ctrlKey && !event.shiftKey && !event.altKey && event.key === "c") {
      event.stopImmediatePropagation();
      event.preventDefault();
      document.execCommand("copy");
    }
  }, true);

  addEventListener("DOMContentLoaded", () => {
    document.querySelector("#terminal").dataset.sessionWebsocketUrl = here.href;
    document.querySelector("#again").addEventListener("click", () => location.reload());
  });
})();
