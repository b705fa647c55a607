/* One source of ticks for every live part of a page: `live:tick` on body, skipped with a reason while it would disturb. */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("has-js");

  const KEY = "jobs.live";
  const AUTO = "auto";
  const STILL = { off: "Live off", "at rest": "At rest" };
  let timer = 0;
  let underWay = 0;
  let failures = 0;
  let signedOut = false;
  let skewMs = 0;

  const part = () => document.getElementById("live");
  const control = () => document.getElementById("live-control");
  const chosen = () => localStorage.getItem(KEY) || AUTO;
  const seconds = () => Number(chosen() === AUTO ? part()?.dataset.every || 0 : chosen());

  /* Why this tick would disturb, in words; empty when it would not. */
  function obstacle() {
    if (seconds() === 0) return chosen() === AUTO ? "at rest" : "off";
    return busyWith() || (underWay ? "loading" : "");
  }

  /* What somebody is doing here just now, in words. */
  function busyWith() {
    if (document.hidden) return "tab hidden";
    const picked = document.querySelectorAll("#live .pick:checked").length;
    if (picked) return `${picked} selected`;
    if (document.querySelector("dialog[open]")) return "dialog open";
    if (String(getSelection()).length) return "text selected";
    if (document.activeElement?.closest?.("#live")?.querySelector(":is(input:not(.pick), select, textarea):focus"))
      return "field in use";
    if (document.querySelector("#live .fold[open] form")) return "form open";
    return "";
  }

  function show(state, words) {
    const box = control();
    if (!box) return;
    box.dataset.live = state;
    const word = box.querySelector(".live-word");
    if (word.textContent !== words) word.textContent = words;
  }

  function tick() {
    const why = obstacle();
    if (signedOut) show("lost", "Signed out");
    else if (why && why !== "loading") show(failures ? "lost" : "paused", STILL[why] || `Paused: ${why}`);
    else if (!why) {
      if (!failures) show("on", "Live");
      document.body.dispatchEvent(new CustomEvent("live:tick"));
    }
    plan(why && !STILL[why] ? 0.5 : seconds() || 1);
  }

  function plan(inSeconds) {
    clearTimeout(timer);
    const backOff = failures ? Math.min(60, 2 ** failures) : 0;
    timer = setTimeout(tick, Math.max(inSeconds, backOff) * 1000);
  }

  function lost() {
    failures = Math.min(failures + 1, 6);
    document.body.classList.add("stale-data");
    show("lost", "Live updates lost");
    tellLost(`Live updates lost, retrying. The numbers below are from ${clockOf(part()?.dataset.at)}.`);
    plan(2 ** failures);
  }

  function tellLost(words) {
    const banner = document.getElementById("lost-banner");
    if (!banner) return;
    banner.textContent = words;
    banner.hidden = !words;
  }

  function found() {
    if (!failures) return;
    failures = 0;
    tellLost("");
    document.body.classList.remove("stale-data");
    show("on", "Live");
  }

  function answered(event) {
    const { xhr, elt } = event.detail;
    if (xhr.status === 401) {
      signedOut = true;
      const banner = document.getElementById("session-banner");
      if (banner) banner.hidden = false;
      show("lost", "Signed out");
    } else if (elt.id === "live") {
      if (xhr.status >= 200 && xhr.status < 400) found();
      else lost();
    }
  }

  /* Ages and clocks run here between answers, on the server's time. */
  const clockOf = (ms) => (ms ? new Date(Number(ms)).toTimeString().slice(0, 8) : "before");

  function age(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 172800) return `${Math.floor(s / 3600)} h`;
    return `${Math.floor(s / 86400)} d`;
  }

  function showTimes() {
    if (document.hidden) return;
    const now = Date.now() + skewMs;
    for (const node of document.querySelectorAll("time[data-ms]")) {
      const ahead = Number(node.dataset.ms) - now;
      const kind = node.dataset.kind;
      let words = age(Math.abs(ahead));
      if (kind === "ago") words = ahead > 999 ? `in ${words}` : `${words} ago`;
      if (kind === "due") words = ahead > 0 ? `in ${words}` : `${words} overdue`;
      if (node.textContent !== words) node.textContent = words;
    }
    const clock = document.getElementById("clock");
    if (clock) clock.textContent = new Date(now).toLocaleTimeString("en-GB", { timeZone: clock.dataset.zone });
  }

  function start() {
    skewMs = Number(document.body.dataset.nowMs || Date.now()) - Date.now();
    const rate = document.getElementById("live-rate");
    if (rate) {
      rate.value = chosen();
      if (!rate.value) rate.value = AUTO;
      rate.addEventListener("change", () => {
        localStorage.setItem(KEY, rate.value);
        tick();
      });
    }
    if (window.Idiomorph) {
      Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
        !(name === "open" && node.nodeName === "DETAILS");
    }
    if (part()) plan(seconds() || 1);
    if (part()) show(seconds() ? "on" : "paused", seconds() ? "Live" : STILL[obstacle()] || "Live");
    else if (control()) control().hidden = true;
    setInterval(showTimes, 1000);
    showTimes();
  }

  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, headers } = event.detail;
    if (elt.id === "live" && elt.dataset.hash) headers["X-Fragment"] = elt.dataset.hash;
  });
  /* An answer that was under way when somebody became busy is dropped; one that was asked for is not. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig } = event.detail;
    if (target.id === "live" && requestConfig.verb === "get" && !("asked" in target.dataset) && busyWith())
      event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id === "live") delete part()?.dataset.asked;
  });
  document.addEventListener("htmx:beforeRequest", () => (underWay += 1));
  document.addEventListener("htmx:afterRequest", () => (underWay = Math.max(0, underWay - 1)));
  document.addEventListener("htmx:beforeOnLoad", answered);
  document.addEventListener("htmx:sendError", (event) => event.detail.elt.id === "live" && lost());
  document.addEventListener("htmx:timeout", (event) => event.detail.elt.id === "live" && lost());
  document.addEventListener("live:now", () => {
    document.body.dispatchEvent(new CustomEvent("live:tick"));
    if (part()) part().dataset.asked = "yes";
  });
  document.addEventListener("live:toggle", () => {
    localStorage.setItem(KEY, seconds() ? "0" : AUTO);
    const rate = document.getElementById("live-rate");
    if (rate) rate.value = chosen();
    tick();
  });
  document.addEventListener("visibilitychange", () => document.hidden || (part() && tick()));
  document.addEventListener("DOMContentLoaded", start);
})();
