// Node's own fetch, with each Accept: a job { baseUrl, threadId, runId, accepts: [string | null] }; writes, for each, what the POST and
// the resume answered: status, headers, first characters.

import { readFileSync } from "node:fs";

const job = JSON.parse(readFileSync(0, "utf8"));

async function look(response) {
  const text = await response.text();
  return { status: response.status, headers: Object.fromEntries(response.headers), text };
}

const answers = [];
for (const accept of job.accepts) {
  const headers = accept === null ? {} : { Accept: accept };
  const body = JSON.stringify({ content: job.content, threadId: job.threadId });
  const post = await look(await fetch(`${job.baseUrl}/chat/stream`, { method: "POST", body, headers }));
  const resume = await look(await fetch(`${job.baseUrl}/chat/stream/${job.runId}`, { headers }));
  answers.push({ post, resume });
}
process.stdout.write(JSON.stringify(answers));
