import type { NextConfig } from "next";
import { PHASE_DEVELOPMENT_SERVER } from "next/constants";

const server = process.env.NEXT_PUBLIC_PYTHON_API_URL || "http://127.0.0.1:8000";
const rooms = ["api", "chat", "threads", "v1"];

/** `npm run dev` hands all calls on to the Python server; the export is files alone, which that server serves itself. */
export default function config(phase: string): NextConfig {
  const shared: NextConfig = { reactStrictMode: true, compress: false, poweredByHeader: false, devIndicators: false };
  if (phase !== PHASE_DEVELOPMENT_SERVER) return { ...shared, output: "export" };
  return {
    ...shared,
    rewrites: async () => rooms.map((room) => ({ source: `/${room}/:path*`, destination: `${server}/${room}/:path*` })),
  };
}
