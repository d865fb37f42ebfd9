"use strict";
// Light, dark, or as the system has it. Runs before anything is painted, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const THEMES = ["system", "light", "dark"];
  const kept = () => {
    try {
      return localStorage.getItem("netra-theme");
    } catch {
      return null;
    }
  };
  const put = (theme) => {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    root.dispatchEvent(new Event("theme"));
  };
  let theme = THEMES.includes(kept()) ? kept() : "system";
  put(theme);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const tell = () => {
      button.textContent = `Theme: ${theme}`;
    };
    tell();
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      try {
        localStorage.setItem("netra-theme", theme);
      } catch {
        /* it lasts until the page is left, then */
      }
      put(theme);
      tell();
    });
  });
})();
