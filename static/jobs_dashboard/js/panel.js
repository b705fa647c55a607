/* What a mouse or a keyboard adds to plain forms: selection, dialogs, toasts, copying, display settings, shortcuts. */
(() => {
  "use strict";
  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const TOAST_MS = 10000;
  let goPressedAt = 0;

  /* Selection: the bar says how many, "select page" follows, and Shift extends. */
  let lastPicked = null;

  function showSelection() {
    const boxes = all("#live .pick");
    const picked = boxes.filter((box) => box.checked).length;
    const count = $("#picked-count");
    if (count) count.textContent = picked === 1 ? "1 selected" : `${picked} selected`;
    $(".selection")?.classList.toggle("is-open", picked > 0);
    const every = $("#pick-all");
    if (every) {
      every.checked = picked > 0 && picked === boxes.length;
      every.indeterminate = picked > 0 && picked < boxes.length;
    }
  }

  function pick(event) {
    const box = event.target;
    if (box.id === "pick-all") for (const each of all("#live .pick")) each.checked = box.checked;
    else if (event.shiftKey && lastPicked && lastPicked.isConnected) {
      const boxes = all("#live .pick");
      const [from, to] = [boxes.indexOf(lastPicked), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const each of boxes.slice(from, to + 1)) each.checked = box.checked;
    }
    if (box.matches(".pick")) lastPicked = box;
    showSelection();
  }

  /* Rows by keyboard. */
  const rows = () => all("#live tbody tr[data-row]");

  function move(step) {
    const list = rows();
    if (!list.length) return;
    const at = list.indexOf(document.activeElement?.closest?.("tr[data-row]"));
    const next = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + step))];
    next.focus();
  }

  const current = () => document.activeElement?.closest?.("tr[data-row]");

  const KEYS = {
    "/": () => $("#search")?.focus(),
    "?": () => $("#shortcuts")?.showModal(),
    ".": () => document.dispatchEvent(new CustomEvent("live:toggle")),
    j: () => move(1),
    k: () => move(-1),
    x: () => current()?.querySelector(".pick")?.click(),
    r: () => (current() || $("#live .page-head"))?.querySelector("[data-verb=retry]")?.click(),
  };

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]") || $("dialog[open]")) return;
    if (event.key === "Enter" && event.target.matches("tr[data-row]")) {
      event.target.querySelector("a")?.click();
      return;
    }
    if (Date.now() - goPressedAt < 1500) {
      goPressedAt = 0;
      const link = $(`.rail-link[data-key="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
        return;
      }
    }
    if (event.key === "g") goPressedAt = Date.now();
    else if (KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key]();
    }
  }

  /* Toasts leave by themselves unless they tell of trouble or are being read. */
  function age(toast) {
    if (toast.dataset.ageing || toast.matches(".is-bad")) return;
    toast.dataset.ageing = "yes";
    const leave = () => {
      if (toast.matches(":hover, :focus-within")) setTimeout(leave, 2000);
      else toast.remove();
    };
    setTimeout(leave, TOAST_MS);
  }

  function clicked(event) {
    const target = event.target.closest("[data-close], [data-copy], [data-open], #held");
    if (!target) return;
    if (target.id === "held") document.dispatchEvent(new CustomEvent("live:now"));
    if (target.dataset.close === "toast") target.closest(".toast").remove();
    if (target.dataset.close === "dialog") target.closest("dialog").close();
    if (target.dataset.open) document.getElementById(target.dataset.open)?.showModal();
    if (target.dataset.copy) {
      navigator.clipboard?.writeText(target.dataset.copy);
      const word = target.textContent;
      target.textContent = "Copied";
      setTimeout(() => (target.textContent = word), 1500);
    }
  }

  /* Nothing moves under the cursor: while it is on the list, rows that went are dimmed, and new ones wait for a click. */
  const keysOf = (list) => list.map((row) => row.id);

  function hold(event) {
    const { target, requestConfig, serverResponse } = event.detail;
    const list = $("#selection");
    if (target.id !== "live" || requestConfig.verb !== "get" || !event.detail.shouldSwap) return;
    if ("asked" in target.dataset || !list || !list.matches(":hover, :focus-within")) return;
    const fresh = new DOMParser().parseFromString(serverResponse, "text/html");
    const before = keysOf(rows());
    const after = keysOf([...fresh.querySelectorAll("tr[data-row]")]);
    if (String(before) === String(after)) return;
    event.detail.shouldSwap = false;
    const tabs = fresh.querySelector("#tabs");
    if (tabs) Idiomorph.morph($("#tabs"), tabs);
    for (const row of rows()) row.classList.toggle("is-changed", !after.includes(row.id));
    const added = after.filter((key) => !before.includes(key)).length;
    $("#held").textContent = added ? `${added} new, show` : "Changed, show";
    $("#held").hidden = false;
  }

  function swapped(event) {
    const { target } = event.detail;
    if (target.id === "live" && $("#held")) $("#held").hidden = true;
    if (target.id === "dialog" && target.querySelector("form") && !target.open) target.showModal();
    if (document.activeElement === document.body && target.id?.startsWith("job-"))
      document.getElementById(target.id)?.focus();
    all(".toast").forEach(age);
    showSelection();
  }

  /* The display menu: the theme changes at once and is remembered by the server's cookie. */
  function displayed(event) {
    const form = event.target.closest("#display");
    if (!form) return;
    if (event.target.name === "theme") {
      if (event.target.value === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = event.target.value;
    }
    form.requestSubmit();
  }

  function offerOwnZone() {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const option = $("#own-zone");
    if (!option || !zone || zone === option.dataset.server) return;
    option.querySelector("input").value = zone;
    option.querySelector("span").textContent = `${zone} (this browser)`;
    option.hidden = false;
  }

  document.addEventListener("change", (event) => {
    if (!event.target.matches(".pick, #pick-all")) displayed(event);
  });
  document.addEventListener("click", (event) => {
    if (event.target.matches?.(".pick, #pick-all")) pick(event);
    clicked(event);
  });
  document.addEventListener("keydown", pressed);
  document.addEventListener("htmx:beforeSwap", hold);
  document.addEventListener("htmx:afterSwap", swapped);
  document.addEventListener("htmx:oobAfterSwap", () => all(".toast").forEach(age));
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb === "post" && $("#live")) htmx.trigger("#live", "htmx:abort");
  });
  document.addEventListener("dialog:close", () => $("#dialog")?.close());
  document.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.matches(".fold, .menu")) event.target.querySelector(".input")?.focus();
  }, true);
  document.addEventListener("pointerdown", (event) => {
    for (const menu of all(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("DOMContentLoaded", () => {
    all(".toast").forEach(age);
    showSelection();
    offerOwnZone();
    $(".tab[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  });
})();
