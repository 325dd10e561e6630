"use client";

import { useEffect, useRef } from "react";
import { address } from "../lib/server";
import { strings } from "../strings";
import { Glyph } from "./glyph";
import { Notice } from "./notice";
import type { Files, Upload } from "./use_files";

/** The documents that users gave, how far each is, and the way to give more. */
export function FilesPanel({ files, onClose }: { files: Files; onClose(): void }) {
  const chooser = useRef<HTMLInputElement>(null);
  const { refresh } = files;
  useEffect(() => void refresh(), [refresh]);
  return (
    <aside aria-label={strings.files.label}>
      <div className="aside-top">
        <h2>{strings.files.title}</h2>
        <button type="button" className="quiet" aria-label={strings.source.close} onClick={onClose}>
          <Glyph name="close" />
        </button>
      </div>
      <p className="drop">
        {strings.files.drop}{" "}
        <button type="button" onClick={() => chooser.current?.click()}>
          {strings.files.choose}
        </button>
      </p>
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          files.add([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      {files.trouble && <Notice text={files.trouble} action={strings.message.retry} onAction={() => void refresh()} />}
      {files.known.length === 0 && files.uploads.length === 0 && !files.trouble && <p className="none">{strings.files.empty}</p>}
      <ul className="files">
        {files.uploads.map((upload) => (
          <Sent key={upload.key} upload={upload} onDismiss={() => files.dismiss(upload.key)} />
        ))}
        {files.known.map((file) => (
          <li key={file.file_id} data-status={file.status}>
            <a href={address(`/api/files/${file.file_id}`)} download dir="auto">
              {file.filename}
            </a>
            <small>{statusOf(file.status)}</small>
            {file.status === "in_progress" && <progress aria-label={strings.files.indexing} />}
            {file.error && <p className="why">{file.error}</p>}
            <button
              type="button"
              className="quiet"
              aria-label={strings.files.remove(file.filename)}
              onClick={() => files.remove(file.file_id)}
            >
              <Glyph name="trash" />
            </button>
          </li>
        ))}
      </ul>
    </aside>
  );
}

function Sent({ upload, onDismiss }: { upload: Upload; onDismiss(): void }) {
  const percent = Math.round(upload.share * 100);
  return (
    <li data-status={upload.trouble ? "failed" : "in_progress"}>
      <span dir="auto">{upload.name}</span>
      {upload.trouble ? (
        <>
          <p className="why">{upload.trouble}</p>
          <button type="button" className="quiet" aria-label={strings.message.discard} onClick={onDismiss}>
            <Glyph name="close" />
          </button>
        </>
      ) : (
        <>
          <small>{strings.files.uploading(percent)}</small>
          <progress value={upload.share} aria-label={strings.files.uploading(percent)} />
        </>
      )}
    </li>
  );
}

function statusOf(status: string): string {
  if (status === "completed") return strings.files.completed;
  return status === "in_progress" ? strings.files.indexing : strings.files.failed;
}
