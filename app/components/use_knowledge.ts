"use client";

import { useCallback, useEffect, useState } from "react";
import { readKnowledge } from "../lib/server";
import type { Knowledge } from "../lib/wire";

/** What the assistant knows, as the server last told. Null until it has. */
export function useKnowledge(): { known: Knowledge | null; refresh: () => void } {
  const [known, setKnown] = useState<Knowledge | null>(null);
  const refresh = useCallback(() => {
    readKnowledge().then(setKnown, () => {});
  }, []);
  useEffect(refresh, [refresh]);
  return { known, refresh };
}
