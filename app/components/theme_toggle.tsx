"use client";

import { useEffect, useState } from "react";
import { strings } from "../strings";
import { Glyph } from "./glyph";

const KEY = "underpin:theme";

/** Light or dark: the system's until the user chooses. */
export function ThemeToggle() {
  const [dark, setDark] = useState(false);
  useEffect(() => {
    const chosen = read();
    const isDark = chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
    if (chosen) document.documentElement.dataset.theme = chosen;
    setDark(isDark);
  }, []);
  const toggle = () => {
    const chosen = dark ? "light" : "dark";
    document.documentElement.dataset.theme = chosen;
    setDark(!dark);
    try {
      window.localStorage.setItem(KEY, chosen);
    } catch {
      // It holds for this visit.
    }
  };
  return (
    <button
      type="button"
      className="quiet"
      aria-label={strings.theme.toggle}
      title={dark ? strings.theme.light : strings.theme.dark}
      onClick={toggle}
    >
      <Glyph name={dark ? "sun" : "moon"} />
    </button>
  );
}

function read(): string | null {
  try {
    return window.localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
