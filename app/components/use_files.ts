"use client";

import { useCallback, useEffect, useState } from "react";
import { deleteFile, listFiles, uploadFile } from "../lib/server";
import { asTrouble } from "../lib/trouble";
import type { KnownFile } from "../lib/wire";

/** A file on its way to the server. */
export interface Upload {
  readonly key: string;
  readonly name: string;
  /** From 0 to 1. */
  readonly share: number;
  readonly trouble: string | null;
}

export interface Files {
  readonly known: readonly KnownFile[];
  readonly uploads: readonly Upload[];
  readonly trouble: string | null;
  add(files: readonly File[]): void;
  remove(fileId: string): void;
  dismiss(key: string): void;
  refresh(): Promise<void>;
}

const POLL_MS = 1000;

/** The documents that users uploaded, and those on their way. Asks again only while one is being read. */
export function useFiles(onChanged: () => void): Files {
  const [known, setKnown] = useState<readonly KnownFile[]>([]);
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const refresh = useCallback(async () => {
    try {
      setKnown(await listFiles());
      setTrouble(null);
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message);
    }
  }, []);
  const reading = known.filter((file) => file.status === "in_progress").length;
  useEffect(() => {
    if (reading === 0) return;
    const timer = setInterval(() => void refresh(), POLL_MS);
    return () => clearInterval(timer);
  }, [reading, refresh]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is known has changed when a file was read
  useEffect(onChanged, [reading, known.length]);

  const change = (key: string, changed: Partial<Upload>) =>
    setUploads((all) => all.map((each) => (each.key === key ? { ...each, ...changed } : each)));
  const send = async (file: File) => {
    const key = crypto.randomUUID();
    setUploads((all) => [...all, { key, name: file.name, share: 0, trouble: null }]);
    try {
      await uploadFile(file, (share) => change(key, { share }));
      setUploads((all) => all.filter((each) => each.key !== key));
      await refresh();
    } catch (thrown) {
      change(key, { trouble: asTrouble(thrown).message });
    }
  };
  return {
    known,
    uploads,
    trouble,
    add: (files) => void files.reduce(async (before, file) => before.then(() => send(file)), Promise.resolve()),
    remove: (fileId) => {
      setKnown((all) => all.filter((file) => file.file_id !== fileId));
      deleteFile(fileId).then(refresh, (thrown) => setTrouble(asTrouble(thrown).message));
    },
    dismiss: (key) => setUploads((all) => all.filter((each) => each.key !== key)),
    refresh,
  };
}
