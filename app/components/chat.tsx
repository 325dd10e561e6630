"use client";

/** The whole page: threads, the open one, and beside it a source or the documents. */

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { type Source, withoutMarkers } from "../lib/citations";
import { moveDraft } from "../lib/drafts";
import { OpenThread } from "../lib/open_thread";
import { listThreads, renameThread, titleFor } from "../lib/server";
import type { Trouble } from "../lib/trouble";
import type { Conversation } from "../lib/wire";
import { strings } from "../strings";
import { Composer, type ComposerHandle } from "./composer";
import { ConversationView } from "./conversation";
import { FilesPanel } from "./files_panel";
import { Notice } from "./notice";
import { SourcePanel } from "./source_panel";
import { ThreadHeader } from "./thread_header";
import { ThreadList } from "./thread_list";
import { useFiles } from "./use_files";
import { useKnowledge } from "./use_knowledge";
import { Welcome } from "./welcome";

type Aside = { kind: "source"; source: Source } | { kind: "files" } | null;

export function Chat() {
  const [threads, setThreads] = useState<Conversation[]>([]);
  const [aside, setAside] = useState<Aside>(null);
  const [listOpen, setListOpen] = useState(false);
  const [dropping, setDropping] = useState(false);
  const composer = useRef<ComposerHandle>(null);
  const knowledge = useKnowledge();
  const files = useFiles(knowledge.refresh);
  const refresh = useCallback(async () => setThreads(await listThreads()), []);

  const [thread] = useState(
    () =>
      new OpenThread(
        (threadId) => {
          moveDraft(threadId);
          showAddress(threadId);
        },
        (threadId, first) => void used(threadId, first),
      ),
  );
  async function used(threadId: string, first: string | null) {
    await refresh().catch(() => {});
    if (first === null) return;
    const title = await titleFor(threadId, first).catch(() => null);
    if (title) await renameThread(threadId, withoutMarkers(title)).catch(() => {});
    await refresh().catch(() => {});
  }

  const { state, connected, trouble, loading } = useSyncExternalStore(thread.subscribe, thread.current, thread.current);
  useEffect(() => {
    const openAddress = () => thread.open(new URLSearchParams(window.location.search).get("thread"));
    openAddress();
    window.addEventListener("popstate", openAddress);
    return () => {
      window.removeEventListener("popstate", openAddress);
      thread.close();
    };
  }, [thread]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new name, made elsewhere, is one in the list as well
  useEffect(() => {
    refresh().catch(() => {});
    window.addEventListener("focus", refresh);
    return () => window.removeEventListener("focus", refresh);
  }, [refresh, state.name]);

  const go = useCallback(
    (threadId: string | null) => {
      showAddress(threadId);
      thread.open(threadId);
      setAside(null);
      setListOpen(false);
      composer.current?.focus();
    },
    [thread],
  );
  const current = threads.find((each) => each.threadId === state.threadId) ?? null;
  const showSource = useCallback((source: Source) => setAside({ kind: "source", source }), []);
  const isEmpty = !loading && !trouble && state.messages.length === 0 && state.outgoing.length === 0;
  const gone: Trouble | string | null = state.deleted ? strings.trouble.deleted : trouble;

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files can be added by a button too
    <div
      className={`page ${aside ? "with-aside" : ""} ${listOpen ? "with-list" : ""}`}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={(event) => event.currentTarget.contains(event.relatedTarget as Node | null) || setDropping(false)}
      onDrop={(event) => {
        event.preventDefault();
        setDropping(false);
        files.add([...event.dataTransfer.files]);
        setAside({ kind: "files" });
      }}
    >
      <ThreadList
        threads={threads}
        openId={state.threadId}
        liveId={Object.keys(state.active).length > 0 ? state.threadId : null}
        onOpen={go}
        onChanged={setThreads}
        onRefresh={refresh}
        knowledge={knowledge.known}
        onFiles={() => setAside({ kind: "files" })}
        onClose={() => setListOpen(false)}
      />
      <main>
        <ThreadHeader
          thread={current}
          onList={() => setListOpen(true)}
          onFiles={() => setAside({ kind: "files" })}
          onChanged={refresh}
        />
        {isEmpty ? (
          <Welcome knowledge={knowledge.known} onAsk={(question) => void thread.send(question)} />
        ) : (
          <ConversationView
            thread={thread}
            state={state}
            loading={loading}
            onSource={showSource}
            onEdit={(id, text) => composer.current?.edit(id, text)}
          />
        )}
        {!connected && <Notice text={strings.run.reconnecting} />}
        {gone && (
          <Notice
            text={typeof gone === "string" ? gone : gone.message}
            action={typeof gone === "string" || !gone.again ? strings.trouble.newThread : strings.message.retry}
            onAction={() => (typeof gone === "string" || !gone.again ? go(null) : thread.again())}
          />
        )}
        <Composer
          ref={composer}
          thread={thread}
          state={state}
          onFiles={(chosen) => {
            files.add(chosen);
            setAside({ kind: "files" });
          }}
        />
      </main>
      {aside?.kind === "source" && <SourcePanel source={aside.source} onClose={() => setAside(null)} />}
      {aside?.kind === "files" && <FilesPanel files={files} onClose={() => setAside(null)} />}
      {dropping && <div className="dropping">{strings.files.dropHere}</div>}
    </div>
  );
}

function showAddress(threadId: string | null): void {
  const wanted = threadId === null ? window.location.pathname : `?thread=${encodeURIComponent(threadId)}`;
  if (new URLSearchParams(window.location.search).get("thread") !== threadId) window.history.pushState(null, "", wanted);
}
