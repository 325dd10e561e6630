import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { strings } from "./strings";
import "./globals.css";

export const metadata: Metadata = { title: strings.app.name, description: strings.app.description, icons: { icon: "/icon.svg" } };

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  viewportFit: "cover",
  interactiveWidget: "resizes-content",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#fbfaf8" },
    { media: "(prefers-color-scheme: dark)", color: "#171614" },
  ],
};

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <body>{children}</body>
    </html>
  );
}
